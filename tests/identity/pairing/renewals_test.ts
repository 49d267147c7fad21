/** What a renewal may give, and which one is answered. */

import assert from "node:assert/strict";
import { findMembership } from "../../../src/identity/membership.ts";
import { removeDevice } from "../../../src/identity/registry/devices.ts";
import {
  accept,
  answer,
  askAgain,
  assertRefused,
  makeSides,
  pair,
  pass,
  type Side,
} from "../../support/pairing_sides.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

Deno.test("A renewal from before a device was removed is not answered after it has paired again", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  await pair(approver, joiner);
  pass(DAY_MS, approver, joiner);
  const old = await askAgain(joiner, approver);
  const answered = await answer(approver, old);
  await removeDevice(approver.registry, joiner.device.deviceId, "key compromise");
  await assertRefused(approver, () => answer(approver, old), "not_found");
  pass(60 * MINUTE_MS, approver, joiner);
  await pair(approver, joiner);
  await assertRefused(approver, () => answer(approver, old), "denied");
  await assertRefused(joiner, () => accept(joiner, answered), "not_found"); // its certificate is revoked
  // The device does not repeat it either: its next request is a new one, and is answered.
  const next = await askAgain(joiner, approver);
  assert.notEqual(next, old);
  assert.equal(await accept(joiner, await answer(approver, next)), true);
});

Deno.test("A renewal gives no usage and no lifetime that nobody has approved", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  await pair(approver, joiner);
  pass(6 * DAY_MS, approver, joiner);
  for (const usages of [["serverAuth"], ["clientAuth", "serverAuth"]] as const) {
    const wish = await askAgain(joiner, approver, { usages });
    await assertRefused(approver, () => answer(approver, wish), "denied");
  }
  const wish = await askAgain(joiner, approver, { validityS: 397 * 86_400 });
  assert.equal(await accept(joiner, await answer(approver, wish)), true);
  const { leaf } = (await findMembership(joiner.store, approver.ca.fingerprint))!;
  assert.ok(leaf.notAfter - joiner.clock.now <= 7 * DAY_MS);
  pass(6 * DAY_MS, approver, joiner); // and it does not grow from one to the next
  assert.equal(
    await accept(joiner, await answer(approver, await askAgain(joiner, approver))),
    true,
  );
  // A new approval gives more, and less again.
  await pair(approver, joiner, { usages: ["clientAuth", "serverAuth"] });
  pass(DAY_MS, approver, joiner);
  const both = await askAgain(joiner, approver, { usages: ["serverAuth"] });
  assert.equal(await accept(joiner, await answer(approver, both)), true);
});
