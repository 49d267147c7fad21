/** Compares a vault on disk with what it must hold, through the command line and the bare tables. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type KnownKeys, type KnownSecret, type KnownVault, NO_SECRET } from "./crash_model.ts";
import { mustRun } from "./crash_process.ts";
import { pathsBelow } from "./file_trees.ts";

/** What stands in a vault's tables; values are known to the command line only. */
interface Tables {
  /** Version numbers by reference, the newest first. */
  readonly versions: ReadonlyMap<string, readonly number[]>;
  readonly keys: KnownKeys;
}

/** Reads the tables; palyra must have run since the last kill, so that no hot journal is there. */
export function readTables(root: string): Tables {
  using database = new DatabaseSync(`${root}/vault/vault.db`, { readOnly: true });
  const rows = database.prepare("SELECT scope, name, version FROM versions ORDER BY version DESC");
  const versions = new Map<string, number[]>();
  for (const { scope, name, version } of rows.all()) {
    const ref = `${scope}/${name}`;
    versions.set(ref, [...versions.get(ref) ?? [], Number(version)]);
  }
  const one = (sql: string): number => Number(database.prepare(sql).get()?.["n"] ?? 0);
  return {
    versions,
    keys: {
      kek: one("SELECT generation n FROM blobs WHERE state = 'live'"),
      global: one("SELECT max(generation) n FROM scope_keys WHERE scope = 'global'"),
    },
  };
}

/**
 * Asserts that the vault holds what is known, and for each touched secret the one state or the
 * other; books which. With `whole`, every kept version of every secret is read, else those of the
 * touched ones and all current ones. Gives the references whose touching operation is in force.
 */
export async function auditSecrets(
  root: string,
  vault: KnownVault,
  touched: ReadonlyMap<string, KnownSecret> = new Map(),
  whole = false,
): Promise<Set<string>> {
  const { versions } = readTables(root);
  const committed = new Set<string>();
  for (const [ref, after] of touched) {
    const before = vault.secrets.get(ref) ?? NO_SECRET;
    const found = versions.get(ref) ?? [];
    const isAfter = equalNumbers(found, after);
    if (!isAfter && !equalNumbers(found, before)) {
      assert.fail(`${ref}: versions ${found}, not ${numbersOf(before)} or ${numbersOf(after)}`);
    }
    if (isAfter && !equalNumbers(numbersOf(before), after)) committed.add(ref);
    vault.secrets.set(ref, isAfter ? after : before);
  }
  const expected: [string, string][] = [];
  for (const [ref, { kept }] of vault.secrets) {
    assert.deepEqual(versions.get(ref) ?? [], kept.map(({ version }) => version), ref);
    if (kept.length > 0) expected.push([ref, kept[0]!.value]);
    if (!whole && !touched.has(ref)) continue;
    for (const { version, value } of kept) expected.push([`${ref}#${version}`, value]);
  }
  const known = [...vault.secrets].filter(([, { kept }]) => kept.length > 0).map(([ref]) => ref);
  assert.deepEqual([...versions.keys()].sort(), known.sort(), "secrets in the vault");
  await assertResolves(root, expected);
  return committed;
}

/** Asserts the values of references, all read by one process. */
export async function assertResolves(
  root: string,
  expected: readonly (readonly [string, string])[],
): Promise<void> {
  if (expected.length === 0) return;
  const { out } = await mustRun(root, ["resolve", "--json", ...expected.map(([ref]) => ref)]);
  const { values } = JSON.parse(out);
  for (const [ref, value] of expected) {
    if (values[ref] === value) continue;
    assert.fail(`${ref} is ${brief(values[ref])}, not ${brief(value)}`);
  }
}

/** Asserts that nothing of killed writers is left; a command that writes must have run since. */
export async function assertNothingLeft(root: string): Promise<void> {
  const { out } = await mustRun(root, ["vault", "check", "--strict", "--json"]);
  const { bad, leftovers } = JSON.parse(out);
  assert.deepEqual({ bad, leftovers }, { bad: [], leftovers: 0 });
  assert.deepEqual(strayFiles(root), []);
}

/** Journals and temporary files below a state root. */
export function strayFiles(root: string): string[] {
  return pathsBelow(root).filter((path) => /(?:^|\/)\.|\.tmp|-journal$|-wal$|-shm$/.test(path));
}

function numbersOf({ kept }: KnownSecret): number[] {
  return kept.map(({ version }) => version);
}

function equalNumbers(found: readonly number[], secret: KnownSecret): boolean {
  return found.join() === numbersOf(secret).join();
}

function brief(value: unknown): string {
  const text = String(value);
  return text.length > 60 ? `${text.slice(0, 60)}… (${text.length})` : text;
}
