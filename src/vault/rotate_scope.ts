/** A new key for one scope: every DEK of the scope is wrapped anew, no content is touched. */

import { rewrapKey } from "../crypto/jwe.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import type { Database, SqlRow } from "../platform/platform.ts";
import { liveBlob, liveScopeKey } from "./catalog.ts";
import { collectLeftovers } from "./leftovers.ts";
import { bytesOf, numberOf } from "./rows.ts";
import { makeScopeKey, SCOPE_KEY_BYTES, type ScopeKey } from "./scope_key.ts";
import { type Progress, untold } from "./progress.ts";
import type { VaultScope } from "./scope.ts";
import { KEYS_LOCK_TIMEOUT_MS, type Vault } from "./vault.ts";

/** The scope key that has come into force. */
export interface RotatedScope {
  readonly scope: VaultScope;
  readonly generation: number;
  /** Versions whose DEKs were wrapped anew. */
  readonly rewrapped: number;
}

/** Wrapped DEKs by table and number of their row, as they were and as they become. */
type Rewrapped = Map<string, { readonly from: string; readonly to: Uint8Array<ArrayBuffer> }>;

/**
 * Rotates the key of a scope: all of it or nothing. Throws `not_found` when the scope was never
 * used, `integrity` when one of its DEKs cannot be unwrapped.
 */
export async function rotateScope(
  vault: Vault,
  scope: VaultScope,
  progress: Progress = untold,
): Promise<RotatedScope> {
  const { platform, paths, database, vaultId } = vault;
  using _lock = await platform.locks.acquire(paths.keysLock, KEYS_LOCK_TIMEOUT_MS);
  await collectLeftovers(vault);
  const row = liveScopeKey(database, scope);
  const blob = liveBlob(database);
  if (row === undefined || blob === undefined) {
    throw new PalyraError(
      "not_found",
      `Cannot rotate the scope ${scope}: nothing was ever stored in it`,
    );
  }
  const old = await vault.keys.scopeKey(blob, row, scope);
  using material = new SensitiveBytes(platform.random.bytes(SCOPE_KEY_BYTES));
  const place = { vaultId, scope, generation: row.generation + 1 };
  const fresh = await makeScopeKey(material, place, await vault.keys.vaultKey(blob));
  // Most of the work is done before others have to wait for the transaction.
  const prepared: Rewrapped = new Map();
  await rewrapInto(prepared, vault, { old, fresh, progress });
  const nowAt = new Date(platform.clock.now()).toISOString();
  return await database.write(async () => {
    await rewrapInto(prepared, vault, { old, fresh, progress: untold }); // what was written meanwhile
    database.run(
      "INSERT INTO scope_keys (kid, scope, generation, wrapped, created_at) VALUES (?, ?, ?, ?, ?)",
      fresh.kid,
      scope,
      place.generation,
      fresh.wrapped,
      nowAt,
    );
    const rewrapped = exchange(vault, prepared, old.kid, fresh.kid);
    database.run("DELETE FROM scope_keys WHERE kid = ?", old.kid);
    return { scope, generation: place.generation, rewrapped };
  });
}

async function rewrapInto(
  prepared: Rewrapped,
  { database }: Vault,
  { old, fresh, progress }: {
    readonly old: ScopeKey;
    readonly fresh: ScopeKey;
    readonly progress: Progress;
  },
): Promise<void> {
  const rows = rowsUnder(database, old.kid);
  for (const [at, row] of rows.entries()) {
    progress(at, rows.length);
    const place = placeOf(row);
    const wrapped = bytesOf(row, "encrypted_key");
    const from = wrapped.toHex();
    if (prepared.get(place)?.from === from) continue;
    const to = await rewrapKey(wrapped, old.key, fresh.key);
    if (to === undefined) {
      throw new PalyraError("integrity", "Cannot rotate the scope: a secret in it was altered", {
        hint: "palyra vault check lists what is affected; delete it or set it again first",
      });
    }
    prepared.set(place, { from, to });
  }
}

function exchange({ database }: Vault, prepared: Rewrapped, oldKid: string, kid: string): number {
  let count = 0;
  for (const row of rowsUnder(database, oldKid)) {
    const { to } = prepared.get(placeOf(row))!;
    const sql = row["staged"] === 1
      ? "UPDATE staged SET kid = ?, encrypted_key = ? WHERE id = ?"
      : "UPDATE versions SET kid = ?, encrypted_key = ? WHERE id = ?";
    count += database.run(sql, kid, to, numberOf(row, "id"));
  }
  return count;
}

/** All versions under a key, those included that wait for a config to name them. */
function rowsUnder(database: Database, kid: string): SqlRow[] {
  return database.all(
    `SELECT 0 AS staged, id, encrypted_key FROM versions WHERE kid = ?1 UNION ALL
     SELECT 1, id, encrypted_key FROM staged WHERE kid = ?1`,
    kid,
  );
}

function placeOf(row: SqlRow): string {
  return `${numberOf(row, "staged")} ${numberOf(row, "id")}`;
}
