/** What the vault holds for good: a value that ends one day keeps nothing safe that had no end. */

import { sha256Hex } from "../crypto/digest.ts";
import { equalBytes } from "../crypto/equal_bytes.ts";
import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { isPalyraError } from "../errors.ts";
import { listSecrets, secretHistory } from "../vault/list_secrets.ts";
import { type OpenedVersion, readSecret } from "../vault/read_secret.ts";
import type { Vault } from "../vault/vault.ts";
import type { SecretId } from "../vault/vault_ref.ts";

/** Whether the current version is this value, without an end. */
export function isHeldForGood(
  { value, expiresAt }: OpenedVersion,
  wanted: SensitiveBytes,
): boolean {
  return expiresAt === undefined && equalBytes(value.reveal(), wanted.reveal());
}

/** SHA-256, in memory only, of every value that the vault holds for good, older versions too. */
export async function digestsHeld(vault: Vault): Promise<Set<string>> {
  const held = new Set<string>();
  for (const { id } of await listSecrets(vault)) {
    for (const digest of await digestsOf(vault, id)) held.add(digest);
  }
  return held;
}

/** Dates are those that were authenticated. When the current version ends, all of them do. */
async function digestsOf(vault: Vault, id: SecretId): Promise<string[]> {
  const digests: string[] = [];
  for (const [at, { version }] of (await secretHistory(vault, id)).entries()) {
    try {
      using opened = await readSecret(vault, { ...id, version });
      if (opened.expiresAt === undefined) digests.push(await sha256Hex(opened.value.reveal()));
      else if (at === 0) return [];
    } catch (error) {
      if (!isPalyraError(error)) throw error; // what cannot be opened holds nothing
      if (at === 0) return []; // nor does what nobody knows the end of
    }
  }
  return digests;
}
