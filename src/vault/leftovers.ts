/** What writers leave behind when they are killed, and its removal by the next one. */

import { causeOf } from "../keystore/failure.ts";
import { type BackendKind, parseStoredKind } from "./backend.ts";
import { liveBlob } from "./catalog.ts";
import type { BlobRow } from "./catalog_rows.ts";
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
 * seeming leftovers may be the vault's key. What a keystore does not let go just now stays in the
 * database, and the next writer tries again: it is worth nothing, and fails no command.
 */
export async function collectLeftovers(vault: Vault): Promise<number> {
  const { database, platform, paths } = vault;
  const live = liveBlob(database);
  const inUse = database.get("SELECT 1 FROM scope_keys LIMIT 1") !== undefined;
  if (inUse && live === undefined) throw sealedKeyGone();
  const found = findLeftovers(vault);
  const stuck = new Set<string>();
  if (live !== undefined && found.blobs.some(({ backend }) => backend === live.backend)) {
    if (!await isWhereItBelongs(vault, live)) stuck.add(live.backend);
  }
  let removed = 0;
  for (const { id, backend } of found.blobs) {
    if (stuck.has(backend)) continue; // each further try could take as long as the first
    if (await tryForget(vault, id, parseStoredKind(backend), live?.backend)) {
      await dropBlob(vault, id);
      removed++;
    } else stuck.add(backend);
  }
  const keks = found.keks.length === 0 ? 0 : await dropKeks(vault);
  for (const name of found.files) platform.files.remove(`${paths.directory}/${name}`);
  return removed + keks + found.files.length;
}

/**
 * Whether a backend holds the blob in force. One that does not, or cannot tell, is not to be tidied: an
 * old copy of the vault may be looking at the keystore of a newer one.
 */
async function isWhereItBelongs(vault: Vault, { id, backend }: BlobRow): Promise<boolean> {
  try {
    return await (await vault.backendFor(backend)).get(id) !== undefined;
  } catch (error) {
    if (causeOf(error) === undefined) throw error; // the database, not a keystore
    return false;
  }
}

/** Forgets a blob that was announced and certainly never stored. The caller holds `keys.lock`. */
export async function dropBlob({ database }: Vault, id: string): Promise<void> {
  await database.write(() => {
    const row = database.get("SELECT kek_kid FROM blobs WHERE id = ?", id);
    database.run("DELETE FROM blobs WHERE id = ? AND state <> 'live'", id);
    database.run(
      "DELETE FROM keks WHERE kid = ? AND kid NOT IN (SELECT kek_kid FROM blobs)",
      row?.["kek_kid"] ?? null,
    );
  });
}

/**
 * Removes a blob from its backend; whether it is certainly gone. A backend that keeps nothing of
 * this vault any more is left altogether; where that was done before a crash, no canary proves
 * anything now, and a look that found nothing is enough.
 */
async function tryForget(
  vault: Vault,
  id: string,
  kind: BackendKind,
  live: BackendKind | undefined,
): Promise<boolean> {
  try {
    const backend = await vault.backendFor(kind);
    try {
      await backend.delete(id);
    } catch (error) {
      if (causeOf(error) !== "not_here") throw error;
    }
    if (kind !== live) await backend.retire();
    return true;
  } catch (error) {
    if (causeOf(error) === undefined) throw error; // the database, not a keystore
    return false;
  }
}

async function dropKeks({ database }: Vault): Promise<number> {
  return await database.write(() =>
    database.run("DELETE FROM keks WHERE kid NOT IN (SELECT kek_kid FROM blobs)")
  );
}

/** Removes leftovers if there are any and nobody else holds `keys.lock` just now. */
export async function collectIfIdle(vault: Vault): Promise<void> {
  if (countLeftovers(findLeftovers(vault)) === 0) return;
  using lock = vault.platform.locks.tryAcquire(vault.paths.keysLock);
  if (lock !== undefined) await collectLeftovers(vault);
}
