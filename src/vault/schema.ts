/** The tables of `vault.db`, version by version, and the check that a file has exactly these. */

import { PalyraError } from "../errors.ts";
import type { Database } from "../platform/platform.ts";

/** One step of the schema's history: statements that lead from the version before it. */
export interface Migration {
  readonly statements: readonly string[];
  /** All of `sqlite_schema.sql` after the step, in any order. */
  readonly schema: readonly string[];
}

const VERSION_1 = [
  `CREATE TABLE vault (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    vault_id TEXT NOT NULL,
    created_at TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE keks (
    kid TEXT PRIMARY KEY NOT NULL,
    salt BLOB NOT NULL,
    created_at TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE blobs (
    id TEXT PRIMARY KEY NOT NULL,
    generation INTEGER NOT NULL UNIQUE,
    kek_kid TEXT NOT NULL REFERENCES keks (kid) ON DELETE RESTRICT,
    backend TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('writing', 'live', 'deleting')),
    created_at TEXT NOT NULL,
    content TEXT
  ) STRICT`,
  `CREATE UNIQUE INDEX one_live_blob ON blobs (state) WHERE state = 'live'`,
  `CREATE TABLE scope_keys (
    kid TEXT PRIMARY KEY NOT NULL,
    scope TEXT NOT NULL,
    generation INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (scope, generation)
  ) STRICT`,
  `CREATE TABLE versions (
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    kid TEXT NOT NULL REFERENCES scope_keys (kid) ON DELETE RESTRICT,
    encrypted_key BLOB NOT NULL,
    iv BLOB NOT NULL,
    tag BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    UNIQUE (scope, name, version)
  ) STRICT`,
  `CREATE INDEX versions_by_kid ON versions (kid)`,
  `CREATE INDEX versions_by_expiry ON versions (expires_at) WHERE expires_at IS NOT NULL`,
  `CREATE TABLE tombstones (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    last_version INTEGER NOT NULL,
    deleted_at TEXT NOT NULL,
    PRIMARY KEY (scope, name)
  ) STRICT`,
];

/** Version 2 adds what `configure` has sealed before the config names it. */
const ADDED_2 = [
  `CREATE TABLE intents (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL,
    sha256_before TEXT,
    sha256_after TEXT NOT NULL,
    temp_path TEXT NOT NULL,
    witnesses TEXT NOT NULL,
    created_at TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE staged (
    id INTEGER PRIMARY KEY,
    intent TEXT NOT NULL REFERENCES intents (id) ON DELETE RESTRICT,
    field TEXT NOT NULL,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    kid TEXT NOT NULL REFERENCES scope_keys (kid) ON DELETE RESTRICT,
    encrypted_key BLOB NOT NULL,
    iv BLOB NOT NULL,
    tag BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    UNIQUE (scope, name)
  ) STRICT`,
];

/** Every version that palyra has shipped; `user_version` n stands for the first n of them. */
export const MIGRATIONS: readonly Migration[] = [
  { statements: VERSION_1, schema: VERSION_1 },
  { statements: ADDED_2, schema: [...VERSION_1, ...ADDED_2] },
];

/** Brings a database to the newest version, in the caller's write transaction. Checks it first. */
export function migrate(database: Database, migrations: readonly Migration[] = MIGRATIONS): void {
  for (let version = userVersion(database); version < migrations.length; version++) {
    for (const statement of migrations[version]!.statements) database.run(statement);
    database.run(`PRAGMA user_version = ${version + 1}`); // a pragma takes no parameters
  }
  requireSchema(database, migrations);
}

/**
 * Throws `integrity` unless the tables are those of the file's `user_version`, to the letter. A
 * trigger, view or column that somebody added would run or hide inside palyra's own statements.
 * Returns the version.
 */
export function requireSchema(
  database: Database,
  migrations: readonly Migration[] = MIGRATIONS,
): number {
  const version = userVersion(database);
  if (version < 0 || version > migrations.length) {
    throw new PalyraError("integrity", "Cannot open the vault: its schema is not known", {
      hint: "A newer palyra may have written it: update palyra",
    });
  }
  const expected = version === 0 ? [] : migrations[version - 1]!.schema;
  const rows = database.all("SELECT name, sql FROM sqlite_schema");
  const found = rows.filter(({ name, sql }) =>
    sql !== null || !String(name).startsWith("sqlite_autoindex_") // made by SQLite for UNIQUE
  );
  const known = new Set<unknown>(expected);
  if (found.length !== known.size || !found.every(({ sql }) => known.has(sql))) {
    throw new PalyraError("integrity", "Cannot open the vault: its tables were altered", {
      hint: "Restore the state root from a backup",
    });
  }
  return version;
}

/**
 * The version of the schema. Throws `integrity` for any that palyra has not shipped, an empty one
 * included.
 */
export function requireTables(
  database: Database,
  migrations: readonly Migration[] = MIGRATIONS,
): number {
  const version = database.read(() => requireSchema(database, migrations));
  if (version > 0) return version;
  throw new PalyraError("integrity", "Cannot open the vault: its tables are gone", {
    hint: "Restore the state root from a backup",
  });
}

/** Brings an older schema up to date. Throws as {@link requireTables} does. */
export async function bringUpToDate(
  database: Database,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  const version = requireTables(database, migrations);
  if (version < migrations.length) {
    await database.write(() => {
      requireSchema(database, migrations); // another process may have been first
      migrate(database, migrations);
    });
  }
}

/**
 * Gives a reader of an older file the tables that it lacks, empty and in memory: reading changes no
 * file, and goes on where the medium cannot be written.
 */
export function standIn(database: Database, version: number): void {
  for (const { statements } of MIGRATIONS.slice(version)) {
    for (const statement of statements) {
      database.run(statement.replace("CREATE TABLE", "CREATE TEMP TABLE"));
    }
  }
}

function userVersion(database: Database): number {
  return Number(database.get("PRAGMA user_version")?.["user_version"]);
}
