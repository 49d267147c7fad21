/**
 * JSON Web Encryption (RFC 7516), flattened, with A256KW and A256GCM only.
 *
 * The protected header is always the same text and is therefore not stored; `kid` travels in the
 * unprotected header. A256KW (RFC 3394) needs no nonce, so one key may wrap any number of DEKs, and
 * a DEK can be wrapped again without touching the content.
 */

import { encodeBase64Url, encodeUtf8 } from "./encoding.ts";

/** The protected header of every envelope: `{"alg":"A256KW","enc":"A256GCM"}` in base64url. */
export const PROTECTED_HEADER = "eyJhbGciOiJBMjU2S1ciLCJlbmMiOiJBMjU2R0NNIn0";

/** 32 bytes wrapped (RFC 3394). */
const WRAPPED_BYTES = 40;
/** RFC 7518 section 5.3: 96 bits, and a tag of 128. */
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** The parts of a JWE that are not fixed (RFC 7516 section 7.2.2 without `protected` and `aad`). */
export interface JweParts {
  /** The DEK under the wrapping key: 40 bytes. */
  readonly encryptedKey: Uint8Array<ArrayBuffer>;
  /** 12 bytes. */
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly ciphertext: Uint8Array<ArrayBuffer>;
  /** 16 bytes. */
  readonly tag: Uint8Array<ArrayBuffer>;
}

/** Makes 32 bytes a key that wraps and unwraps (A256KW); the bytes may be wiped afterwards. */
export function importWrappingKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, "AES-KW", false, ["wrapKey", "unwrapKey"]);
}

/**
 * Opens a JWE (RFC 7516 section 5.2); `undefined` for a wrong key, another AAD, or altered parts: an
 * AEAD cannot tell which. Two calls of WebCrypto, where jose makes four: a command that reads fifty
 * values spends most of its time here. What jose seals it opens, and refuses what jose refuses.
 */
export async function openJwe(
  { encryptedKey, iv, ciphertext, tag }: JweParts,
  aad: string,
  key: CryptoKey,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  // AES Key Wrap and AES-GCM would take other lengths as well: shorter keys, cut tags.
  if (encryptedKey.length !== WRAPPED_BYTES || iv.length !== IV_BYTES || tag.length !== TAG_BYTES) {
    return undefined;
  }
  const sealed = new Uint8Array(ciphertext.length + TAG_BYTES);
  sealed.set(ciphertext);
  sealed.set(tag, ciphertext.length);
  // RFC 7516 section 5.1 step 14: the protected header, and the AAD, both as base64url.
  const additionalData = encodeUtf8(`${PROTECTED_HEADER}.${encodeBase64Url(encodeUtf8(aad))}`);
  const { subtle } = crypto;
  try {
    const dek = await subtle.unwrapKey("raw", encryptedKey, key, "AES-KW", "AES-GCM", false, [
      "decrypt",
    ]);
    const algorithm = { name: "AES-GCM", iv, additionalData, tagLength: TAG_BYTES * 8 };
    return new Uint8Array(await subtle.decrypt(algorithm, dek, sealed));
  } catch {
    return undefined;
  }
}

/**
 * Unwraps a key with one wrapping key and wraps it with another (RFC 3394); `undefined` when `from`
 * does not fit. jose has no such step: it would have to open and seal the content.
 */
export async function rewrapKey(
  wrapped: Uint8Array<ArrayBuffer>,
  from: CryptoKey,
  to: CryptoKey,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const uses: KeyUsage[] = ["encrypt"];
  let key: CryptoKey;
  try {
    key = await crypto.subtle.unwrapKey("raw", wrapped, from, "AES-KW", "AES-GCM", true, uses);
  } catch {
    return undefined;
  }
  return new Uint8Array(await crypto.subtle.wrapKey("raw", key, to, "AES-KW"));
}
