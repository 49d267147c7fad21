/** A new KEK and vault key: the old blob is worthless afterwards. */

import { PalyraError } from "../errors.ts";
import { liveBlob } from "./catalog.ts";
import { renewVaultKey, type VaultKeyGeneration } from "./generations.ts";
import { collectLeftovers } from "./leftovers.ts";
import { KEYS_LOCK_TIMEOUT_MS, type Vault } from "./vault.ts";

/** Rotates the KEK under a new salt, and the vault key with it: all of it or nothing. */
export async function rotateKek(vault: Vault): Promise<VaultKeyGeneration> {
  const { platform, paths, database } = vault;
  using _lock = await platform.locks.acquire(paths.keysLock, KEYS_LOCK_TIMEOUT_MS);
  await collectLeftovers(vault);
  const blob = liveBlob(database);
  if (blob === undefined) {
    throw new PalyraError("not_found", "Cannot rotate: the vault has no key yet");
  }
  return await renewVaultKey(vault, blob.backend);
}
