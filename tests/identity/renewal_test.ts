/** Renewals: when they are due, who gets one, and what an answer is worth. */

import assert from "node:assert/strict";
import { encodeUtf8 } from "../../src/crypto/encoding.ts";
import { isDue } from "../../src/identity/leaf.ts";
import { listMemberships, type Membership } from "../../src/identity/membership.ts";
import { completePairing } from "../../src/identity/pairing/completion.ts";
import { certificatesOf } from "../../src/identity/registry/certificates.ts";
import { findDevice, removeDevice, revokeDevice } from "../../src/identity/registry/devices.ts";
import { answerRenewal } from "../../src/identity/renewal/answering.ts";
import { acceptRenewal, makeRenewalRequest } from "../../src/identity/renewal/asking.ts";
import { readOwnLeaf, renewOwnLeaf } from "../../src/identity/renewal/own_leaf.ts";
import { serialOf } from "../../src/x509/certificate.ts";
import { assertFails } from "../support/failures.ts";
import {
  approvedRequest,
  makePairingPlace,
  type PairingPlace,
  type TestDevice,
} from "../support/pairing_place.ts";

const DAY = 86_400_000;
const WISH = { validityS: 604_800, usages: ["clientAuth"] } as const;
const OWN = { ...WISH, force: false, revokeOld: false };

async function paired(
  place: PairingPlace,
): Promise<{ approver: TestDevice; device: TestDevice }> {
  const [approver, device] = [await place.device(), await place.device()];
  const { decision } = await approvedRequest(approver, device);
  await completePairing(device, encodeUtf8(decision));
  return { approver, device };
}

async function membershipOf({ store }: TestDevice): Promise<Membership> {
  const [membership] = await listMemberships(store);
  return membership!;
}

async function askedBy(device: TestDevice, wish = {}): Promise<string> {
  const membership = await membershipOf(device);
  return (await makeRenewalRequest(device, membership, { ...WISH, ...wish })).document;
}

async function answered(
  { registry, ca }: TestDevice,
  request: string,
  wish: { deviceId?: string; revokeOld?: boolean } = {},
): Promise<{ document: string; changed: boolean }> {
  return await answerRenewal(registry, ca, encodeUtf8(request), { revokeOld: false, ...wish });
}

Deno.test("a certificate is due to the millisecond when a third of its life is left", () => {
  const leaf = { key: null, certificate: new Uint8Array(0), notBefore: 0, notAfter: 9_000 };
  assert.deepEqual([5_999, 6_000, 9_001].map((now) => isDue(leaf, now)), [false, true, true]);
});

Deno.test("the own certificate is made, kept while it is not due, and renewed with another key", async () => {
  using place = makePairingPlace();
  const { registry, ca, store, id } = await place.device();
  const first = await renewOwnLeaf(registry, ca, OWN);
  assert.equal(first.changed, true);
  place.clock.now += 4 * DAY;
  const same = await renewOwnLeaf(registry, ca, OWN);
  assert.deepEqual([same.changed, same.leaf], [false, first.leaf]);
  place.clock.now += DAY;
  const next = await renewOwnLeaf(registry, ca, { ...OWN, revokeOld: true });
  assert.equal(next.changed, true);
  assert.notEqual(next.leaf.key!.d, first.leaf.key!.d);
  assert.deepEqual((await readOwnLeaf(store))!.certificate, next.leaf.certificate);
  const certificates = await certificatesOf(registry, id);
  assert.deepEqual(certificates.map(({ revokedAt }) => revokedAt !== undefined), [false, true]);
  assert.equal(certificates[0]!.serial, serialOf(next.leaf.certificate));
});

Deno.test("a paired device renews without being asked about; the old certificate stays good", async () => {
  using place = makePairingPlace();
  const { approver, device } = await paired(place);
  const before = await membershipOf(device);
  const request = await askedBy(device);
  assert.equal(await askedBy(device), request, "a lost request is printed again");
  const answer = await answered(approver, request);
  const again = await answered(approver, request);
  assert.deepEqual([again.document, again.changed], [answer.document, false], "a lost answer too");
  const kept = await acceptRenewal(device, encodeUtf8(answer.document));
  assert.equal(kept.changed, true);
  assert.equal((await acceptRenewal(device, encodeUtf8(answer.document))).changed, false);
  const after = await membershipOf(device);
  assert.notDeepEqual(after.leaf.certificate, before.leaf.certificate);
  assert.notEqual(after.leaf.key!.d, before.leaf.key!.d);
  const states = (await certificatesOf(approver.registry, device.id)).map((one) => one.revokedAt);
  assert.deepEqual(states, [undefined, undefined]);
  assert.ok((await findDevice(approver.registry, device.id))!.renewedAt !== undefined);
  const next = await askedBy(device);
  assert.notEqual(next, request, "the next one has another key");
  const last = await answered(approver, next, { revokeOld: true });
  await acceptRenewal(device, encodeUtf8(last.document));
  const left = (await certificatesOf(approver.registry, device.id)).filter((one) => !one.revokedAt);
  assert.deepEqual(
    left.map(({ serial }) => serial),
    [serialOf((await membershipOf(device)).leaf.certificate)],
  );
});

Deno.test("revoked, removed, unknown, foreign, altered, old and future requests get nothing", async () => {
  using place = makePairingPlace();
  const { approver, device } = await paired(place);
  const stranger = await place.device();
  const request = await askedBy(device);
  await assertFails("denied", /another device's CA/, () => answered(stranger, request));
  await assertFails(
    "denied",
    /comes from another device/,
    () => answered(approver, request, { deviceId: stranger.id }),
  );
  const altered = request.replace('"validity_s":604800', '"validity_s":604801');
  await assertFails("denied", /not signed/, () => answered(approver, altered));
  const membership = await membershipOf(device);
  const { document: foreign } = await makeRenewalRequest(stranger, membership, WISH);
  await assertFails("not_found", /not paired here/, () => answered(approver, foreign));
  const asDevice = JSON.parse(foreign);
  asDevice.device_id = device.id;
  await assertFails("denied", /not signed/, () => answered(approver, JSON.stringify(asDevice)));
  place.clock.now += 7 * DAY + 1;
  await assertFails("precondition", /older than a week/, () => answered(approver, request));
  place.clock.now -= 7 * DAY + 1 + 300_001;
  await assertFails("denied", /in the future/, () => answered(approver, request));
  place.clock.now += 300_001;
  const before = (await certificatesOf(approver.registry, device.id)).length;
  await revokeDevice(approver.registry, device.id, "lost");
  await assertFails("denied", /revoked/, () => answered(approver, request));
  await removeDevice(approver.registry, device.id, "");
  await assertFails("not_found", /not paired here/, () => answered(approver, request));
  assert.equal((await certificatesOf(approver.registry, device.id)).length, before);
});

Deno.test("an answer counts only from the pinned approver, for the request that waits", async () => {
  using place = makePairingPlace();
  const { approver, device } = await paired(place);
  const before = await membershipOf(device);
  const first = await answered(approver, await askedBy(device));
  const refuse = async (change: (one: Record<string, unknown>) => void, pattern: RegExp) => {
    const document = JSON.parse(first.document);
    change(document);
    const bytes = encodeUtf8(JSON.stringify(document));
    const error = await acceptRenewal(device, bytes).then(() => undefined, (thrown) => thrown);
    assert.match(String(error), pattern);
    assert.deepEqual(await membershipOf(device), before);
  };
  await refuse((one) => one["approver_id"] = device.id, /has not signed it/);
  await refuse((one) => one["certificate"] = one["approver_key"], /has not signed it/);
  await refuse((one) => one["answered_at"] = "2026-01-02T03:04:05.677Z", /has not signed it/);
  await refuse((one) => one["request_digest"] = "0".repeat(64), /has not signed it/);
  await refuse((one) => one["ca_fingerprint"] = "0".repeat(64), /not paired with/);
  await refuse((one) => one["signature"] = "A".repeat(86), /has not signed it/);
  place.clock.now += 8 * DAY; // expired on its way
  await refuse(() => {}, /expired/);
  place.clock.now -= 8 * DAY;
  assert.equal((await acceptRenewal(device, encodeUtf8(first.document))).changed, true);
});
