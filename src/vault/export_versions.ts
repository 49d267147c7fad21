/** Everything that a vault holds, opened, as it was at one moment: for backups. */

import { PalyraError } from "../errors.ts";
import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { committedVersion, liveBlob, scopeKeyById } from "./catalog.ts";
import {
  type BlobRow,
  type ScopeKeyRow,
  type SealedRow,
  sealedRowOf,
  secretIdOf,
} from "./catalog_rows.ts";
import { committedVersions } from "./commitment.ts";
import { mayBeStale } from "./key_chain.ts";
import { type Progress, untold } from "./progress.ts";
import { hasExpired, openInTransaction } from "./read_secret.ts";
import { numberOf, textOf } from "./rows.ts";
import type { ScopeKey } from "./scope_key.ts";
import { type Committed, stagedRows } from "./staged.ts";
import type { Vault } from "./vault.ts";
import { formatSecretId, type SecretId } from "./vault_ref.ts";

/** A version of a secret, opened. */
export interface ExportedVersion {
  readonly id: SecretId;
  readonly version: number;
  readonly createdAt: string;
  readonly expiresAt: string | undefined;
  readonly value: SensitiveBytes;
}

/** A secret that was deleted, and the highest number that it had. */
export interface ExportedDeletion {
  readonly id: SecretId;
  readonly lastVersion: number;
  readonly deletedAt: string;
}

/** All of it, by scope, name and version. Disposing wipes the values. */
export interface ExportedVault extends Disposable {
  readonly versions: readonly ExportedVersion[];
  readonly deletions: readonly ExportedDeletion[];
}

interface Snapshot {
  readonly rows: readonly SealedRow[];
  readonly deletions: readonly ExportedDeletion[];
  readonly blob: BlobRow | undefined;
  readonly scopeKeys: ReadonlyMap<string, ScopeKeyRow>;
}

const MAX_TRIES = 20;
const ROWS = `SELECT id, scope, name, version, created_at, expires_at, kid,
  encrypted_key, iv, tag, ciphertext FROM versions ORDER BY scope, name, version`;

/** Opens every version that has not expired. Throws `integrity` when one of them cannot be opened. */
export async function exportVersions(
  vault: Vault,
  progress: Progress = untold,
): Promise<ExportedVault> {
  const { snapshot, keys } = await takeStable(vault);
  const versions: ExportedVersion[] = [];
  const wipe = (): void => versions.forEach(({ value }) => value[Symbol.dispose]());
  const nowAt = new Date(vault.platform.clock.now()).toISOString();
  const rows = livingOf(snapshot.rows, nowAt);
  try {
    for (const row of rows) {
      progress(versions.length, rows.length);
      const key = keys.get(row.kid);
      if (key === undefined) throw keyGone(row);
      const { id, version, createdAt, expiresAt, value } = await openInTransaction(vault, row, key);
      versions.push({ id, version, createdAt, expiresAt, value });
    }
  } catch (error) {
    wipe();
    throw error;
  }
  return { versions, deletions: snapshot.deletions, [Symbol.dispose]: wipe };
}

/** A secret whose current version has expired is gone with its history. */
function livingOf(rows: readonly SealedRow[], nowAt: string): SealedRow[] {
  const current = new Map(rows.map((row) => [formatSecretId(row.id), row])); // the last one stays
  return rows.filter((row) =>
    !hasExpired(row.expiresAt, nowAt) &&
    !hasExpired(current.get(formatSecretId(row.id))!.expiresAt, nowAt)
  );
}

/** A snapshot with all of its keys; taken again where a rotation has moved on meanwhile. */
async function takeStable(
  vault: Vault,
): Promise<{ snapshot: Snapshot; keys: ReadonlyMap<string, ScopeKey> }> {
  for (let tries = 1;; tries++) {
    const committed = await committedVersions(vault);
    const snapshot = vault.database.read(() => take(vault, committed));
    try {
      return { snapshot, keys: await openKeys(vault, snapshot) };
    } catch (error) {
      const isMoved = liveBlob(vault.database)?.id !== snapshot.blob?.id;
      if (!mayBeStale(error) || !isMoved || tries === MAX_TRIES) throw error;
    }
  }
}

async function openKeys(
  vault: Vault,
  { rows, blob, scopeKeys }: Snapshot,
): Promise<ReadonlyMap<string, ScopeKey>> {
  const keys = new Map<string, ScopeKey>();
  for (const { kid, id } of rows) {
    const row = scopeKeys.get(kid);
    if (keys.has(kid) || blob === undefined || row === undefined) continue;
    keys.set(kid, await vault.keys.scopeKey(blob, row, id.scope));
  }
  return keys;
}

function take({ database }: Vault, committed: Committed | undefined): Snapshot {
  const stored = database.all(ROWS).map(sealedRowOf);
  const staged = committed === undefined
    ? []
    : stagedRows(database).flatMap(({ id }) => committedVersion(database, id, committed) ?? []);
  const rows = staged.length === 0 ? stored : [...stored, ...staged].sort(byPlace);
  const scopeKeys = new Map<string, ScopeKeyRow>();
  for (const { kid } of rows) {
    const row = scopeKeys.has(kid) ? undefined : scopeKeyById(database, kid);
    if (row !== undefined) scopeKeys.set(kid, row);
  }
  const deletions = database.all(
    `SELECT scope, name, last_version, deleted_at FROM tombstones t
      WHERE NOT EXISTS (SELECT 1 FROM versions v WHERE v.scope = t.scope AND v.name = t.name)
      ORDER BY scope, name`,
  ).map((row) => ({
    id: secretIdOf(row),
    lastVersion: numberOf(row, "last_version"),
    deletedAt: textOf(row, "deleted_at"),
  })).filter(({ id }) => !staged.some((row) => formatSecretId(row.id) === formatSecretId(id)));
  return { rows, deletions, blob: liveBlob(database), scopeKeys };
}

function keyGone({ id }: SealedRow): PalyraError {
  return new PalyraError("integrity", `Cannot read ${formatSecretId(id)}: its key is gone`, {
    hint: "palyra vault check tells what else cannot be opened",
  });
}

function byPlace(a: SealedRow, b: SealedRow): number {
  const [left, right] = [a, b].map(({ id }) => id) as [SecretId, SecretId];
  if (left.scope !== right.scope) return left.scope < right.scope ? -1 : 1;
  if (left.name !== right.name) return left.name < right.name ? -1 : 1;
  return a.version - b.version;
}
