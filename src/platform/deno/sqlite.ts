/** SQLite through `node:sqlite`, the only runtime module beside Deno's own that a read loads. */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type ErrorCode, isPalyraError, PalyraError } from "../../errors.ts";
import type { Database, Databases, SqlRow, SqlValue } from "../platform.ts";
import { parentOf, syncDirectory } from "./directories.ts";
import { attempt, unlessAbsent } from "./failures.ts";
import { refuse, requirePrivateFile } from "./ownership.ts";
import { removeIfThere, tempPathIn, writeNewFile } from "./temp_file.ts";

export const databases: Databases = { open, create };

/** How long a statement waits for another process's lock, in milliseconds. */
const BUSY_TIMEOUT_MS = 10_000;

/** EXTRA also syncs the directory after a commit, so that a finished write survives power loss. */
const SETTINGS = `
  PRAGMA trusted_schema = OFF;
  PRAGMA synchronous = EXTRA;
  PRAGMA secure_delete = ON;
  PRAGMA temp_store = MEMORY;
  PRAGMA foreign_keys = ON;
`;

function open(path: string): Database | undefined {
  const found = unlessAbsent(`look at ${path}`, () => Deno.lstatSync(path));
  if (found === undefined) return undefined;
  requirePrivateFile(path, found);
  // Under another name it would have another journal, and a crash could not be rolled back.
  if (found.nlink !== null && found.nlink > 1) refuse(path, "it has another hard link");
  if (found.size === 0) throw damaged(path); // SQLite would take it for a new database
  return connect(path);
}

async function create(path: string, build: (database: Database) => Promise<void>): Promise<void> {
  const directory = parentOf(path);
  const temp = tempPathIn(directory);
  try {
    attempt(`create ${path}`, () => writeNewFile(temp, new Uint8Array(0)));
    {
      using database = connect(temp);
      await build(database);
    }
    if (unlessAbsent(`look at ${path}`, () => Deno.lstatSync(path)) !== undefined) {
      throw new PalyraError("precondition", `Cannot create ${path}: it already exists`);
    }
    attempt(`create ${path}`, () => {
      Deno.renameSync(temp, path);
      syncDirectory(directory);
    });
  } catch (error) {
    removeIfThere(temp);
    removeIfThere(`${temp}-journal`);
    throw error;
  }
}

function connect(path: string): Database {
  // A URI, so that SQLite never creates the file itself: it would not be owner-only.
  // Two leading slashes would begin the name of a host there.
  const encoded = path.replace(/^\/+/, "/").split("/").map(encodeURIComponent).join("/");
  const uri = `file:${encoded}?mode=rw`;
  const handle = typed(path, () => new DatabaseSync(uri, { timeout: BUSY_TIMEOUT_MS }));
  try {
    return typed(path, () => {
      handle.exec(SETTINGS);
      const mode = handle.prepare("PRAGMA journal_mode = DELETE").get();
      if (mode?.["journal_mode"] !== "delete") throw damaged(path);
      return new Connection(handle, path);
    });
  } catch (error) {
    handle.close();
    throw error;
  }
}

class Connection implements Database {
  readonly #handle: DatabaseSync;
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();

  constructor(handle: DatabaseSync, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  get(sql: string, ...parameters: SqlValue[]): SqlRow | undefined {
    return typed(this.#path, () => this.#prepare(sql).get(...parameters) as SqlRow | undefined);
  }

  all(sql: string, ...parameters: SqlValue[]): SqlRow[] {
    return typed(this.#path, () => this.#prepare(sql).all(...parameters) as unknown as SqlRow[]);
  }

  run(sql: string, ...parameters: SqlValue[]): number {
    return typed(this.#path, () => Number(this.#prepare(sql).run(...parameters).changes));
  }

  read<T>(body: () => T): T {
    this.run("BEGIN");
    try {
      return body();
    } finally {
      this.#rollBack(); // nothing was written: it only ends the snapshot
    }
  }

  async write<T>(body: () => T | Promise<T>): Promise<T> {
    this.run("BEGIN IMMEDIATE");
    try {
      const result = await body();
      this.run("COMMIT");
      return result;
    } finally {
      this.#rollBack();
    }
  }

  #rollBack(): void {
    if (this.#handle.isTransaction) this.#handle.exec("ROLLBACK"); // some errors already did
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#handle.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    this.#handle.close();
  }
}

/**
 * What SQLite's own messages mean (sqlite.org/rescode.html). Deno gives no result code, only
 * the message, and a damaged schema has a message of its own.
 */
const CAUSES: readonly (readonly [RegExp, ErrorCode, string])[] = [
  // Palyra's own statements break no constraint and store no number past 2^53.
  [
    /constraint failed|datatype mismatch|cannot store|too large to be represented|out of range/i,
    "integrity",
    "",
  ],
  [/database (table )?is locked/, "precondition", "another process has held it too long"],
  [/malformed|not a database|unsupported file format/, "integrity", "it is damaged"],
  [/readonly database/, "unavailable", "it cannot be written here"],
  [/disk is full/, "unavailable", "no space left on the medium"],
  [/unable to open database file/, "unavailable", "it cannot be opened"],
  [/disk I\/O error/, "unavailable", "input or output error of the medium"],
  [/permission denied/, "denied", "permission denied"],
];

function typed<T>(path: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw isPalyraError(error) ? error : sqliteFailure(path, error);
  }
}

function sqliteFailure(path: string, cause: unknown): unknown {
  const text = cause instanceof Error ? cause.message : "";
  const known = CAUSES.find(([pattern]) => pattern.test(text));
  if (known === undefined) return cause;
  const [, code, why] = known;
  return code === "integrity"
    ? damaged(path, cause)
    : new PalyraError(code, `Cannot use ${path}: ${why}`, { cause });
}

function damaged(path: string, cause?: unknown): PalyraError {
  return new PalyraError("integrity", `Cannot use ${path}: it is damaged`, {
    hint: "Restore the state root from a backup",
    ...(cause === undefined ? {} : { cause }),
  });
}
