/** The tables of a database of palyra, version by version, and the check that a file has exactly these. */

import { PalyraError } from "../errors.ts";
import type { Database } from "../platform/platform.ts";

/** One step of the schema's history: statements that lead from the version before it. */
export interface Migration {
  readonly statements: readonly string[];
  /** All of `sqlite_schema.sql` after the step, in any order. */
  readonly schema: readonly string[];
}

/** All that a database of palyra may consist of. */
export interface Schema {
  /** What its errors call it: `the vault`. */
  readonly subject: string;
  /** Every version that palyra has shipped; `user_version` n stands for the first n of them. */
  readonly migrations: readonly Migration[];
}

/** Brings a database to the newest version, in the caller's write transaction. Checks it first. */
export function migrate(database: Database, schema: Schema): void {
  const { migrations } = schema;
  for (let version = userVersion(database); version < migrations.length; version++) {
    for (const statement of migrations[version]!.statements) database.run(statement);
    database.run(`PRAGMA user_version = ${version + 1}`); // a pragma takes no parameters
  }
  requireSchema(database, schema);
}

/**
 * Throws `integrity` unless the tables are those of the file's `user_version`, to the letter. A
 * trigger, view or column that somebody added would run or hide inside palyra's own statements.
 * Returns the version.
 */
export function requireSchema(
  database: Database,
  schema: Schema,
): number {
  const { subject, migrations } = schema;
  const version = userVersion(database);
  if (version < 0 || version > migrations.length) {
    throw new PalyraError("integrity", `Cannot open ${subject}: its schema is not known`, {
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
    throw new PalyraError("integrity", `Cannot open ${subject}: its tables were altered`, {
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
  schema: Schema,
): number {
  const version = database.read(() => requireSchema(database, schema));
  if (version > 0) return version;
  throw new PalyraError("integrity", `Cannot open ${schema.subject}: its tables are gone`, {
    hint: "Restore the state root from a backup",
  });
}

/** Brings an older schema up to date. Throws as {@link requireTables} does. */
export async function bringUpToDate(
  database: Database,
  schema: Schema,
): Promise<void> {
  const version = requireTables(database, schema);
  if (version < schema.migrations.length) {
    await database.write(() => {
      requireSchema(database, schema); // another process may have been first
      migrate(database, schema);
    });
  }
}

/**
 * Gives a reader of an older file the tables that it lacks, empty and in memory: reading changes no
 * file, and goes on where the medium cannot be written.
 */
export function standIn(database: Database, { migrations }: Schema, version: number): void {
  for (const { statements } of migrations.slice(version)) {
    for (const statement of statements) {
      database.run(statement.replace("CREATE TABLE", "CREATE TEMP TABLE"));
    }
  }
}

function userVersion(database: Database): number {
  return Number(database.get("PRAGMA user_version")?.["user_version"]);
}
