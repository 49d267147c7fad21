/** Signatures of this device, by its Ed25519 identity key (RFC 8032). */

import { sha256Hex } from "../crypto/digest.ts";
import { malformed, parseRecord, privateJwkOf } from "./record.ts";
import type { IdentityStore } from "./store.ts";

/**
 * Signs a message. The caller's messages begin with a label of their own, so that no signature can
 * stand for another document. Throws `integrity` when there is no sound device identity.
 */
export async function signAsDevice(
  store: IdentityStore,
  message: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const what = "the device identity";
  using record = await store.get("device");
  if (record === undefined) throw malformed(what);
  const jwk = privateJwkOf(parseRecord(record, what)["key"], { kty: "OKP", crv: "Ed25519" }, what);
  const key = await crypto.subtle.importKey("jwk", { ...jwk }, "Ed25519", false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("Ed25519", key, message));
}

/** What people compare: SHA-256 of the 32 bytes of a public key, lower-case hexadecimal. */
export async function keyFingerprint(publicKey: Uint8Array<ArrayBuffer>): Promise<string> {
  return await sha256Hex(publicKey);
}
