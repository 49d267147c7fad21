/** Which profile is chosen: each reason once, and the order of everything beside a plain model. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { AuthProfile, ProfileId } from "../../src/auth/profile.ts";
import { parseProvider } from "../../src/auth/provider.ts";
import type { ProfileRecord, RuntimeState } from "../../src/auth/runtime_state.ts";
import {
  CANDIDATE_REASONS,
  type CandidateReason,
  selectProfile,
} from "../../src/auth/selection.ts";
import { checkProperty } from "../support/properties.ts";

const NOW = 1_000_000;

function profile(id: string, more: Partial<AuthProfile> = {}): AuthProfile {
  return {
    profileId: id as ProfileId,
    provider: parseProvider("openai"),
    profileName: id,
    scope: "global",
    enabled: true,
    credential: { type: "api_key", apiKeyRef: `global/${id}` },
    ...more,
  };
}

const OAUTH: AuthProfile["credential"] = {
  type: "oauth",
  tokensRef: "global/t",
  clientId: "c",
  clientSecretRef: undefined,
  tokenEndpoint: "https://a.example/token",
  revocationEndpoint: undefined,
  issuer: undefined,
  scopes: [],
};

function stateOf(
  records: Readonly<Record<string, Partial<ProfileRecord>>>,
  orders: Readonly<Record<string, readonly string[]>> = {},
): RuntimeState {
  return {
    records: new Map(
      Object.entries(records).map((
        [id, record],
      ) => [id, { credential: "", failures: 0, ...record }]),
    ),
    orders: new Map(Object.entries(orders)),
  };
}

const present = { isPresent: () => true, now: NOW };

Deno.test("every reason arises, from what it is about", () => {
  const rows: [CandidateReason, AuthProfile, Partial<ProfileRecord>, object][] = [
    ["provider_mismatch", profile("a", { provider: parseProvider("slack") }), {}, {}],
    ["credential_mode_restricted", profile("a"), {}, { credentials: ["oauth"] }],
    ["not_in_explicit_order", profile("a"), {}, { order: ["b"] }],
    ["policy_denied", profile("a"), {}, { denied: ["a"] }],
    ["profile_disabled", profile("a", { enabled: false }), {}, {}],
    ["credential_missing", profile("a", { profileName: "gone" }), {}, {}],
    ["credential_revoked", profile("a"), { failure: "auth_invalid" }, {}],
    ["config_missing", profile("a"), { failure: "config_missing" }, {}],
    ["cooldown_active", profile("a"), { cooldownUntil: NOW + 1 }, {}],
    [
      "token_expired",
      profile("a", { credential: OAUTH }),
      { expiresAt: NOW, refreshable: false },
      {},
    ],
    ["eligible", profile("a", { credential: OAUTH }), { expiresAt: NOW, refreshable: true }, {}],
  ];
  for (const [reason, one, record, wish] of rows) {
    const facts = {
      state: stateOf({ a: record }),
      isPresent: ({ profileName }: AuthProfile) => profileName !== "gone",
      now: NOW,
    };
    const { candidates, selected } = selectProfile(
      [one],
      { provider: parseProvider("openai"), ...wish },
      facts,
    );
    assert.deepEqual(candidates.map((candidate) => candidate.reason), [reason]);
    assert.equal(selected !== undefined, reason === "eligible");
  }
  assert.deepEqual(rows.map(([reason]) => reason).sort(), [...CANDIDATE_REASONS].sort());
});

Deno.test("an agent's profiles are seen by that agent alone", () => {
  const all = [
    profile("g"),
    profile("mine", { scope: "agent:a" }),
    profile("other", { scope: "agent:b" }),
  ];
  const seen = (agentId?: string): string[] =>
    selectProfile(all, { agentId }, { state: stateOf({}), ...present })
      .candidates.map((one) => one.profile.profileId);
  assert.deepEqual(seen(), ["g"]);
  assert.deepEqual(seen("a"), ["g", "mine"]);
  assert.deepEqual(seen("c"), ["g"]);
  assert.equal(
    selectProfile([all[1]!], {}, { state: stateOf({}), ...present }).reason,
    "no_candidates",
  );
});

Deno.test("orders: the one that is given, the agent's, the provider's, the longest unused, the id", () => {
  const all = [profile("a"), profile("b"), profile("c")];
  const first = (wish: object, state: RuntimeState): string | undefined =>
    selectProfile(all, wish, { state, ...present }).selected?.profileId;
  const openai = { provider: parseProvider("openai") };
  const orders = { global: ["c"], "global openai": ["b"], "agent:x": ["a", "c"] };
  assert.equal(first({}, stateOf({})), "a");
  assert.equal(
    first({}, stateOf({ a: { lastUsedAt: 5 }, b: { lastUsedAt: 4 }, c: { lastUsedAt: 6 } })),
    "b",
  );
  assert.equal(first({}, stateOf({}, orders)), "c");
  assert.equal(first(openai, stateOf({}, orders)), "b");
  assert.equal(first({ agentId: "x", ...openai }, stateOf({}, orders)), "a");
  assert.equal(first({ order: ["c", "b"] }, stateOf({}, orders)), "c");
  assert.equal(first({ order: ["c", "b"] }, stateOf({ c: { cooldownUntil: NOW + 1 } })), "b");
});

Deno.test("the chosen profile is eligible, and nobody who is eligible stands before it", async () => {
  const seldom = fc.nat({ max: 4 }).map((chance) => chance === 4);
  const arbitrary = fc.record({
    enabled: seldom.map((is) => !is),
    present: seldom.map((is) => !is),
    used: fc.nat({ max: 3 }),
    cooling: seldom,
    refused: seldom,
    mine: seldom,
  });
  let selections = 0;
  await checkProperty(
    "selection",
    fc.property(
      fc.array(arbitrary, { maxLength: 8 }),
      fc.array(fc.nat({ max: 7 }), { maxLength: 8 }),
      (given, order) => {
        const profiles = given.map(({ enabled, mine }, at) =>
          profile(`p${at}`, { enabled, scope: mine ? "agent:me" : "global" })
        );
        const records = Object.fromEntries(
          given.map(({ used, cooling, refused }, at) => [`p${at}`, {
            lastUsedAt: used,
            ...(cooling ? { cooldownUntil: NOW + 1 } : {}),
            ...(refused ? { failure: "auth_invalid" as const } : {}),
          }]),
        );
        const ids = [...new Set(order.map((at) => `p${at}`))];
        const state = stateOf(records, ids.length === 0 ? {} : { global: ids });
        const isPresent = ({ profileId }: AuthProfile): boolean =>
          given[Number(profileId.slice(1))]!.present;
        const { selected, candidates } = selectProfile(profiles, {}, {
          state,
          isPresent,
          now: NOW,
        });
        const good = given.flatMap((one, at) =>
          one.enabled && one.present && !one.cooling && !one.refused && !one.mine ? [at] : []
        );
        const place = (at: number): number => {
          const found = ids.indexOf(`p${at}`);
          return found < 0 ? 99 : found;
        };
        const expected =
          good.toSorted((a, b) =>
            place(a) - place(b) || given[a]!.used - given[b]!.used || a - b
          )[0];
        assert.equal(selected?.profileId, expected === undefined ? undefined : `p${expected}`);
        assert.equal(candidates.length, given.filter(({ mine }) => !mine).length);
        if (selected !== undefined) selections++;
      },
    ),
  );
  assert.ok(selections > 300, `${selections} selections`);
});
