/** The ports through which every room reaches the outside world: types only, no code. */

import type { ByteFilter } from "./byte_filter.ts";
import type { Foreground } from "./foreground.ts";
import type { FileTrees, SecretFiles } from "./foreign_files.ts";
import type { OpenRedirectListener } from "./redirect_listener.ts";
import type { Web } from "./web.ts";

/** Everything outside the process. A test passes another value; no global is ever patched. */
export interface Platform {
  readonly clock: Clock;
  readonly random: Random;
  readonly environment: Environment;
  readonly streams: Streams;
  readonly terminal: Terminal;
  readonly directories: PrivateDirectories;
  readonly files: PrivateFiles;
  readonly userFiles: UserFiles;
  /** Loaded on first use. */
  readonly documents: () => Promise<Documents>;
  /** Loaded on first use. */
  readonly trees: () => Promise<FileTrees>;
  /** Loaded on first use. */
  readonly secretFiles: () => Promise<SecretFiles>;
  readonly locks: Locks;
  /** Loaded on first use: commands that touch no store do not pay for it. */
  readonly databases: () => Promise<Databases>;
  readonly processes: Processes;
  /** Loaded on first use. */
  readonly ownProgram: () => Promise<() => OwnProgram>;
  /** Loaded on first use. */
  readonly foreground: () => Promise<Foreground>;
  /** Loaded on first use. */
  readonly web: () => Promise<Web>;
  /** Loaded on first use. */
  readonly redirectListener: () => Promise<OpenRedirectListener>;
  /** Loaded on first use. What it gives holds off signals that would end palyra, until disposed of. */
  readonly heldSignals: () => Promise<() => Disposable>;
}

/** Wall-clock time. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number;
  /** Waits some milliseconds. */
  pause(ms: number): Promise<void>;
}

/** Cryptographically secure randomness. */
export interface Random {
  /** Fresh random bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/** Environment variables and the kind of system. */
export interface Environment {
  /**
   * The value of a variable; `undefined` when it is not set.
   * Throws `usage` when the value is not valid Unicode, so that no altered value passes.
   */
  get(name: string): string | undefined;
  /** The directory that relative paths begin in. */
  workingDirectory(): string;
  readonly os: "linux" | "darwin" | "windows" | "other";
}

/** Standard input, output and error. */
export interface Streams {
  /** Reads to the end of standard input; stops and throws `usage` past `maxBytes`. */
  readInput(maxBytes: number): Promise<Uint8Array<ArrayBuffer>>;
  /** The next bytes of standard input; `undefined` at its end. The caller wipes them. */
  readSome(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Writes all bytes to standard output. Throws {@link OutputClosed} when its reader has gone. */
  writeOutput(bytes: Uint8Array): Promise<void>;
  /** Writes text to standard error; a failure to do so is ignored. */
  writeError(text: string): void;
  /** Passes standard input through a filter to standard output. Throws as both of them do. */
  filterInput(filter: ByteFilter): Promise<void>;
}

/** Thrown when nobody reads standard output any more (`palyra … | head -1`). */
export class OutputClosed extends Error {}

/** The person's terminal. */
export interface Terminal {
  inputIsTerminal(): boolean;
  outputIsTerminal(): boolean;
  errorIsTerminal(): boolean;
  /** Asks without echo; `undefined` when the user gave up or there is no terminal. */
  readHidden(prompt: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

/** Directories that belong to palyra: mode 0700, owned by this user, not a link. */
export interface PrivateDirectories {
  /** Makes the directory and missing parents, then checks it as {@link check} does. */
  ensure(path: string): void;
  /**
   * `false` when there is certainly no such directory. Throws `denied` when it is a link, belongs
   * to someone else, or can be written by others.
   */
  check(path: string): boolean;
  /** Names of the entries; empty when there is no such directory. */
  list(path: string): string[];
  /** What is at a path, judged by nobody; `undefined` when there is certainly nothing. */
  inspect(path: string): FoundEntry | undefined;
}

/** An entry of a directory as it is. */
export interface FoundEntry {
  readonly kind: "file" | "directory" | "link" | "other";
  /** Permission bits; `undefined` where the system has none. */
  readonly mode: number | undefined;
  readonly owner: "self" | "root" | "other";
}

/** Small files in palyra's private directories: mode 0600, durable once a call returns. */
export interface PrivateFiles {
  /**
   * Reads a whole file; `undefined` when there is certainly none. Throws `denied` when it is not
   * a regular, owner-only file of this user with one link, `integrity` past `maxBytes`.
   */
  read(path: string, maxBytes: number): Uint8Array<ArrayBuffer> | undefined;
  /** Creates a file in one step; `false`, and nothing changed, when the path is taken. */
  create(path: string, bytes: Uint8Array): boolean;
  /** Replaces or creates a file in one step: a crash leaves the old bytes or the new. */
  replace(path: string, bytes: Uint8Array): void;
  /** Removes a file; one that is not there counts as removed. */
  remove(path: string): void;
  /** Removes a temporary file that a killed {@link replace} left; a living one's stays. */
  removeAbandoned(path: string): void;
}

/** Files that the user names on the command line. */
export interface UserFiles {
  /** Reads a file or pipe to its end; throws `usage` past `maxBytes` or when there is none. */
  read(path: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Whether there is a regular file that this user can open. */
  exists(path: string): boolean;
  /** Writes a file in one step, in place of what was there; of mode 0600 where none is named. */
  replace(path: string, bytes: Uint8Array, mode?: number): void;
  /** The same for several, by their paths: none takes its name before all are whole. */
  replaceAll(files: ReadonlyMap<string, Uint8Array>, mode: number): void;
  /** Adds to the end of a file, all or nothing; one that is not there is made with mode 0600. */
  append(path: string, bytes: Uint8Array): void;
}

/** Documents that people and other programs edit as well: `palyra.toml`. All calls are synchronous. */
export interface Documents {
  /**
   * Where a name leads through symbolic links; `undefined` when there is certainly nothing. Throws
   * `usage` for a link that leads nowhere.
   */
  realPath(path: string): string | undefined;
  /**
   * Reads a whole document; `undefined` when there is certainly none. Throws `usage` for what is
   * no regular file and past `maxBytes`.
   */
  read(path: string, maxBytes: number): Uint8Array<ArrayBuffer> | undefined;
  /**
   * Throws `denied` unless only this user (and root) could have put the document there: its owner,
   * mode, and every link and directory that leads to it.
   */
  requireOwn(path: string): void;
  /**
   * Throws before anything is written, where a document cannot be replaced: `denied` for a foreign
   * owner, another hard link, or a document without the owner's write bit; `usage` for what is no
   * regular file. Nothing at the path is fine.
   */
  requireReplaceable(realPath: string): void;
  /** Makes the directory of a document, with missing parents, each of mode 0700. */
  makeDirectory(path: string): void;
  /** A fresh name beside a document, for {@link stage}. */
  tempPath(realPath: string): string;
  /**
   * Writes the new document under a name beside the old one, with the old one's mode or 0600, after
   * what killed writers left there is removed. The result is held until the new document is in
   * place or discarded: it keeps others from removing it. Throws `precondition` when they just did.
   */
  stage(tempPath: string, bytes: Uint8Array, realPath: string): Disposable;
  /**
   * Writes a backup of the old text, with the old one's mode, that is not in its place yet. Throws
   * `usage` when one of the `count` places is taken by what is no file.
   */
  backUp(realPath: string, bytes: Uint8Array, count: number): Backup;
  /** Puts the staged document in place of the old one, in one durable step. */
  commit(tempPath: string, realPath: string): void;
  /**
   * Removes a staged document, which may be gone already, and whatever else killed writers left
   * beside it.
   */
  discard(tempPath: string): void;
}

/** A backup that was written; disposed of before it is kept, it is gone. */
export interface Backup extends Disposable {
  /** Puts it in place as `<path>.bak.1`; of the earlier ones `count - 1` move up by one. */
  keep(): void;
}

/** Advisory locks between processes (flock); the kernel frees those of a dead process. */
export interface Locks {
  /** Waits for the lock; throws `precondition` after `timeoutMs` milliseconds. */
  acquire(path: string, timeoutMs: number): Promise<Disposable>;
  /** The lock, or `undefined` at once when somebody holds it. */
  tryAcquire(path: string): Disposable | undefined;
}

/** What a column of a row can hold. Integers are numbers: none here passes 2^53. */
export type SqlValue = null | number | string | Uint8Array;

/** One row of a result, by column name. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** SQLite databases in palyra's private directories. */
export interface Databases {
  /**
   * Connects; `undefined` when there is certainly no such file. Throws `denied` for a link,
   * a foreign owner or an open mode, `unavailable` when it cannot be read, `integrity` when it
   * is no database.
   */
  open(path: string): Database | undefined;
  /**
   * Builds a database beside the path and moves it there when it is complete and durable.
   * Throws `precondition` when the path is taken. Callers hold a lock.
   */
  create(path: string, build: (database: Database) => Promise<void>): Promise<void>;
}

/** One connection. Failures are typed: locked `precondition`, damaged `integrity`, full `unavailable`. */
export interface Database extends Disposable {
  /** The first row, if any. */
  get(sql: string, ...parameters: SqlValue[]): SqlRow | undefined;
  /** All rows. */
  all(sql: string, ...parameters: SqlValue[]): SqlRow[];
  /** Runs one statement; the number of rows that it changed. */
  run(sql: string, ...parameters: SqlValue[]): number;
  /** Runs the reads of `body` on one snapshot. */
  read<T>(body: () => T): T;
  /**
   * Runs `body` as one durable write transaction (BEGIN IMMEDIATE); any error undoes it all.
   * The body starts no program, asks nobody, and waits for nothing but cryptography.
   */
  write<T>(body: () => T | Promise<T>): Promise<T>;
}

/** How palyra is started where nothing but its arguments is given. */
export interface OwnProgram {
  /** The program by absolute path, and what stands before palyra's own arguments. */
  readonly argv: readonly string[];
  /** Variables that it needs. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Other programs. */
export interface Processes {
  /**
   * The first program of this name in a PATH, by absolute path. Relative entries are passed over, and
   * so is what other users could have put there or changed.
   */
  find(name: string, path: string | undefined): string | undefined;
  /**
   * Throws `denied` where somebody else than this user and root could exchange a program, by its own
   * mode or that of a directory or link that leads to it; `unavailable` when it is not there.
   */
  requireSafe(program: string): void;
  /** Starts a program by absolute path, without a shell, and waits for its end. */
  run(request: ProcessRequest): Promise<ProcessResult>;
}

/** What to run, and within which bounds. */
export interface ProcessRequest {
  /** The program by absolute path, then its arguments; none of them a secret. */
  readonly argv: readonly [string, ...string[]];
  /** The whole environment of the program; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Its working directory; without it palyra's own. */
  readonly cwd?: string;
  /** Bytes for its standard input; without them it is closed. */
  readonly stdin?: Uint8Array;
  /** When the time is over the program and its process group are killed. */
  readonly timeoutMs: number;
  /** Most bytes that either of its streams may give before it is killed. */
  readonly maxBytes: number;
}

/** How a program ended. */
export interface ProcessResult {
  /** Its exit status, or 128 plus the number of the signal that ended it. */
  readonly status: number;
  readonly stdout: Uint8Array<ArrayBuffer>;
  /** To be classified, never quoted. */
  readonly stderr: Uint8Array<ArrayBuffer>;
  /** Why palyra ended it, if it did. */
  readonly failure: "timeout" | "too much output" | undefined;
}
