/**
 * The password store of `pass`, read and scrubbed through the real program: how its entries are
 * encrypted, and for whom, is its own affair and gpg's.
 */

import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { equalBytes } from "../crypto/equal_bytes.ts";
import { PalyraError } from "../errors.ts";
import type { Platform, ProcessResult } from "../platform/platform.ts";
import type { LeftEntry, SourceEntries, SourceEntry } from "./entry.ts";

/** Where systems keep it; the user's PATH may name anybody's. */
const PLACES = "/usr/bin:/bin:/usr/local/bin:/opt/homebrew/bin:/opt/local/bin";
const TIMEOUT_MS = 20_000;
const MAX_BYTES = 1_048_576 + 2;
const MAX_DEPTH = 32;
const LINE_FEED = 0x0a;

/** How an entry of several lines is taken. */
export type PassLines = "first" | "all" | undefined;

/** A store that is there, and the program. */
export interface PassStore {
  readonly platform: Platform;
  /** Its directory. */
  readonly directory: string;
  readonly program: string;
}

/** Finds the program. Throws `unavailable` without it, `usage` where the directory is no store. */
export async function openPassStore(platform: Platform, directory: string): Promise<PassStore> {
  const program = platform.processes.find("pass", PLACES);
  if (program === undefined) {
    throw new PalyraError("unavailable", "Cannot import: there is no pass on this system");
  }
  const trees = await platform.trees();
  if (!trees.list(directory).some(({ name }) => name === ".gpg-id")) {
    throw new PalyraError("usage", `Cannot import: ${directory} is no password store`);
  }
  return { platform, directory, program };
}

/** Entries by their names, as `pass ls` shows them. Links and what begins with a dot are left out. */
export async function passNames({ platform, directory }: PassStore): Promise<string[]> {
  const trees = await platform.trees();
  const names: string[] = [];
  function walk(path: string, prefix: string, depth: number): void {
    for (const { name, kind } of trees.list(path)) {
      if (name.startsWith(".")) continue;
      if (kind === "directory" && depth < MAX_DEPTH) {
        walk(`${path}/${name}`, `${prefix}${name}/`, depth + 1);
      }
      if (kind === "file" && name.endsWith(".gpg")) names.push(prefix + name.slice(0, -4));
    }
  }
  walk(directory, "", 0);
  return names;
}

/** Reads entries. One of several lines is left, unless it is said how it is meant. */
export async function readPass(
  store: PassStore,
  names: readonly string[],
  { lines, progress }: {
    readonly lines: PassLines;
    readonly progress: (done: number, total: number) => void;
  },
): Promise<SourceEntries> {
  const entries: SourceEntry[] = [];
  const left: LeftEntry[] = [];
  const dispose = (): void => entries.forEach(({ value }) => value[Symbol.dispose]());
  try {
    for (const [at, key] of names.entries()) {
      using whole = await show(store, key);
      const bytes = whole.reveal();
      const end = bytes.indexOf(LINE_FEED);
      const isOne = end === -1 || end === bytes.length - 1;
      if (!isOne && lines === undefined) {
        left.push({ key, why: "it has several lines: --lines first or all says what is meant" });
      } else {
        const all = bytes.at(-1) === LINE_FEED ? bytes.length - 1 : bytes.length;
        const wanted = lines === "all" || end === -1 ? all : end;
        if (wanted === 0) left.push({ key, why: "it is empty" });
        else entries.push({ key, value: new SensitiveBytes(bytes.slice(0, wanted)) });
      }
      progress(at + 1, names.length);
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return { entries, left, [Symbol.dispose]: dispose };
}

/** Removes an entry that is still what was read, and of which nothing else would be lost. */
export async function removeFromPass(
  store: PassStore,
  { key, value }: SourceEntry,
): Promise<void> {
  using now = await show(store, key);
  const bytes = now.reveal();
  const content = bytes.at(-1) === LINE_FEED ? bytes.subarray(0, -1) : bytes;
  if (!equalBytes(content, value.reveal())) {
    throw new PalyraError(
      "precondition",
      `Cannot scrub ${key}: it has changed, or has lines that were not imported`,
      { hint: "What was imported is in the vault" },
    );
  }
  await run(store, ["rm", "--force", "--", key], `scrub ${key}`);
}

async function show(store: PassStore, key: string): Promise<SensitiveBytes> {
  return new SensitiveBytes((await run(store, ["show", "--", key], `read ${key}`)).stdout);
}

/** Runs it with nothing but what it and gpg need. gpg may not ask: nobody would see the question. */
async function run(
  { platform, directory, program }: PassStore,
  args: readonly string[],
  what: string,
): Promise<ProcessResult> {
  const kept = ["HOME", "GNUPGHOME"].flatMap((name) => {
    const value = platform.environment.get(name);
    return value === undefined || value === "" ? [] : [[name, value]];
  });
  const result = await platform.processes.run({
    argv: [program, ...args],
    env: {
      ...Object.fromEntries(kept),
      PATH: PLACES,
      LC_ALL: "C.UTF-8",
      PASSWORD_STORE_DIR: directory,
      PASSWORD_STORE_GPG_OPTS: "--pinentry-mode=error --no-tty",
    },
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_BYTES,
  });
  if (result.status === 0 && result.failure === undefined) return result;
  result.stdout.fill(0);
  const why = result.failure === "timeout"
    ? "pass does not answer"
    : result.failure === "too much output"
    ? "it is too large"
    : "pass could not do it: its key is locked, or not there";
  throw new PalyraError("unavailable", `Cannot ${what}: ${why}`, {
    hint: "pass show NAME unlocks the key for gpg; palyra lets gpg ask nobody",
  });
}
