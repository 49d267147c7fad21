/** What can be said of a vault at a glance. */

import { requireSchema } from "../database/schema.ts";
import { liveBlob } from "./catalog.ts";
import { openLiveVaultKey } from "./key_chain.ts";
import { listSecrets } from "./list_secrets.ts";
import { VAULT_SCHEMA } from "./schema.ts";
import type { Vault } from "./vault.ts";

/** The state of a vault. */
export interface VaultStatus {
  readonly vaultId: string;
  readonly backend: string;
  /** `empty` before its first key is complete, else `ready`: its vault key has just been opened. */
  readonly state: "ready" | "empty";
  readonly secrets: number;
  readonly scopes: number;
  readonly kekKid: string | undefined;
  /** `user_version` of the database. */
  readonly schema: number;
}

/** Describes the vault. Throws `integrity` when its key cannot be opened, `unavailable` without backend. */
export async function vaultStatus(vault: Vault): Promise<VaultStatus> {
  const { database, vaultId } = vault;
  await openLiveVaultKey(vault.keys, database);
  const blob = liveBlob(database);
  const secrets = await listSecrets(vault);
  return {
    vaultId,
    backend: blob?.backend ?? "none",
    state: blob === undefined ? "empty" : "ready",
    secrets: secrets.length,
    scopes: new Set(secrets.map(({ id }) => id.scope)).size,
    kekKid: blob?.kekKid,
    schema: requireSchema(database, VAULT_SCHEMA),
  };
}
