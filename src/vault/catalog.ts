/** The statements that read and write the catalog in `vault.db`; no cryptography, no decisions. */

import type { JweParts } from "../crypto/jwe.ts";
import type { Database, SqlRow } from "../platform/platform.ts";
import { type BackendKind, parseStoredKind } from "./backend.ts";
import { bytesOf, numberOf, optionalTextOf, textOf } from "./rows.ts";
import { scopeOf, type VaultScope } from "./scope.ts";
import type { SecretId, SecretName } from "./vault_ref.ts";
import { PalyraError } from "../errors.ts";
import { parseName } from "./vault_ref.ts";

/** The row of a sealed vault key, with the salt of the KEK that it is sealed under. */
export interface BlobRow {
  readonly id: string;
  readonly generation: number;
  readonly kekKid: string;
  readonly backend: BackendKind;
  readonly salt: Uint8Array<ArrayBuffer>;
}

/** The row of a scope key. */
export interface ScopeKeyRow {
  readonly kid: string;
  readonly scope: VaultScope;
  readonly generation: number;
  readonly wrapped: Uint8Array<ArrayBuffer>;
}

/** One version of a secret without its content. */
export interface VersionRow {
  readonly rowId: number;
  readonly id: SecretId;
  readonly version: number;
  readonly createdAt: string;
  readonly expiresAt: string | undefined;
  readonly kid: string;
}

/** One version of a secret with its sealed content. */
export interface SealedRow extends VersionRow {
  readonly parts: JweParts;
}

const META = "id, scope, name, version, created_at, expires_at, kid";
const SEALED = `${META}, encrypted_key, iv, tag, ciphertext`;

/** The sealed vault key in force; `undefined` before the first one is complete. */
export function liveBlob(database: Database): BlobRow | undefined {
  const row = database.get(
    `SELECT b.id, b.generation, b.kek_kid, b.backend, k.salt
       FROM blobs b LEFT JOIN keks k ON k.kid = b.kek_kid WHERE b.state = 'live'`,
  );
  return row && {
    id: textOf(row, "id"),
    generation: numberOf(row, "generation"),
    kekKid: textOf(row, "kek_kid"),
    backend: parseStoredKind(textOf(row, "backend")),
    salt: bytesOf(row, "salt"),
  };
}

/** The scope key in force: the one of the highest generation. */
export function liveScopeKey(database: Database, scope: VaultScope): ScopeKeyRow | undefined {
  const row = database.get(
    `SELECT kid, scope, generation, wrapped FROM scope_keys
      WHERE scope = ? ORDER BY generation DESC LIMIT 1`,
    scope,
  );
  return row && scopeKeyOf(row);
}

/** A scope key by its id. */
export function scopeKeyById(database: Database, kid: string): ScopeKeyRow | undefined {
  const row = database.get(
    "SELECT kid, scope, generation, wrapped FROM scope_keys WHERE kid = ?",
    kid,
  );
  return row && scopeKeyOf(row);
}

/** All scope keys. */
export function allScopeKeys(database: Database): ScopeKeyRow[] {
  return database.all("SELECT kid, scope, generation, wrapped FROM scope_keys").map(scopeKeyOf);
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
  return row && sealedOf(row);
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
  return row && sealedOf(row);
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
  return row && sealedOf(row);
}

/** One version by the number of its row. */
export function versionByRow(database: Database, rowId: number): SealedRow | undefined {
  const row = database.get(`SELECT ${SEALED} FROM versions WHERE id = ?`, rowId);
  return row && sealedOf(row);
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

/** A row of `versions` without its content. */
export function versionRowOf(row: SqlRow): VersionRow {
  return {
    rowId: numberOf(row, "id"),
    id: secretIdOf(row),
    version: numberOf(row, "version"),
    createdAt: instantOf(textOf(row, "created_at")),
    expiresAt: optionalInstantOf(row, "expires_at"),
    kid: textOf(row, "kid"),
  };
}

/** Scope and name of a row, checked again: an altered one must not forge a line of output. */
export function secretIdOf(row: SqlRow): SecretId {
  const scope = scopeOf(textOf(row, "scope"));
  const name = textOf(row, "name");
  try {
    if (scope !== undefined) return { scope, name: parseName(name) as SecretName };
  } catch { /* falls through to the one error for altered rows */ }
  throw new PalyraError("integrity", "Cannot open the vault: a name in its database was altered");
}

function sealedOf(row: SqlRow): SealedRow {
  const parts = {
    encryptedKey: bytesOf(row, "encrypted_key"),
    iv: bytesOf(row, "iv"),
    tag: bytesOf(row, "tag"),
    ciphertext: bytesOf(row, "ciphertext"),
  };
  return { ...versionRowOf(row), parts };
}

function scopeKeyOf(row: SqlRow): ScopeKeyRow {
  const scope = scopeOf(textOf(row, "scope"));
  if (scope === undefined) {
    throw new PalyraError(
      "integrity",
      "Cannot open the vault: a scope in its database was altered",
    );
  }
  return {
    kid: textOf(row, "kid"),
    scope,
    generation: numberOf(row, "generation"),
    wrapped: bytesOf(row, "wrapped"),
  };
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function optionalInstantOf(row: SqlRow, column: string): string | undefined {
  const text = optionalTextOf(row, column);
  return text === undefined ? undefined : instantOf(text);
}

function instantOf(text: string): string {
  if (INSTANT.test(text)) return text;
  throw new PalyraError("integrity", "Cannot open the vault: a date in its database was altered");
}
