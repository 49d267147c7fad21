/**
 * Intents and staged versions: what `configure` has sealed but not yet made current, because the
 * config that is to name it has not been replaced yet. There is at most one intent at a time.
 */

import { PalyraError } from "../errors.ts";
import type { Database, SqlRow } from "../platform/platform.ts";
import { type SealedRow, sealedRowOf } from "./catalog_rows.ts";
import { optionalTextOf, textOf } from "./rows.ts";

/** The replacement of a document that makes staged versions current. */
export interface Intent {
  /** 32 hexadecimal digits, random. */
  readonly id: string;
  /** Real path of the document. */
  readonly path: string;
  /** SHA-256 of the document before; `undefined` when there was none. */
  readonly before: string | undefined;
  /** SHA-256 of the document after. */
  readonly after: string;
  /** The new document until it is renamed. */
  readonly tempPath: string;
  /**
   * The fields that the new document changes: only they can tell, in a document that somebody else
   * has saved, whether it comes after the new one. There is at least one.
   */
  readonly witnesses: readonly Witness[];
}

/** A field that did not name its secret before. */
export interface Witness {
  readonly field: string;
  /** The secret that it is to name, as `<scope>/<name>`. */
  readonly ref: string;
  /** It named the secret before, but in another spelling, or held another form as well. */
  readonly exact: boolean;
}

/** A version that waits for its intent. */
export interface StagedRow extends SealedRow {
  /** The field of the document that is to name the secret. */
  readonly field: string;
}

/** Staged versions that count as current, because their document is in place. */
export interface Committed {
  readonly intentId: string;
  readonly rowIds: readonly number[];
}

/** The intent, if there is one. */
export function findIntent(database: Database): Intent | undefined {
  const row = database.get(
    "SELECT id, path, sha256_before, sha256_after, temp_path, witnesses FROM intents",
  );
  return row && intentOf(row);
}

/** The staged versions of the intent. */
export function stagedRows(database: Database): StagedRow[] {
  return database.all("SELECT * FROM staged ORDER BY id")
    .map((row) => ({ ...sealedRowOf(row), field: textOf(row, "field") }));
}

/** One staged version by the number of its row. */
export function stagedRow(database: Database, rowId: number): SealedRow | undefined {
  const row = database.get("SELECT * FROM staged WHERE id = ?", rowId);
  return row && sealedRowOf(row);
}

/** Records an intent; the caller's transaction also stages its versions. */
export function insertIntent(database: Database, intent: Intent, nowAt: string): void {
  database.run(
    `INSERT INTO intents (one, id, path, sha256_before, sha256_after, temp_path, witnesses, created_at)
     VALUES (1, ?, ?, ?, ?, ?, ?, ?)`,
    intent.id,
    intent.path,
    intent.before ?? null,
    intent.after,
    intent.tempPath,
    JSON.stringify(intent.witnesses),
    nowAt,
  );
}

/** Stages a version. */
export function insertStaged(
  database: Database,
  intentId: string,
  { id, version, createdAt, expiresAt, kid, parts, field }: Omit<StagedRow, "rowId">,
): void {
  database.run(
    `INSERT INTO staged (intent, field, scope, name, version, created_at, expires_at, kid,
       encrypted_key, iv, tag, ciphertext)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    intentId,
    field,
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
}

/** Forgets the intent and what is still staged for it. */
export function dropIntent(database: Database): void {
  database.run("DELETE FROM staged");
  database.run("DELETE FROM intents");
}

function intentOf(row: SqlRow): Intent {
  return {
    id: textOf(row, "id"),
    path: textOf(row, "path"),
    before: optionalTextOf(row, "sha256_before"),
    after: textOf(row, "sha256_after"),
    tempPath: textOf(row, "temp_path"),
    witnesses: witnessesOf(textOf(row, "witnesses")),
  };
}

function witnessesOf(text: string): readonly Witness[] {
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every(isWitness)) return list;
  } catch { /* no JSON */ }
  throw new PalyraError("integrity", "Cannot open the vault: a row of its database was altered");
}

function isWitness(value: unknown): value is Witness {
  const { field, ref, exact } = Object(value);
  return typeof field === "string" && typeof ref === "string" && typeof exact === "boolean";
}
