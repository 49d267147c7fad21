/** Sealing a JWE (RFC 7516), flattened, with A256KW and A256GCM; apart, since readers need not load it. */

import { FlattenedEncrypt } from "jose/jwe/flattened/encrypt";
import { decodeBase64Url, encodeUtf8 } from "./encoding.ts";
import { type JweParts, PROTECTED_HEADER } from "./jwe.ts";

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
