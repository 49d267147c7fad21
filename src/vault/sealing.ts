/** Sealing of values and vault keys, for writers. */

import { encodeBase64Url } from "../crypto/encoding.ts";
import { type JweParts, PROTECTED_HEADER } from "../crypto/jwe.ts";
import { sealJwe } from "../crypto/jwe_seal.ts";
import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { envelopeAad, type EnvelopePlace } from "./envelope.ts";
import { BLOB_MAGIC, vaultKeyAad, type VaultKeyPlace } from "./vault_key.ts";

/** Seals a value for a place under a scope key. */
export function sealValue(
  value: SensitiveBytes,
  place: EnvelopePlace,
  scopeKey: CryptoKey,
): Promise<JweParts> {
  return sealJwe(value.reveal(), envelopeAad(place), scopeKey);
}

/** Seals a vault key: `PKV1.` and the five parts of the JWE, joined by dots. */
export async function sealVaultKey(
  vaultKey: SensitiveBytes,
  place: VaultKeyPlace,
  kek: CryptoKey,
): Promise<string> {
  const { encryptedKey, iv, ciphertext, tag } = await sealJwe(
    vaultKey.reveal(),
    vaultKeyAad(place),
    kek,
  );
  const parts = [encryptedKey, iv, ciphertext, tag].map(encodeBase64Url);
  return [BLOB_MAGIC, PROTECTED_HEADER, ...parts].join(".");
}
