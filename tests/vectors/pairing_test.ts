/** palyra against the vectors of codes, requests and decisions, which another implementation made. */

import assert from "node:assert/strict";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { isSigned } from "../../src/crypto/ed25519.ts";
import { decodeUtf8, encodeUtf8 } from "../../src/crypto/encoding.ts";
import { hmac, importMacKey } from "../../src/crypto/mac.ts";
import type { SensitiveBytes } from "../../src/crypto/sensitive_bytes.ts";
import { isPalyraError } from "../../src/errors.ts";
import { deriveCodeKeys, formatCode, parseCode } from "../../src/identity/pairing/code.ts";
import {
  decisionMessage,
  formatDecisionDocument,
  formatRequestDocument,
  proofMessage,
  readDecisionDocument,
  readRequestDocument,
  requestMessage,
} from "../../src/identity/pairing/messages.ts";
import { hasMac } from "../../src/identity/pairing/requests.ts";
import { readVectors } from "./vector_file.ts";

type Bytes = Uint8Array<ArrayBuffer>;

interface Given {
  readonly code: string;
  readonly request: string;
  readonly decision: string;
}

interface Gives {
  readonly token: string;
  readonly ca_fingerprint: string;
  readonly code_id: string;
  readonly mac_key: string;
  readonly request?: string;
  readonly decision?: string;
}

const vectors = readVectors<Given, Gives>("pairing");

Deno.test("every code and document gives what it holds, and is written again to the same bytes", async () => {
  for (const { name, given, gives, drawn } of vectors.opens) {
    assert.deepEqual(await open(given), gives, name);
    const { token, caFingerprint } = await parseCode(given.code);
    using again = await formatCode({ token, caFingerprint });
    assert.equal(decodeUtf8(again.reveal()), given.code, name);
    using keys = await deriveCodeKeys(token);
    if (given.request === "") continue;
    const request = readRequestDocument(encodeUtf8(given.request));
    assert.equal(formatRequestDocument(request), given.request, name);
    assert.deepEqual(
      await proofs(await requestMessage(request), drawn["joiner"]!, keys.macKey),
      { signature: request.signature, mac: request.mac },
    );
    const decision = readDecisionDocument(encodeUtf8(given.decision));
    assert.equal(formatDecisionDocument(decision), given.decision, name);
    assert.equal(decision.request_digest, await sha256Hex(await requestMessage(request)), name);
    assert.deepEqual(
      await proofs(await decisionMessage(decision), drawn["approver"]!, keys.macKey),
      { signature: decision.signature, mac: decision.mac },
    );
  }
  assert.equal(vectors.opens.length, 4);
});

Deno.test("every code and document that is not as it was made is refused", async () => {
  const accepted: string[] = [];
  for (const { failure, given } of vectors.refused) {
    const opened = await open(given).catch((error) => {
      if (!isPalyraError(error, "usage")) throw new Error(failure, { cause: error });
    });
    if (opened !== undefined) accepted.push(failure);
  }
  assert.deepEqual(accepted, []);
  assert.equal(vectors.refused.length, 36);
});

/** What a vector gives; `undefined` where signature or MAC do not fit. */
async function open(given: Given): Promise<Gives | undefined> {
  const { token, caFingerprint } = await parseCode(given.code);
  using keys = await deriveCodeKeys(token);
  const { macKey } = keys;
  const gives = {
    token: token.reveal().toHex(),
    ca_fingerprint: caFingerprint.toHex(),
    code_id: keys.codeId,
    mac_key: macKey.reveal().toHex(),
  };
  if (given.request === "") return gives;
  const request = readRequestDocument(encodeUtf8(given.request));
  const asked = await requestMessage(request);
  const decision = readDecisionDocument(encodeUtf8(given.decision));
  const decided = await decisionMessage(decision);
  const isSound = await isSigned(request.identity_key, request.signature, asked) &&
    await hasMac(macKey, asked, request) &&
    await isSigned(decision.approver_key, decision.signature, decided) &&
    await hasMac(macKey, decided, decision);
  return isSound ? { ...gives, request: asked.toHex(), decision: decided.toHex() } : undefined;
}

async function proofs(
  message: Bytes,
  privateKey: string,
  macKey: SensitiveBytes,
): Promise<{ signature: Bytes; mac: Bytes }> {
  // RFC 8410: what stands before the 32 bytes in PKCS #8.
  const pkcs8 = Uint8Array.fromHex(`302e020100300506032b657004220420${privateKey}`);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", key, message));
  const mac = await hmac(await importMacKey(macKey.reveal()), proofMessage(message, signature));
  return { signature, mac };
}
