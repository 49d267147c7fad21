/** The whole vault on the bench: its database, every key, every envelope, every leftover. */

import { isPalyraError, PalyraError } from "../errors.ts";
import { allScopeKeys, liveBlob, scopeKeyById, versionByRow } from "./catalog.ts";
import type { BlobRow, ScopeKeyRow } from "./catalog_rows.ts";
import { mayBeStale, openLiveVaultKey } from "./key_chain.ts";
import { collectLeftovers, countLeftovers, findLeftovers } from "./leftovers.ts";
import { openRowOf } from "./read_secret.ts";
import { settleIntent } from "./recovery.ts";
import { numberOf } from "./rows.ts";
import { type Progress, untold } from "./progress.ts";
import { findIntent, type StagedRow, stagedRow, stagedRows } from "./staged.ts";
import { KEYS_LOCK_TIMEOUT_MS, type Vault } from "./vault.ts";
import { formatSecretId } from "./vault_ref.ts";

/** Something that cannot be opened. */
export interface BadEntry {
  /** The secret, or for a scope key its scope. */
  readonly ref: string;
  /** 0 for a scope key. */
  readonly version: number;
  readonly cause: "envelope" | "scope_key" | "row";
}

/** What a check found. */
export interface CheckReport {
  /** Envelopes that were opened, or tried. */
  readonly checked: number;
  readonly bad: readonly BadEntry[];
  /** Remains of interrupted writers; with `repair` those that stayed. */
  readonly leftovers: number;
  /** Leftovers that were removed. Nothing that cannot be opened ever is. */
  readonly repaired: number;
}

/**
 * Opens every version of every secret. Throws `integrity` when the database itself is damaged or
 * the vault key cannot be opened: then nothing can be said of single secrets.
 */
export async function checkVault(
  vault: Vault,
  { repair, progress = untold }: { readonly repair: boolean; readonly progress?: Progress },
): Promise<CheckReport> {
  requireSoundDatabase(vault);
  await openLiveVaultKey(vault.keys, vault.database);
  const bad = await badScopeKeys(vault);
  const ids = vault.database.all("SELECT id FROM versions ORDER BY id");
  let checked = 0;
  for (const { id } of ids) {
    progress(checked, ids.length);
    const entry = await checkRow(vault, Number(id));
    if (entry === "gone") continue; // deleted since the list was made
    checked++;
    if (entry !== undefined) bad.push(entry);
  }
  for (const row of stagedRows(vault.database)) {
    const entry = await checkStaged(vault, row);
    if (entry === "gone") continue; // concluded since the list was made
    checked++;
    if (entry !== undefined) bad.push(entry);
  }
  const repaired = repair ? await removeLeftovers(vault) : 0;
  const leftovers = countLeftovers(findLeftovers(vault)) + countIntents(vault);
  return { checked, bad, leftovers, repaired };
}

/** Throws `integrity` when the database itself is damaged. */
export function requireSoundDatabase({ database }: Vault): void {
  const answers = database.all("PRAGMA integrity_check(1)");
  const foreign = database.all("PRAGMA foreign_key_check");
  if (answers[0]?.["integrity_check"] === "ok" && foreign.length === 0) return;
  throw new PalyraError("integrity", "Cannot check the vault: its database is damaged", {
    hint: "Restore the state root from a backup",
  });
}

/** Every scope key in its own scope: its versions cannot tell when only the key's row was altered. */
async function badScopeKeys(vault: Vault): Promise<BadEntry[]> {
  const bad: BadEntry[] = [];
  for (const { kid, scope } of allScopeKeys(vault.database)) {
    const sound = await openStable(vault, kid);
    if (!sound) bad.push({ ref: scope, version: 0, cause: "scope_key" });
  }
  return bad;
}

/** Whether a scope key opens in the scope of its row, or has been rotated away meanwhile. */
async function openStable(vault: Vault, kid: string): Promise<boolean> {
  const { database } = vault;
  const take = (): { blob: BlobRow | undefined; row: ScopeKeyRow | undefined } =>
    database.read(() => ({ blob: liveBlob(database), row: scopeKeyById(database, kid) }));
  for (let found = take();;) {
    const { blob, row } = found;
    if (row === undefined) return true;
    try {
      if (blob === undefined) return false;
      await vault.keys.scopeKey(blob, row, row.scope);
      return true;
    } catch (error) {
      if (!mayBeStale(error)) throw error;
      found = take();
      if (found.blob?.id !== blob?.id) continue;
      if (!isPalyraError(error, "integrity")) throw error;
      return false;
    }
  }
}

async function checkRow(vault: Vault, rowId: number): Promise<BadEntry | "gone" | undefined> {
  try {
    using opened = await openRowOf(vault, () => versionByRow(vault.database, rowId));
    return opened === undefined ? "gone" : undefined;
  } catch (error) {
    if (!isPalyraError(error, "integrity")) throw error;
    return describe(vault, rowId);
  }
}

async function checkStaged(
  vault: Vault,
  { rowId, id, version }: StagedRow,
): Promise<BadEntry | "gone" | undefined> {
  try {
    using opened = await openRowOf(vault, () => stagedRow(vault.database, rowId));
    return opened === undefined ? "gone" : undefined;
  } catch (error) {
    if (!isPalyraError(error, "integrity")) throw error;
    return { ref: formatSecretId(id), version, cause: "envelope" };
  }
}

/** Names the entry of a row if its names can still be read. */
function describe({ database }: Vault, rowId: number): BadEntry {
  try {
    const row = versionByRow(database, rowId);
    if (row !== undefined) {
      return { ref: formatSecretId(row.id), version: row.version, cause: "envelope" };
    }
  } catch { /* not even that: the row is named by its number */ }
  const found = database.get("SELECT id FROM versions WHERE id = ?", rowId);
  return {
    ref: `row ${found === undefined ? rowId : numberOf(found, "id")}`,
    version: 0,
    cause: "row",
  };
}

/** An intent may also belong to a `configure` at work. */
function countIntents({ database }: Vault): number {
  return findIntent(database) === undefined ? 0 : 1;
}

async function removeLeftovers(vault: Vault): Promise<number> {
  await settleIntent(vault);
  using _lock = await vault.platform.locks.acquire(vault.paths.keysLock, KEYS_LOCK_TIMEOUT_MS);
  return await collectLeftovers(vault);
}
