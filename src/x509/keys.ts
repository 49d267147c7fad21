/** Key pairs of certificates: ECDSA over P-256. */

import { PalyraError } from "../errors.ts";

const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
const POINT_BYTES = 65;
/** SubjectPublicKeyInfo of a P-256 key (RFC 5480): all that comes before its point. */
const PREFIX = Uint8Array.fromHex("3059301306072a8648ce3d020106082a8648ce3d030107034200");

/** The signing key of a private JWK; not extractable. */
export async function importSigningKey(jwk: JsonWebKey): Promise<CryptoKey> {
  return await crypto.subtle.importKey("jwk", { ...jwk, key_ops: ["sign"] }, CURVE, false, [
    "sign",
  ]);
}

/** The public key of a JWK, private or not; extractable. */
export async function importPublicJwk({ kty, crv, x, y }: JsonWebKey): Promise<CryptoKey> {
  const jwk = { kty, crv, x, y } as JsonWebKey;
  return await crypto.subtle.importKey("jwk", jwk, CURVE, true, ["verify"]);
}

/**
 * The public key of a SubjectPublicKeyInfo. Throws `usage` for any but an uncompressed point of P-256
 * in the one form that DER has for it.
 */
export async function importPublicKey(spki: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const isFit = spki.length === PREFIX.length + POINT_BYTES &&
    PREFIX.every((byte, at) => spki[at] === byte) && spki[PREFIX.length] === 0x04;
  try {
    if (isFit) return await crypto.subtle.importKey("spki", spki, CURVE, true, ["verify"]);
  } catch { /* not on the curve */ }
  throw new PalyraError("usage", "Cannot use the public key: it is no ECDSA key over P-256");
}

/** The SubjectPublicKeyInfo of a public key. */
export async function exportPublicKey(key: CryptoKey): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.exportKey("spki", key));
}
