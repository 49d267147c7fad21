/** Checking Ed25519 signatures (RFC 8032), with the keys refused under which anything would be signed. */

const ALGORITHM = "Ed25519";
/** Length of a public key in bytes. */
export const ED25519_KEY_BYTES = 32;
/** Length of a signature in bytes. */
export const ED25519_SIGNATURE_BYTES = 64;

/**
 * The y coordinates of all points of small order, in every encoding, without the bit of the sign.
 * A signature under such a key fits many messages, and the runtime accepts them.
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/** Whether 32 bytes can be somebody's public key. */
export function isPublicKey(bytes: Uint8Array): boolean {
  if (bytes.length !== ED25519_KEY_BYTES) return false;
  const y = bytes.slice();
  y[ED25519_KEY_BYTES - 1]! &= 0x7f;
  return !SMALL_ORDER.has(y.toHex());
}

/** Whether a message was signed with the private key of a public one; never for what is no key. */
export async function isSigned(
  publicKey: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
  message: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  if (!isPublicKey(publicKey) || signature.length !== ED25519_SIGNATURE_BYTES) return false;
  try {
    const key = await crypto.subtle.importKey("raw", publicKey, ALGORITHM, false, ["verify"]);
    return await crypto.subtle.verify(ALGORITHM, key, signature, message);
  } catch {
    return false; // not on the curve
  }
}
