/** The vault key: sealed under the KEK it is the one blob that a backend keeps. */

import { decodeBase64Url } from "../crypto/encoding.ts";
import { importWrappingKey, type JweParts, openJwe, PROTECTED_HEADER } from "../crypto/jwe.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";

/** Length of a vault key in bytes. */
export const VAULT_KEY_BYTES = 32;

/** What a blob begins with. */
export const BLOB_MAGIC = "PKV1";

/** What a sealed vault key is bound to. */
export interface VaultKeyPlace {
  readonly vaultId: string;
  readonly generation: number;
  /** Id of the KEK that it is sealed under. */
  readonly kid: string;
}

/**
 * Opens a sealed vault key as a wrapping key; `undefined` for a wrong KEK, another place, or any
 * altered character. It is no compact JWE: that form has no place for an AAD (RFC 7516 section 7.1).
 */
export async function openVaultKey(
  blob: string,
  place: VaultKeyPlace,
  kek: CryptoKey,
): Promise<CryptoKey | undefined> {
  const parts = parseBlob(blob);
  const opened = parts === undefined ? undefined : await openJwe(parts, vaultKeyAad(place), kek);
  if (opened?.length !== VAULT_KEY_BYTES) return undefined;
  using vaultKey = new SensitiveBytes(opened);
  return await importWrappingKey(vaultKey.reveal());
}

function parseBlob(blob: string): JweParts | undefined {
  const [magic, header, ...encoded] = blob.split(".");
  if (magic !== BLOB_MAGIC || header !== PROTECTED_HEADER || encoded.length !== 4) return undefined;
  const [encryptedKey, iv, ciphertext, tag] = encoded.map(decodeBase64Url);
  if (!encryptedKey || !iv || !ciphertext || !tag) return undefined;
  return { encryptedKey, iv, ciphertext, tag };
}

/** What a sealed vault key is bound to, as AAD. */
export function vaultKeyAad({ vaultId, generation, kid }: VaultKeyPlace): string {
  return JSON.stringify(["palyra/v1/vault-key", vaultId, generation, kid]);
}
