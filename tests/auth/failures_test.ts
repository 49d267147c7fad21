/** Rests after failures under a virtual clock, beside a small model. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { afterFailure, afterSuccess, withoutCooldown } from "../../src/auth/failures.ts";
import { backoffOf, parseProvider } from "../../src/auth/provider.ts";
import { FAILURE_KINDS, type ProfileRecord } from "../../src/auth/runtime_state.ts";
import { checkProperty } from "../support/properties.ts";

const NEW: ProfileRecord = { credential: "c", failures: 0 };
const DAY = 86_400_000;

const step = fc.oneof(
  fc.record({
    do: fc.constant("fail" as const),
    kind: fc.constantFrom(...FAILURE_KINDS),
    retryAfterMs: fc.option(fc.integer({ min: 0, max: 3 * DAY }), { nil: undefined }),
    chance: fc.double({ min: 0, max: 1, noNaN: true }),
    later: fc.nat({ max: DAY }),
  }),
  fc.record({
    do: fc.constantFrom("succeed" as const, "clear" as const),
    later: fc.nat({ max: DAY }),
  }),
);

Deno.test("rests grow by doubling within their policy, never fall short of what a server asked, and end with a success", async () => {
  await checkProperty(
    "rests after failures",
    fc.property(
      fc.constantFrom("openai", "anthropic", "github", "custom:x").map(parseProvider),
      fc.array(step, { maxLength: 40 }),
      (provider, steps) => {
        const policy = backoffOf(provider);
        let now = 1_000;
        let record = NEW;
        let failures = 0;
        for (const one of steps) {
          now += one.later;
          if (one.do === "succeed") {
            record = afterSuccess(record, now);
            failures = 0;
            assert.deepEqual([record.failure, record.cooldownUntil], [undefined, undefined]);
          } else if (one.do === "clear") {
            const wasRefused = record.failure === "auth_invalid";
            record = withoutCooldown(record);
            assert.equal(record.cooldownUntil, undefined);
            assert.equal(record.failure, wasRefused ? "auth_invalid" : undefined);
            if (!wasRefused) failures = 0;
          } else if ("kind" in one) {
            record = afterFailure(record, one, policy, { now, chance: one.chance });
            failures++;
            assert.equal(record.failure, one.kind);
            const rest = record.cooldownUntil === undefined
              ? undefined
              : record.cooldownUntil - now;
            if (one.kind === "auth_invalid" || one.kind === "config_missing") {
              assert.equal(rest, undefined, "time mends nothing");
            } else {
              const full = one.kind === "refresh_failed"
                ? Math.min(policy.maxMs, policy.baseMs * 2 ** (failures - 1))
                : 60_000;
              const asked = Math.min(DAY, one.retryAfterMs ?? 0);
              assert.ok(rest! >= Math.max(full / 2, asked) - 1e-6, `${rest} is too short`);
              assert.ok(rest! <= Math.max(full, asked), `${rest} is too long`);
            }
          }
          assert.equal(record.failures, failures);
        }
      },
    ),
  );
});
