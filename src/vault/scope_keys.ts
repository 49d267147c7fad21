/** The scope key that a writer seals with: opened, or made on first use of the scope. */

import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import { liveBlob, liveScopeKey } from "./catalog.ts";
import type { BlobRow, ScopeKeyRow } from "./catalog_rows.ts";
import { mayBeStale, sealedKeyGone } from "./key_chain.ts";
import { collectLeftovers } from "./leftovers.ts";
import type { VaultScope } from "./scope.ts";
import { makeScopeKey, SCOPE_KEY_BYTES, type ScopeKey } from "./scope_key.ts";
import { KEYS_LOCK_TIMEOUT_MS, type Vault } from "./vault.ts";

const FIRST_GENERATION = 1;
const MAX_TRIES = 20;

/** The key of a scope. Its first use holds `keys.lock`, so that no rotation misses the new key. */
export async function ensureScopeKey(vault: Vault, scope: VaultScope): Promise<ScopeKey> {
  const found = await openStable(vault, scope);
  if (found !== undefined) return found;
  const { platform, paths } = vault;
  using _lock = await platform.locks.acquire(paths.keysLock, KEYS_LOCK_TIMEOUT_MS);
  await collectLeftovers(vault);
  return await openStable(vault, scope) ?? await create(vault, scope);
}

/** Opens the key in force; looks again where a rotation has moved on meanwhile. */
async function openStable(vault: Vault, scope: VaultScope): Promise<ScopeKey | undefined> {
  let keys = take(vault, scope);
  for (let tries = 1;; tries++) {
    if (keys.row === undefined) return undefined;
    if (keys.blob === undefined) throw sealedKeyGone();
    try {
      return await vault.keys.scopeKey(keys.blob, keys.row, scope);
    } catch (error) {
      if (!mayBeStale(error) || tries === MAX_TRIES) throw error;
      const again = take(vault, scope);
      if (again.blob?.id === keys.blob.id && again.row?.kid === keys.row.kid) throw error;
      keys = again;
    }
  }
}

interface Keys {
  readonly blob: BlobRow | undefined;
  readonly row: ScopeKeyRow | undefined;
}

function take({ database }: Vault, scope: VaultScope): Keys {
  return database.read(() => ({ blob: liveBlob(database), row: liveScopeKey(database, scope) }));
}

async function create(vault: Vault, scope: VaultScope): Promise<ScopeKey> {
  const { database, platform, vaultId } = vault;
  const blob = liveBlob(database);
  if (blob === undefined) throw sealedKeyGone();
  if (database.get("SELECT 1 FROM versions WHERE scope = ? LIMIT 1", scope) !== undefined) {
    throw new PalyraError("integrity", `Cannot open the key of ${scope}: its row is gone`, {
      hint: "Restore the state root from a backup",
    });
  }
  using material = new SensitiveBytes(platform.random.bytes(SCOPE_KEY_BYTES));
  const place = { vaultId, scope, generation: FIRST_GENERATION };
  const made = await makeScopeKey(material, place, await vault.keys.vaultKey(blob));
  const nowAt = new Date(platform.clock.now()).toISOString();
  await database.write(() =>
    database.run(
      "INSERT INTO scope_keys (kid, scope, generation, wrapped, created_at) VALUES (?, ?, ?, ?, ?)",
      made.kid,
      scope,
      place.generation,
      made.wrapped,
      nowAt,
    )
  );
  return made;
}
