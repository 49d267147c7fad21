/** The statements that read and write the catalog in `vault.db`; no cryptography, no decisions. */

import type { Database } from "../platform/platform.ts";
import {
  type BlobRow,
  blobRowOf,
  type ScopeKeyRow,
  scopeKeyRowOf,
  type SealedRow,
  sealedRowOf,
  type VersionRow,
  versionRowOf,
} from "./catalog_rows.ts";
import { numberOf } from "./rows.ts";
import type { Committed } from "./staged.ts";
import type { VaultScope } from "./scope.ts";
import type { SecretId } from "./vault_ref.ts";

const META = "id, scope, name, version, created_at, expires_at, kid";
const SEALED = `${META}, encrypted_key, iv, tag, ciphertext`;

/** The sealed vault key in force; `undefined` before the first one is complete. */
export function liveBlob(database: Database): BlobRow | undefined {
  const row = database.get(
    `SELECT b.id, b.generation, b.kek_kid, b.backend, k.salt
       FROM blobs b LEFT JOIN keks k ON k.kid = b.kek_kid WHERE b.state = 'live'`,
  );
  return row && blobRowOf(row);
}

/** The scope key in force: the one of the highest generation. */
export function liveScopeKey(database: Database, scope: VaultScope): ScopeKeyRow | undefined {
  const row = database.get(
    `SELECT kid, scope, generation, wrapped FROM scope_keys
      WHERE scope = ? ORDER BY generation DESC LIMIT 1`,
    scope,
  );
  return row && scopeKeyRowOf(row);
}

/** A scope key by its id. */
export function scopeKeyById(database: Database, kid: string): ScopeKeyRow | undefined {
  const row = database.get(
    "SELECT kid, scope, generation, wrapped FROM scope_keys WHERE kid = ?",
    kid,
  );
  return row && scopeKeyRowOf(row);
}

/** All scope keys. */
export function allScopeKeys(database: Database): ScopeKeyRow[] {
  return database.all("SELECT kid, scope, generation, wrapped FROM scope_keys").map(scopeKeyRowOf);
}

/** The current version of a secret: the highest number. There is no pointer that could be wrong. */
export function currentVersion(
  database: Database,
  { scope, name }: SecretId,
): SealedRow | undefined {
  const row = database.get(
    `SELECT ${SEALED} FROM versions WHERE scope = ? AND name = ? ORDER BY version DESC LIMIT 1`,
    scope,
    name,
  );
  return row && sealedRowOf(row);
}

/** The oldest version that is kept. */
export function oldestVersion(
  database: Database,
  { scope, name }: SecretId,
): SealedRow | undefined {
  const row = database.get(
    `SELECT ${SEALED} FROM versions WHERE scope = ? AND name = ? ORDER BY version LIMIT 1`,
    scope,
    name,
  );
  return row && sealedRowOf(row);
}

/** Whether a version of the secret waits for a config that is to name it. */
export function isStaged(database: Database, { scope, name }: SecretId): boolean {
  const row = database.get("SELECT 1 FROM staged WHERE scope = ? AND name = ?", scope, name);
  return row !== undefined;
}

/** The staged version of a secret if it counts as current. */
export function committedVersion(
  database: Database,
  { scope, name }: SecretId,
  { intentId, rowIds }: Committed,
): SealedRow | undefined {
  const row = database.get(
    `SELECT ${SEALED} FROM staged WHERE intent = ? AND scope = ? AND name = ?`,
    intentId,
    scope,
    name,
  );
  const staged = row && sealedRowOf(row);
  return staged && rowIds.includes(staged.rowId) ? staged : undefined;
}

/** One version of a secret. */
export function versionOf(
  database: Database,
  { scope, name }: SecretId,
  version: number,
): SealedRow | undefined {
  const row = database.get(
    `SELECT ${SEALED} FROM versions WHERE scope = ? AND name = ? AND version = ?`,
    scope,
    name,
    version,
  );
  return row && sealedRowOf(row);
}

/**
 * Whether the table holds the secret (or the version) while its index does not lead to it: what an index
 * does not find is not yet proven to be absent. One statement looks at one moment: a secret that was
 * stored since the caller's look is found both ways.
 */
export function isHiddenByIndex(
  database: Database,
  { scope, name }: SecretId,
  version?: number,
): boolean {
  const row = database.get(
    `SELECT 1 FROM versions NOT INDEXED
      WHERE scope = ?1 AND name = ?2 AND (?3 IS NULL OR version = ?3)
        AND NOT EXISTS (SELECT 1 FROM versions i INDEXED BY sqlite_autoindex_versions_1
          WHERE i.scope = ?1 AND i.name = ?2 AND (?3 IS NULL OR i.version = ?3))
      LIMIT 1`,
    scope,
    name,
    version ?? null,
  );
  return row !== undefined;
}

/** One version by the number of its row. */
export function versionByRow(database: Database, rowId: number): SealedRow | undefined {
  const row = database.get(`SELECT ${SEALED} FROM versions WHERE id = ?`, rowId);
  return row && sealedRowOf(row);
}

/** Versions of one secret without their content, the newest first. */
export function versionsOf(database: Database, { scope, name }: SecretId): VersionRow[] {
  return database.all(
    `SELECT ${META} FROM versions WHERE scope = ? AND name = ? ORDER BY version DESC`,
    scope,
    name,
  ).map(versionRowOf);
}

/** The highest number that a secret ever had, deleted versions included; 0 for a new one. */
export function lastVersionNumber(database: Database, { scope, name }: SecretId): number {
  const row = database.get(
    `SELECT max(
       coalesce((SELECT max(version) FROM versions WHERE scope = ?1 AND name = ?2), 0),
       coalesce((SELECT last_version FROM tombstones WHERE scope = ?1 AND name = ?2), 0)) AS last`,
    scope,
    name,
  );
  return numberOf(row!, "last");
}

/** Adds a version. */
export function insertVersion(database: Database, row: Omit<SealedRow, "rowId">): void {
  const { id, version, createdAt, expiresAt, kid, parts } = row;
  database.run(
    `INSERT INTO versions
       (scope, name, version, created_at, expires_at, kid, encrypted_key, iv, tag, ciphertext)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    id.scope,
    id.name,
    version,
    createdAt,
    expiresAt ?? null,
    kid,
    parts.encryptedKey,
    parts.iv,
    parts.tag,
    parts.ciphertext,
  );
  database.run("DELETE FROM tombstones WHERE scope = ? AND name = ?", id.scope, id.name);
}

/** Removes the versions of a secret up to a number. */
export function removeVersionsUpTo(
  database: Database,
  { scope, name }: SecretId,
  last: number,
): void {
  database.run(
    "DELETE FROM versions WHERE scope = ? AND name = ? AND version <= ?",
    scope,
    name,
    last,
  );
}

/** Removes a secret with all its versions; its last number stays, so that none ever returns. */
export function buryAll(database: Database, id: SecretId, nowAt: string): void {
  database.run(
    `INSERT INTO tombstones (scope, name, last_version, deleted_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (scope, name) DO UPDATE SET
         last_version = excluded.last_version, deleted_at = excluded.deleted_at`,
    id.scope,
    id.name,
    lastVersionNumber(database, id),
    nowAt,
  );
  database.run("DELETE FROM versions WHERE scope = ? AND name = ?", id.scope, id.name);
}
