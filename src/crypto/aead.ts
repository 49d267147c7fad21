/** ChaCha20-Poly1305 (RFC 8439), the AEAD of the identity store. */

/** Length of a nonce in bytes (RFC 8439 section 2.8). */
export const NONCE_BYTES = 12;

/** What belongs to one sealing. */
export interface AeadInput {
  readonly key: Uint8Array<ArrayBuffer>;
  readonly nonce: Uint8Array<ArrayBuffer>;
  readonly aad: Uint8Array<ArrayBuffer>;
}

/** Seals a plaintext; the result is the ciphertext followed by the 16-byte tag. */
export async function sealChaCha(
  plaintext: Uint8Array<ArrayBuffer>,
  { key, nonce, aad }: AeadInput,
): Promise<Uint8Array<ArrayBuffer>> {
  const sealed = await crypto.subtle.encrypt(algorithm(nonce, aad), await imported(key), plaintext);
  return new Uint8Array(sealed);
}

/** Opens what {@link sealChaCha} made; `undefined` for a wrong key or altered data. */
export async function openChaCha(
  sealed: Uint8Array<ArrayBuffer>,
  { key, nonce, aad }: AeadInput,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const opened = await crypto.subtle.decrypt(algorithm(nonce, aad), await imported(key), sealed);
    return new Uint8Array(opened);
  } catch {
    return undefined; // WebCrypto gives one OperationError for every cause
  }
}

function algorithm(nonce: Uint8Array<ArrayBuffer>, aad: Uint8Array<ArrayBuffer>): AesGcmParams {
  // Web Cryptography "modern algorithms" draft: same shape as AES-GCM, and TypeScript lacks it.
  return { name: "ChaCha20-Poly1305", iv: nonce, additionalData: aad };
}

function imported(key: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const format = "raw-secret" as "raw"; // the draft's name; "raw" is refused for this algorithm
  const uses: KeyUsage[] = ["encrypt", "decrypt"];
  return crypto.subtle.importKey(format, key, "ChaCha20-Poly1305", false, uses);
}
