/** Moving the vault's key to another backend: a new generation there, then the pin. */

import { encodeUtf8 } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import type { BackendKind } from "./backend.ts";
import { liveBlob } from "./catalog.ts";
import { renewVaultKey } from "./generations.ts";
import { collectLeftovers } from "./leftovers.ts";
import { KEYS_LOCK_TIMEOUT_MS, readMarker, type Vault } from "./vault.ts";

/** What a migration did. */
export interface Migrated {
  readonly backend: BackendKind;
  readonly previous: BackendKind;
  readonly changed: boolean;
}

/**
 * Moves the vault key. It is made anew on the way, so that what the old backend held is worth
 * nothing; the new one is read back and opened before it is in force. `mayLeave` throws where
 * something else still needs the old backend; it is asked under the lock.
 */
export async function migrateVault(
  vault: Vault,
  to: BackendKind,
  mayLeave: (from: BackendKind) => void,
): Promise<Migrated> {
  const { platform, paths, database } = vault;
  using _lock = await platform.locks.acquire(paths.keysLock, KEYS_LOCK_TIMEOUT_MS);
  await collectLeftovers(vault);
  const blob = liveBlob(database);
  if (blob === undefined) {
    throw new PalyraError("not_found", "Cannot migrate: the vault has no key yet", {
      hint: `palyra init --backend ${to} makes one`,
    });
  }
  const changed = blob.backend !== to;
  if (changed) {
    mayLeave(blob.backend);
    await renewVaultKey(vault, to);
  }
  // Last: until then the marker names the backend that may still hold something.
  if (readMarker(platform, paths) !== to) {
    platform.files.replace(paths.marker, encodeUtf8(`${to}\n`));
  }
  return { backend: to, previous: blob.backend, changed };
}
