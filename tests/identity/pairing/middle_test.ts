/** A person in the middle of the documents, in place of one of the two, or with documents of other pairings. */

import assert from "node:assert/strict";
import { encodeBase64Url, encodeUtf8 } from "../../../src/crypto/encoding.ts";
import { type ErrorCode, PalyraError } from "../../../src/errors.ts";
import { completePairing } from "../../../src/identity/pairing/completion.ts";
import {
  decisionMessage,
  formatDecisionDocument,
  formatRequestDocument,
  proofMessage,
  readDecisionDocument,
  readRequestDocument,
  requestMessage,
} from "../../../src/identity/pairing/messages.ts";
import { deriveCodeKeys, parseCode } from "../../../src/identity/pairing/code.ts";
import { listRequests } from "../../../src/identity/pairing/requests.ts";
import { listMemberships } from "../../../src/identity/membership.ts";
import { listDevices } from "../../../src/identity/registry/devices.ts";
import { signAsDevice } from "../../../src/identity/signing.ts";
import { hmac, importMacKey } from "../../../src/crypto/mac.ts";
import { issueLeaf } from "../../../src/x509/certificate.ts";
import { readRequest } from "../../../src/x509/request.ts";
import { assertFails } from "../../support/failures.ts";
import {
  approvedRequest,
  codeOf,
  decisionOn,
  makePairingPlace,
  requestWith,
  submit,
  type TestDevice,
} from "../../support/pairing_place.ts";

type Document = Record<string, unknown>;

const KEY = encodeBase64Url(crypto.getRandomValues(new Uint8Array(32)));

/** What nobody may have accepted. */
const OTHER_VALUES: Readonly<Record<string, unknown>> = {
  code_id: "0".repeat(32),
  ca_fingerprint: "0".repeat(64),
  device_id: "01KDYAK3SE3RZ9Q6B0MJ7X5WTC",
  device_kind: "node",
  identity_key: KEY,
  csr: KEY,
  validity_s: 3_600,
  usages: ["serverAuth"],
  nonce: encodeBase64Url(new Uint8Array(16)),
  created_at: "2026-01-02T03:04:05.677Z",
  expires_at: "2026-01-02T03:14:05.679Z",
  request_digest: "0".repeat(64),
  verdict: "rejected",
  reason: "yours",
  certificate: KEY,
  ca_certificate: KEY,
  approver_id: "01KDYAK3SE3RZ9Q6B0MJ7X5WTC",
  approver_key: KEY,
  decided_at: "2026-01-02T03:04:05.677Z",
  signature: encodeBase64Url(new Uint8Array(64)),
  mac: encodeBase64Url(new Uint8Array(32)),
};

/** Values that no member has. */
const MALFORMED: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e300,
  "",
  " ",
  "!".repeat(250),
  [],
  ["clientAuth", "clientAuth"],
  ["serverAuth", "clientAuth"],
  {},
  "2026-02-30T00:00:00.000Z",
];

function edited(document: string, change: (document: Document) => void): string {
  const parsed = JSON.parse(document);
  change(parsed);
  return JSON.stringify(parsed);
}

async function refusal(operation: () => Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await operation();
  } catch (error) {
    if (error instanceof PalyraError) return error.code;
    throw error;
  }
  return undefined;
}

async function completes(joiner: TestDevice, decision: string): Promise<unknown> {
  return await completePairing(joiner, encodeUtf8(decision));
}

Deno.test("every member of a request that is altered, missing, added or malformed is refused, and nothing stored", async () => {
  using place = makePairingPlace();
  const [approver, joiner] = [await place.device(), await place.device()];
  const request = await requestWith(joiner, await codeOf(approver));
  let tried = 0;
  const refused = async (document: string, codes: readonly ErrorCode[], what: string) => {
    const code = await refusal(() => submit(approver, document));
    assert.ok(code !== undefined && codes.includes(code), `${what}: ${code}`);
    tried++;
  };
  for (const name of Object.keys(JSON.parse(request))) {
    const other = OTHER_VALUES[name];
    if (other !== undefined) {
      const codes: ErrorCode[] = ["denied", "not_found", "usage"];
      await refused(edited(request, (one) => one[name] = other), codes, `${name} altered`);
    }
    await refused(edited(request, (one) => delete one[name]), ["usage"], `${name} missing`);
    for (const bad of MALFORMED) {
      const what = `${name} = ${JSON.stringify(bad)}`;
      await refused(edited(request, (one) => one[name] = bad), ["usage"], what);
    }
  }
  await refused(edited(request, (one) => one["extra"] = 1), ["usage"], "one more");
  await refused(edited(request, (one) => one["version"] = 2), ["usage"], "version 2");
  await refused(request.replace("{", '{"__proto__":{},'), ["usage"], "__proto__");
  await refused(`[${request}]`, ["usage"], "an array");
  await refused("[".repeat(60_000), ["usage"], "deep nesting");
  await refused(`${request}${request}`, ["usage"], "twice");
  await refused(`\ufeff${request}`, ["usage"], "a byte order mark");
  await refused(" ".repeat(70_000), ["usage"], "too long");
  assert.ok(tried > 200, `${tried} tried`);
  assert.deepEqual(await listRequests(approver.registry), []);
  assert.deepEqual(await listDevices(approver.registry), []);
  await submit(approver, request); // the code is as good as before
});

Deno.test("every member of a decision that is altered, missing, added or malformed is refused, and nothing pinned", async () => {
  using place = makePairingPlace();
  const [approver, joiner] = [await place.device(), await place.device()];
  const { decision } = await approvedRequest(approver, joiner);
  let tried = 0;
  const refused = async (document: string, codes: readonly ErrorCode[], what: string) => {
    const code = await refusal(() => completes(joiner, document));
    assert.ok(code !== undefined && codes.includes(code), `${what}: ${code}`);
    tried++;
  };
  for (const name of Object.keys(JSON.parse(decision))) {
    const other = OTHER_VALUES[name];
    if (other !== undefined) {
      const codes: ErrorCode[] = name === "code_id" ? ["not_found"] : ["denied", "usage"];
      await refused(edited(decision, (one) => one[name] = other), codes, `${name} altered`);
    }
    await refused(edited(decision, (one) => delete one[name]), ["usage"], `${name} missing`);
    for (const bad of MALFORMED) {
      if (name === "reason" && bad === " ") continue; // a reason that is altered
      if (name === "reason" && typeof bad === "string" && bad.length < 240) continue;
      if (name === "certificate" && bad === "") continue; // as in a rejection: altered
      const what = `${name} = ${JSON.stringify(bad)}`;
      await refused(edited(decision, (one) => one[name] = bad), ["usage"], what);
    }
  }
  await refused(edited(decision, (one) => one["reason"] = "x"), ["denied"], "another reason");
  await refused(edited(decision, (one) => one["certificate"] = ""), ["denied"], "no certificate");
  await refused(edited(decision, (one) => one["version"] = 2), ["usage"], "version 2");
  assert.ok(tried > 250, `${tried} tried`);
  assert.deepEqual(await listMemberships(joiner.store), []);
  await completes(joiner, decision);
  assert.equal((await listMemberships(joiner.store)).length, 1);
});

Deno.test("documents of other pairings fit nowhere: crossed, replayed, reflected, of a stranger", async () => {
  using place = makePairingPlace();
  const [approver, other, one, two] = [
    await place.device(),
    await place.device(),
    await place.device(),
    await place.device(),
  ];
  const first = await approvedRequest(approver, one);
  const second = await approvedRequest(approver, two);
  await assertFails("not_found", /waits for this decision/, () => completes(one, second.decision));
  await assertFails("not_found", /waits for this decision/, () => completes(two, first.decision));
  await assertFails("denied", /another device's CA/, () => submit(other, first.request));
  await assertFails("usage", /another kind/, () => submit(approver, first.decision));
  await assertFails("usage", /another kind/, () => completes(one, first.request));
  const body = edited(first.decision, (decision) => {
    const { code_id } = JSON.parse(second.decision);
    decision["code_id"] = code_id;
  });
  await assertFails("denied", /does not know the code/, () => completes(two, body));
  await completes(one, first.decision);
  await completes(two, second.decision);
  const again = await completes(one, first.decision) as { changed: boolean };
  assert.equal(again.changed, false, "a replay changes nothing");
  assert.equal((await submit(approver, first.request)).state, "approved", "and is told as it is");
  assert.equal((await listDevices(approver.registry)).length, 2);
  assert.equal((await listRequests(approver.registry)).length, 2);
});

Deno.test("who reads the code can ask, but neither decide nor take the place of the CA", async () => {
  using place = makePairingPlace();
  const [approver, joiner, thief] = [
    await place.device(),
    await place.device(),
    await place.device(),
  ];
  const text = await codeOf(approver);
  const request = readRequestDocument(encodeUtf8(await requestWith(joiner, text)));
  const { token } = await parseCode(text);
  using keys = await deriveCodeKeys(token);
  const macKey = await importMacKey(keys.macKey.reveal());
  const certificateBy = async (device: TestDevice): Promise<Uint8Array<ArrayBuffer>> =>
    await issueLeaf(device.ca, {
      commonName: "x",
      serial: crypto.getRandomValues(new Uint8Array(16)),
      publicKey: await readRequest(request.csr),
      uri: `palyra:device:${joiner.id}`,
      usages: ["clientAuth"],
      notBefore: new Date(place.clock.now - 1_000),
      notAfter: new Date(place.clock.now + 3_600_000),
    });
  const digest = new Uint8Array(
    await crypto.subtle.digest("SHA-256", await requestMessage(request)),
  );
  const forged = async (
    certificate: Uint8Array<ArrayBuffer>,
    ca: Uint8Array<ArrayBuffer>,
    changes = {},
  ) => {
    const verdict = {
      ...request,
      request_digest: digest.toHex(),
      verdict: "approved" as const,
      reason: "",
      certificate,
      ca_certificate: ca,
      approver_id: thief.id,
      approver_key: await publicKeyOf(thief),
      decided_at: new Date(place.clock.now).toISOString(),
      ...changes,
    };
    const message = await decisionMessage(verdict);
    const signature = await signAsDevice(thief.store, message);
    const mac = await hmac(macKey, proofMessage(message, signature));
    return formatDecisionDocument({ ...verdict, signature, mac });
  };
  const byThief = await forged(await certificateBy(thief), thief.ca.certificate);
  await assertFails(
    "denied",
    /its CA is not the one of the code/,
    () => completes(joiner, byThief),
  );
  const otherFingerprint = await forged(await certificateBy(thief), thief.ca.certificate, {
    ca_fingerprint: thief.ca.fingerprint,
  });
  await assertFails("denied", /its CA is not the one/, () => completes(joiner, otherFingerprint));
  const mixed = await forged(await certificateBy(thief), approver.ca.certificate);
  await assertFails("denied", /has not signed it/, () => completes(joiner, mixed));
  assert.deepEqual(await listMemberships(joiner.store), []);
  // A request of the thief's own: it is filed, and a person sees another device and fingerprint.
  const own = await requestWith(thief, text);
  const filed = await submit(approver, own);
  assert.equal(filed.request.device_id, thief.id);
  const late = formatRequestDocument(request);
  await assertFails("precondition", /code was used/, () => submit(approver, late));
});

Deno.test("a certificate for another key, device, time or use is not kept", async () => {
  using place = makePairingPlace();
  const [approver, joiner] = [await place.device(), await place.device()];
  const text = await codeOf(approver);
  const { token } = await parseCode(text);
  using keys = await deriveCodeKeys(token);
  const macKey = await importMacKey(keys.macKey.reveal());
  const request = readRequestDocument(encodeUtf8(await requestWith(joiner, text)));
  const digest = new Uint8Array(
    await crypto.subtle.digest("SHA-256", await requestMessage(request)),
  );
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
    "sign",
    "verify",
  ]);
  const own = await readRequest(request.csr);
  const now = place.clock.now;
  const sound = {
    commonName: "x",
    serial: crypto.getRandomValues(new Uint8Array(16)),
    publicKey: own,
    uri: `palyra:device:${joiner.id}`,
    usages: ["clientAuth"] as const,
    notBefore: new Date(now - 1_000),
    notAfter: new Date(now + 3_600_000),
  };
  const decided = async (template: typeof sound) => {
    const verdict = {
      ...request,
      request_digest: digest.toHex(),
      verdict: "approved" as const,
      reason: "",
      certificate: await issueLeaf(approver.ca, template),
      ca_certificate: approver.ca.certificate,
      approver_id: approver.id,
      approver_key: await publicKeyOf(approver),
      decided_at: new Date(now).toISOString(),
    };
    const message = await decisionMessage(verdict);
    const signature = await signAsDevice(approver.store, message);
    const mac = await hmac(macKey, proofMessage(message, signature));
    return formatDecisionDocument({ ...verdict, signature, mac });
  };
  const wrong: [string, RegExp, Partial<typeof sound>][] = [
    ["another key", /another key/, { publicKey: pair.publicKey }],
    ["another device", /another device/, { uri: `palyra:device:${approver.id}` }],
    ["expired", /expired/, { notAfter: new Date(now - 500) }],
    ["not good yet", /not good yet/, { notBefore: new Date(now + 60_000) }],
    ["another use", /not for clientAuth/, { usages: ["serverAuth"] as never }],
  ];
  for (const [what, pattern, change] of wrong) {
    const decision = await decided({ ...sound, ...change });
    await assertFails("denied", pattern, () => completes(joiner, decision));
    assert.deepEqual(await listMemberships(joiner.store), [], what);
  }
  await completes(joiner, await decided(sound));
  assert.equal((await listMemberships(joiner.store)).length, 1);
});

Deno.test("identity keys of small order, under which anything is signed, are refused", async () => {
  using place = makePairingPlace();
  const [approver, joiner] = [await place.device(), await place.device()];
  const request = await requestWith(joiner, await codeOf(approver));
  const weak = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  ];
  for (const hex of weak) {
    const key = encodeBase64Url(Uint8Array.fromHex(hex));
    const changed = edited(request, (one) => one["identity_key"] = key);
    await assertFails("usage", /identity_key/, () => submit(approver, changed));
  }
});

Deno.test("a decision on a rejection pins nothing, and the same code leads nowhere", async () => {
  using place = makePairingPlace();
  const [approver, joiner] = [await place.device(), await place.device()];
  const request = await requestWith(joiner, await codeOf(approver));
  const { requestId } = await submit(approver, request);
  const decision = await decisionOn(approver, requestId, "rejected");
  const approved = edited(decision, (one) => one["verdict"] = "approved");
  await assertFails("denied", /does not know the code/, () => completes(joiner, approved));
  const ended = await completes(joiner, decision) as { membership: unknown };
  assert.equal(ended.membership, undefined);
  assert.deepEqual(await listMemberships(joiner.store), []);
  assert.deepEqual(readDecisionDocument(encodeUtf8(decision)).certificate.length, 0);
});

async function publicKeyOf({ store }: TestDevice): Promise<Uint8Array<ArrayBuffer>> {
  const { readDevice } = await import("../../../src/identity/device.ts");
  const { decodeBase64Url } = await import("../../../src/crypto/encoding.ts");
  return decodeBase64Url((await readDevice(store))!.publicKey)!;
}
