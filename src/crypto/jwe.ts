/**
 * JSON Web Encryption (RFC 7516), flattened, with A256KW and A256GCM only.
 *
 * The protected header is always the same text and is therefore not stored; `kid` travels in the
 * unprotected header. A256KW (RFC 3394) needs no nonce, so one key may wrap any number of DEKs, and
 * a DEK can be wrapped again without touching the content.
 */

import { flattenedDecrypt } from "jose/jwe/flattened/decrypt";
import { FlattenedEncrypt } from "jose/jwe/flattened/encrypt";
import { decodeBase64Url, encodeBase64Url, encodeUtf8 } from "./encoding.ts";

/** The protected header of every envelope: `{"alg":"A256KW","enc":"A256GCM"}` in base64url. */
export const PROTECTED_HEADER = "eyJhbGciOiJBMjU2S1ciLCJlbmMiOiJBMjU2R0NNIn0";

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
 * Seals a plaintext under a fresh DEK that `key` wraps. The AAD must not be empty: jose seals with an
 * empty one as if there were none, and then cannot open it.
 */
export async function sealJwe(
  plaintext: Uint8Array,
  aad: string,
  key: CryptoKey,
): Promise<JweParts> {
  if (aad === "") throw new Error("Cannot seal without additional authenticated data");
  const jwe = await new FlattenedEncrypt(plaintext)
    .setProtectedHeader({ alg: "A256KW", enc: "A256GCM" })
    .setAdditionalAuthenticatedData(encodeUtf8(aad))
    .encrypt(key);
  if (jwe.protected !== PROTECTED_HEADER) throw new Error("Unexpected protected header");
  return {
    encryptedKey: decodeBase64Url(jwe.encrypted_key!)!,
    iv: decodeBase64Url(jwe.iv!)!,
    ciphertext: decodeBase64Url(jwe.ciphertext)!,
    tag: decodeBase64Url(jwe.tag!)!,
  };
}

/** Opens a JWE; `undefined` for a wrong key, another AAD, or altered parts: an AEAD cannot tell which. */
export async function openJwe(
  parts: JweParts,
  aad: string,
  key: CryptoKey,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const opened = await flattenedDecrypt(
      {
        protected: PROTECTED_HEADER,
        encrypted_key: encodeBase64Url(parts.encryptedKey),
        iv: encodeBase64Url(parts.iv),
        ciphertext: encodeBase64Url(parts.ciphertext),
        tag: encodeBase64Url(parts.tag),
        aad: encodeBase64Url(encodeUtf8(aad)),
      },
      key,
      { keyManagementAlgorithms: ["A256KW"], contentEncryptionAlgorithms: ["A256GCM"] },
    );
    return opened.plaintext as Uint8Array<ArrayBuffer>;
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
