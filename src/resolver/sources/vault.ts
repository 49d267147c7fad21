/** Values from the vault. */

import type { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { readSecret } from "../../vault/read_secret.ts";
import type { Vault } from "../../vault/vault.ts";
import type { VaultRef } from "../../vault/vault_ref.ts";

/** Opens a version. Throws as `readSecret` does. */
export async function resolveFromVault(vault: Vault, ref: VaultRef): Promise<SensitiveBytes> {
  return (await readSecret(vault, ref)).value;
}
