/** Keys under other keys by AES Key Wrap (RFC 3394, A256KW of RFC 7518 section 4.4). */

/** Length of a wrapped key of 32 bytes (RFC 3394 adds 8). */
const WRAPPED_BYTES = 40;

/** Wraps 32 bytes of key material: 40 bytes. */
export async function wrapKeyBytes(
  bytes: Uint8Array<ArrayBuffer>,
  wrappingKey: CryptoKey,
): Promise<Uint8Array<ArrayBuffer>> {
  const uses: KeyUsage[] = ["wrapKey", "unwrapKey"];
  const key = await crypto.subtle.importKey("raw", bytes, "AES-KW", true, uses);
  return new Uint8Array(await crypto.subtle.wrapKey("raw", key, wrappingKey, "AES-KW"));
}

/** A key that was unwrapped, in the two forms that are needed of it; its bytes never reach JavaScript. */
export interface UnwrappedKey {
  /** Wraps and unwraps (A256KW). */
  readonly wrapping: CryptoKey;
  /** Input of HKDF. */
  readonly derivation: CryptoKey;
}

/** Unwraps a key; `undefined` when the wrapping key does not fit or the bytes were altered. */
export async function unwrapKeyBytes(
  wrapped: Uint8Array<ArrayBuffer>,
  wrappingKey: CryptoKey,
): Promise<UnwrappedKey | undefined> {
  if (wrapped.length !== WRAPPED_BYTES) return undefined; // a shorter AES key would unwrap as well
  try {
    const [wrapping, derivation] = await Promise.all([
      crypto.subtle.unwrapKey("raw", wrapped, wrappingKey, "AES-KW", "AES-KW", false, [
        "wrapKey",
        "unwrapKey",
      ]),
      crypto.subtle.unwrapKey("raw", wrapped, wrappingKey, "AES-KW", "HKDF", false, ["deriveBits"]),
    ]);
    return { wrapping, derivation };
  } catch {
    return undefined;
  }
}
