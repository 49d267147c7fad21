/** Documents that are sound but come to the wrong place, at the wrong time, or from somebody else. */

import assert from "node:assert/strict";
import { encodeBase64Url } from "../../../src/crypto/encoding.ts";
import { hmac, importMacKey } from "../../../src/crypto/mac.ts";
import { SensitiveBytes } from "../../../src/crypto/sensitive_bytes.ts";
import { deriveCodeKeys, formatCode, parseCode } from "../../../src/identity/pairing/code.ts";
import {
  decisionMessage,
  formatDecisionDocument,
  formatRequestDocument,
  type PairingVerdict,
  proofMessage,
  readDecisionDocument,
  readRequestDocument,
  requestMessage,
} from "../../../src/identity/pairing/messages.ts";
import { findMembership } from "../../../src/identity/membership.ts";
import { signAsDevice } from "../../../src/identity/signing.ts";
import {
  accept,
  answer,
  ask,
  askAgain,
  assertRefused,
  codeOf,
  complete,
  decideOn,
  file,
  makeSides,
  outcomeOf,
  pair,
  pass,
  type Side,
  stateOf,
} from "../../support/pairing_sides.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

Deno.test("A code of one device is of no use at another one", async () => {
  using sides = await makeSides(3);
  const [approver, other, joiner] = sides.all as [Side, Side, Side];
  const document = await ask(joiner, await codeOf(approver));
  await assertRefused(other, () => file(other, document), "denied");
  // Somebody puts another CA's fingerprint into the code: its own token, the other's CA.
  const code = await parseCode(await codeOf(approver));
  using mixed = await formatCode({
    token: code.token,
    caFingerprint: Uint8Array.fromHex(other.ca.fingerprint),
  });
  const crossed = await ask(joiner, new TextDecoder().decode(mixed.reveal()));
  await assertRefused(approver, () => file(approver, crossed), "denied");
  await assertRefused(other, () => file(other, crossed), "not_found");
  // The same token with the right fingerprint is not taken for what was asked for before.
  using right = await formatCode(code);
  await assertRefused(
    joiner,
    () => ask(joiner, new TextDecoder().decode(right.reveal())),
    "precondition",
  );
});

Deno.test("A decision for one joiner is refused by another, and crossed requests stay apart", async () => {
  using sides = await makeSides(3);
  const [approver, first, second] = sides.all as [Side, Side, Side];
  const asked = [
    await ask(first, await codeOf(approver)),
    await ask(second, await codeOf(approver)),
  ];
  const filed = [await file(approver, asked[1]!), await file(approver, asked[0]!)]; // crossed on their way
  const decisions = [
    await decideOn(approver, filed[1]!.requestId),
    await decideOn(approver, filed[0]!.requestId),
  ];
  await assertRefused(first, () => complete(first, decisions[1]!), "not_found");
  await assertRefused(second, () => complete(second, decisions[0]!), "not_found");
  // Under the code of the one, what was decided about the other.
  const [a, b] = decisions.map((text) => JSON.parse(text));
  for (const name of Object.keys(a)) {
    if (JSON.stringify(a[name]) === JSON.stringify(b[name])) continue;
    await refusedSomehow(first, () => complete(first, JSON.stringify({ ...a, [name]: b[name] })));
  }
  assert.equal((await complete(first, decisions[0]!)).changed, true);
  assert.equal((await complete(second, decisions[1]!)).changed, true);
});

Deno.test("Each document is refused in the place of every other one", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  const { request, decision } = await pair(approver, joiner);
  pass(5 * DAY_MS, approver, joiner);
  const renewal = await askAgain(joiner, approver);
  const reply = await answer(approver, renewal);
  const places: [string, Side, (text: string) => Promise<unknown>, string][] = [
    ["submit", approver, (text) => file(approver, text), request],
    ["complete", joiner, (text) => complete(joiner, text), decision],
    ["rotate", approver, (text) => answer(approver, text), renewal],
    ["renew", joiner, (text) => accept(joiner, text), reply],
  ];
  for (const [name, side, receive, own] of places) {
    for (const text of [request, decision, renewal, reply]) {
      if (text === own) continue;
      await assertRefused(side, () => receive(text), "usage", name);
      const { kind } = JSON.parse(own);
      await assertRefused(
        side,
        () => receive(JSON.stringify({ ...JSON.parse(text), kind })),
        "usage",
        name,
      );
    }
  }
});

Deno.test("A decision by a stranger's CA, or by a stranger in the approver's name, is refused", async () => {
  using sides = await makeSides(3);
  const [approver, joiner, stranger] = sides.all as [Side, Side, Side];
  const code = await codeOf(approver);
  const request = await ask(joiner, code);
  const { requestId } = await file(approver, request);
  const decision = readDecisionDocument(encode(await decideOn(approver, requestId)));
  const key = new Uint8Array(32).fill(7);
  const strangers = { approver_id: stranger.device.deviceId, approver_key: keyOf(stranger) };
  const variants: [string, Partial<PairingVerdict>][] = [
    ["its own CA", {
      ca_certificate: stranger.ca.certificate,
      ca_fingerprint: stranger.ca.fingerprint,
    }],
    ["its own CA under the other's fingerprint", { ca_certificate: stranger.ca.certificate }],
    ["its own name", strangers],
    ["the approver's name", {}],
  ];
  for (const [what, changes] of variants) {
    const forged = await forge(stranger, { ...decision, ...changes }, key);
    await assertRefused(joiner, () => complete(joiner, forged), "denied", `${what}, code unknown`);
  }
  // Even who has read the code brings no CA but the one whose fingerprint is in it.
  const macKey = await macKeyOf(code);
  for (const [what, changes] of variants.filter(([name]) => name !== "its own name")) {
    const forged = await forge(stranger, { ...decision, ...changes }, macKey);
    await assertRefused(joiner, () => complete(joiner, forged), "denied", `${what}, code known`);
  }
  assert.equal((await complete(joiner, formatDecisionDocument(decision))).changed, true);
});

Deno.test("Who knows a code that they made themselves does not take the place of a pinned approver", async () => {
  using sides = await makeSides(3);
  const [approver, joiner, stranger] = sides.all as [Side, Side, Side];
  const { request, decision } = await pair(approver, joiner);
  // A token of their own with the fingerprint of a CA that the joiner trusts, and a request for the old key.
  const token = new SensitiveBytes(crypto.getRandomValues(new Uint8Array(16)));
  using code = await formatCode({
    token,
    caFingerprint: Uint8Array.fromHex(approver.ca.fingerprint),
  });
  const text = new TextDecoder().decode(code.reveal());
  const { csr } = readRequestDocument(encode(request));
  const asked = readRequestDocument(encode(await ask(joiner, text, { ownRequest: csr })));
  const forged = await forge(stranger, {
    ...readDecisionDocument(encode(decision)),
    ...asked,
    request_digest: await digestOf(asked),
    approver_id: stranger.device.deviceId,
    approver_key: keyOf(stranger),
  }, await macKeyOf(text));
  await assertRefused(joiner, () => complete(joiner, forged), "denied");
  const pinned = await findMembership(joiner.store, approver.ca.fingerprint);
  assert.equal(pinned?.approverId, approver.device.deviceId);
});

Deno.test("A request that a stranger signs in another's name is refused, with the code and without", async () => {
  using sides = await makeSides(3);
  const [approver, joiner, stranger] = sides.all as [Side, Side, Side];
  const code = await codeOf(approver);
  const request = readRequestDocument(encode(await ask(joiner, code)));
  const theirs = readRequestDocument(encode(await ask(stranger, await codeOf(approver))));
  const macKey = await macKeyOf(code);
  const variants = [
    { ...request, csr: theirs.csr },
    { ...request, device_id: stranger.device.deviceId },
    { ...request, validity_s: 397 * 86_400 },
    { ...request, usages: ["clientAuth", "serverAuth"] as const },
  ];
  for (const changed of variants) { // the MAC fits, the signature is the stranger's
    const message = await requestMessage(changed);
    const signature = await signAsDevice(stranger.store, message);
    const mac = await hmac(await importMacKey(macKey), proofMessage(message, signature));
    const forged = formatRequestDocument({ ...changed, signature, mac });
    await assertRefused(approver, () => file(approver, forged), "denied");
  }
  for (const changed of variants) { // the signature fits, the MAC is of another code
    const message = await requestMessage({ ...changed, identity_key: keyOf(stranger) });
    const signature = await signAsDevice(stranger.store, message);
    const forged = { ...changed, identity_key: keyOf(stranger), signature, mac: request.mac };
    await assertRefused(approver, () => file(approver, formatRequestDocument(forged)), "denied");
  }
});

Deno.test("What was said once does nothing when it is said again", async () => {
  using sides = await makeSides(2);
  const [approver, joiner] = sides.all as [Side, Side];
  const { request, decision, filed } = await pair(approver, joiner);
  pass(MINUTE_MS, approver, joiner);
  const before = stateOf(approver);
  assert.equal((await file(approver, request)).requestId, filed.requestId);
  assert.equal(await decideOn(approver, filed.requestId), decision);
  assert.equal((await complete(joiner, decision)).changed, false);
  assert.equal(stateOf(approver), before);
  await pair(approver, joiner);
  await assertRefused(joiner, () => complete(joiner, decision), "not_found"); // an older certificate
});

async function refusedSomehow(side: Side, action: () => Promise<unknown>): Promise<void> {
  const before = stateOf(side);
  assert.match(await outcomeOf(action), /^(?:denied|not_found|usage)$/);
  assert.equal(stateOf(side), before);
}

/** A decision with a stranger's signature and the MAC of a key. */
async function forge(
  stranger: Side,
  verdict: PairingVerdict,
  macKey: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const message = await decisionMessage(verdict);
  const signature = await signAsDevice(stranger.store, message);
  const mac = await hmac(await importMacKey(macKey), proofMessage(message, signature));
  return formatDecisionDocument({ ...verdict, signature, mac });
}

async function macKeyOf(code: string): Promise<Uint8Array<ArrayBuffer>> {
  using keys = await deriveCodeKeys((await parseCode(code)).token);
  return keys.macKey.reveal().slice();
}

async function digestOf(request: Parameters<typeof requestMessage>[0]): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", await requestMessage(request));
  return new Uint8Array(bytes).toHex();
}

function keyOf({ device }: Side): Uint8Array<ArrayBuffer> {
  const key = Uint8Array.fromBase64(device.publicKey, { alphabet: "base64url" });
  assert.equal(encodeBase64Url(key), device.publicKey);
  return key;
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
