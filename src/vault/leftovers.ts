/** What writers leave behind when they are killed, and its removal by the next one. */

import { parseStoredKind } from "./backend.ts";
import { liveBlob } from "./catalog.ts";
import { sealedKeyGone } from "./key_chain.ts";
import { textOf } from "./rows.ts";
import type { Vault } from "./vault.ts";

/** Names that the platform gives to temporary files, and SQLite to their journals. */
const TEMP_NAME = /^\.[0-9a-f-]{36}\.tmp(?:-journal)?$/;

/** Names of leftovers: rows of blobs that are not in force, KEKs without a blob, temporary files. */
export interface Leftovers {
  readonly blobs: readonly { readonly id: string; readonly backend: string }[];
  readonly keks: readonly string[];
  readonly files: readonly string[];
}

/** Lists the leftovers. Without `keys.lock` they may belong to a writer at work. */
export function findLeftovers({ database, platform, paths }: Vault): Leftovers {
  return {
    blobs: database.all("SELECT id, backend FROM blobs WHERE state <> 'live'").map((row) => ({
      id: textOf(row, "id"),
      backend: textOf(row, "backend"),
    })),
    keks: database.all("SELECT kid FROM keks WHERE kid NOT IN (SELECT kek_kid FROM blobs)")
      .map((row) => textOf(row, "kid")),
    files: platform.directories.list(paths.directory)
      .filter((name) => TEMP_NAME.test(name)),
  };
}

/** How many there are. */
export function countLeftovers({ blobs, keks, files }: Leftovers): number {
  return blobs.length + keks.length + files.length;
}

/**
 * Removes the leftovers; how many. The caller holds `keys.lock`. Throws `integrity`, and removes
 * nothing, when scopes are in use but no blob is in force: no writer leaves that, so one of the
 * seeming leftovers may be the vault's key.
 */
export async function collectLeftovers(vault: Vault): Promise<number> {
  const { database, platform, paths } = vault;
  const inUse = database.get("SELECT 1 FROM scope_keys LIMIT 1") !== undefined;
  if (inUse && liveBlob(database) === undefined) throw sealedKeyGone();
  const found = findLeftovers(vault);
  for (const { id, backend } of found.blobs) {
    await (await vault.backendFor(parseStoredKind(backend))).delete(id);
    await database.write(() => database.run("DELETE FROM blobs WHERE id = ?", id));
  }
  if (found.blobs.length + found.keks.length > 0) {
    await database.write(() =>
      database.run("DELETE FROM keks WHERE kid NOT IN (SELECT kek_kid FROM blobs)")
    );
  }
  for (const name of found.files) platform.files.remove(`${paths.directory}/${name}`);
  return countLeftovers(found);
}

/** Removes leftovers if there are any and nobody else holds `keys.lock` just now. */
export async function collectIfIdle(vault: Vault): Promise<void> {
  if (countLeftovers(findLeftovers(vault)) === 0) return;
  using lock = vault.platform.locks.tryAcquire(vault.paths.keysLock);
  if (lock !== undefined) await collectLeftovers(vault);
}
