/** Steps of a pairing in every wrong order, at the edge of every lifetime, and with clocks that are set. */

import assert from "node:assert/strict";
import {
  cancelCode,
  createCode,
  listCodes,
  MAX_ACTIVE_CODES,
} from "../../../src/identity/pairing/codes.ts";
import { decide } from "../../../src/identity/pairing/decisions.ts";
import { listRequests, MAX_PENDING_REQUESTS } from "../../../src/identity/pairing/requests.ts";
import { findMembership } from "../../../src/identity/membership.ts";
import { certificatesOf } from "../../../src/identity/registry/certificates.ts";
import { findDevice, removeDevice, revokeDevice } from "../../../src/identity/registry/devices.ts";
import { writeRevocationList } from "../../../src/identity/registry/revocations.ts";
import {
  answer,
  ask,
  askAgain,
  codeOf,
  complete,
  decideOn,
  file,
  makeSide,
  makeSides,
  outcomeOf,
  pair,
  pass,
  type Side,
  stateOf,
} from "../../support/pairing_sides.ts";

const MINUTE_MS = 60_000;
const TEN_MINUTES_MS = 10 * MINUTE_MS;
const DAY_MS = 86_400_000;

Deno.test("A request is decided once: again is the same, otherwise is refused", async () => {
  using sides = await makeSides(3);
  const [approver, first, second] = sides.all as [Side, Side, Side];
  const one = await file(approver, await ask(first, await codeOf(approver)));
  const two = await file(approver, await ask(second, await codeOf(approver)));
  const approved = await decideOn(approver, one.requestId);
  const rejected = await decideOn(approver, two.requestId, "rejected", "no");
  const before = stateOf(approver);
  pass(DAY_MS, approver);
  assert.equal(await decideOn(approver, one.requestId), approved);
  assert.equal(await decideOn(approver, two.requestId, "rejected", "another reason"), rejected);
  for (const [id, verdict] of [[one.requestId, "rejected"], [two.requestId, "approved"]] as const) {
    assert.equal(await outcomeOf(() => decideOn(approver, id, verdict)), "precondition");
  }
  assert.equal(stateOf(approver), before);
  assert.equal((await complete(first, approved)).membership !== undefined, true);
  assert.equal((await complete(second, rejected)).membership, undefined);
  assert.equal(await outcomeOf(() => complete(second, rejected)), "not_found");
});

Deno.test("A request is good until its last millisecond, and never again after it", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  const started = approver.clock.now;
  for (const lateMs of [-1, 0, 1]) {
    approver.clock.now = joiner.clock.now = started;
    const code = await codeOf(approver);
    const request = await ask(joiner, code);
    const { requestId } = await file(approver, request);
    approver.clock.now = started + TEN_MINUTES_MS + lateMs;
    const outcome = await outcomeOf(() => decideOn(approver, requestId));
    assert.equal(outcome, lateMs < 0 ? "done" : "precondition", `${lateMs} ms`);
    approver.clock.now = started; // the clock is set back: what was decided stays
    const again = await outcomeOf(() => decideOn(approver, requestId));
    assert.equal(again, outcome);
    const { state } = (await listRequests(approver.registry)).find((one) =>
      one.requestId === requestId
    )!;
    assert.equal(state, lateMs < 0 ? "approved" : "expired");
    assert.equal(await outcomeOf(() => decideOn(approver, requestId, "rejected")), "precondition");
    assert.equal((await file(approver, request)).state, state);
  }
});

Deno.test("A code is good until its last millisecond, and a request does not outlive it", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  const started = approver.clock.now;
  for (const lateMs of [-1, 0]) {
    approver.clock.now = joiner.clock.now = started;
    const request = await ask(joiner, await codeOf(approver, MINUTE_MS));
    approver.clock.now = started + MINUTE_MS + lateMs;
    const outcome = await outcomeOf(() => file(approver, request));
    assert.equal(outcome, lateMs < 0 ? "done" : "precondition");
    if (lateMs >= 0) continue;
    const filed = await file(approver, request);
    assert.equal(filed.expiresAt, started + MINUTE_MS);
    approver.clock.now = started + MINUTE_MS;
    assert.equal(await outcomeOf(() => decideOn(approver, filed.requestId)), "precondition");
  }
});

Deno.test("Clocks that differ by up to five minutes do not matter, greater differences are refused", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  const started = approver.clock.now;
  const cases: [number, string][] = [
    [5 * MINUTE_MS, "done"],
    [5 * MINUTE_MS + 1, "denied"],
    [-5 * MINUTE_MS, "done"],
    [-TEN_MINUTES_MS, "precondition"],
  ];
  for (const [difference, expected] of cases) {
    approver.clock.now = started;
    joiner.clock.now = started + difference;
    const request = await ask(joiner, await codeOf(approver));
    assert.equal(await outcomeOf(() => file(approver, request)), expected, `${difference} ms`);
    if (expected !== "done") continue;
    const decision = await decideOn(approver, (await file(approver, request)).requestId);
    assert.equal((await complete(joiner, decision)).changed, true);
  }
  // A joiner further behind does not take a certificate that is not good yet, and may try again.
  approver.clock.now = joiner.clock.now = started;
  const request = await ask(joiner, await codeOf(approver));
  const decision = await decideOn(approver, (await file(approver, request)).requestId);
  joiner.clock.now = started - 5 * MINUTE_MS - 1_000;
  assert.equal(await outcomeOf(() => complete(joiner, decision)), "denied");
  joiner.clock.now = started + 7 * DAY_MS; // and not one that has expired
  assert.equal(await outcomeOf(() => complete(joiner, decision)), "denied");
  joiner.clock.now = started;
  assert.equal((await complete(joiner, decision)).changed, true);
});

Deno.test("A device that is revoked between two steps gets nothing by the next one", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  const { deviceId } = joiner.device;
  await pair(approver, joiner);
  const filed = await file(approver, await ask(joiner, await codeOf(approver)));
  const unfiled = await ask(joiner, await codeOf(approver));
  const renewal = await askAgain(joiner, approver);
  await revokeDevice(approver.registry, deviceId, "lost");
  const before = stateOf(approver);
  assert.equal(await outcomeOf(() => decideOn(approver, filed.requestId)), "denied");
  assert.equal(await outcomeOf(() => file(approver, unfiled)), "denied");
  assert.equal(await outcomeOf(() => answer(approver, renewal)), "denied");
  assert.equal(stateOf(approver), before);
  await decideOn(approver, filed.requestId, "rejected"); // a rejection is always allowed
  await removeDevice(approver.registry, deviceId, "");
  assert.equal(await findDevice(approver.registry, deviceId), undefined);
  await file(approver, unfiled);
  const all = await certificatesOf(approver.registry, deviceId);
  assert.ok(all.length > 0 && all.every(({ revokedAt }) => revokedAt !== undefined));
});

Deno.test("What is revoked while the clock is wrong is revoked when it is right", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  await pair(approver, joiner);
  pass(8 * DAY_MS, approver); // its certificate seems to have expired
  await revokeDevice(approver.registry, joiner.device.deviceId, "stolen");
  assert.equal((await writeRevocationList(approver.registry, approver.ca, DAY_MS)).entries, 0);
  pass(-8 * DAY_MS, approver);
  assert.equal((await writeRevocationList(approver.registry, approver.ca, DAY_MS)).entries, 1);
});

Deno.test("A list holds what a clock that is behind by five minutes takes for good", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  await pair(approver, joiner);
  await revokeDevice(approver.registry, joiner.device.deviceId, "stolen");
  const { leaf } = (await findMembership(joiner.store, approver.ca.fingerprint))!;
  for (const [lateMs, entries] of [[0, 1], [5 * MINUTE_MS, 1], [5 * MINUTE_MS + 1, 0]] as const) {
    approver.clock.now = leaf.notAfter + lateMs;
    const list = await writeRevocationList(approver.registry, approver.ca, DAY_MS);
    assert.equal(list.entries, entries, `${lateMs} ms after its end`);
  }
});

Deno.test("A known device with another identity key is refused when it is filed and when it is approved", async () => {
  using sides = await makeSides(3);
  const [approver, joiner, stranger] = sides.all as [Side, Side, Side];
  const posing: Side = { ...stranger, device: stranger.device };
  const id = joiner.device.deviceId;
  await rename(posing, id); // another key under the same id
  const early = await file(approver, await ask(posing, await codeOf(approver)));
  await pair(approver, joiner);
  const before = stateOf(approver);
  assert.equal(await outcomeOf(() => decideOn(approver, early.requestId)), "denied");
  assert.equal(stateOf(approver), before);
  const late = await ask(posing, await codeOf(approver));
  assert.equal(await outcomeOf(() => file(approver, late)), "denied");
  await removeDevice(approver.registry, id, "set up anew");
  const decision = await decideOn(approver, (await file(approver, late)).requestId);
  assert.equal((await complete(posing, decision)).changed, true);
});

Deno.test("A ninth code, a 65th request and a 17th question are refused, until there is room", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  const codes = [];
  for (let made = 0; made < MAX_ACTIVE_CODES; made++) codes.push(await codeOf(approver));
  assert.equal(
    await outcomeOf(() => createCode(approver.registry, approver.ca, MINUTE_MS)),
    "precondition",
  );
  const { codeId } = (await listCodes(approver.registry))[0]!;
  await approver.registry.rows.database.write(() => cancelCode(approver.registry, codeId));
  await codeOf(approver);
  assert.equal((await listCodes(approver.registry)).length, MAX_ACTIVE_CODES);
  pass(TEN_MINUTES_MS, approver, joiner);
  assert.equal((await listCodes(approver.registry)).length, 0);

  const filed = [];
  const askers: Side[] = [];
  try {
    for (let made = 0; made < MAX_PENDING_REQUESTS; made++) {
      if (made % 16 === 0) askers.push(await makeSide());
      const asker = askers.at(-1)!;
      asker.clock.now = approver.clock.now;
      filed.push(await file(approver, await ask(asker, await codeOf(approver))));
    }
    assert.equal(
      await outcomeOf(async () => await ask(askers[0]!, await codeOf(approver))),
      "precondition",
    );
    const document = await ask(joiner, await codeOf(approver));
    assert.equal(await outcomeOf(() => file(approver, document)), "precondition");
    await decideOn(approver, filed[0]!.requestId, "rejected");
    assert.equal((await file(approver, document)).state, "pending");
  } finally {
    askers.forEach((side) => side[Symbol.dispose]());
  }
});

Deno.test("Two decisions at the same time are one", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  const { requestId } = await file(approver, await ask(joiner, await codeOf(approver)));
  const { registry, ca } = approver;
  const first = await decide(registry, ca, requestId, { verdict: "approved", reason: "" });
  const again = await decide(registry, ca, requestId, { verdict: "approved", reason: "later" });
  assert.deepEqual([first.changed, again.changed], [true, false]);
  assert.equal(first.filed.decision, again.filed.decision);
  assert.equal((await certificatesOf(registry, joiner.device.deviceId)).length, 1);
});

/** Gives a device the id of another one. */
async function rename({ store, device }: Side, deviceId: string): Promise<void> {
  using record = (await store.get("device"))!;
  const text = new TextDecoder().decode(record.reveal());
  const { SensitiveBytes } = await import("../../../src/crypto/sensitive_bytes.ts");
  const changed = new TextEncoder().encode(text.replace(device.deviceId, deviceId));
  using content = new SensitiveBytes(changed);
  await store.replace("device", content);
}
