/** Many `configure apply` at once on one config and one vault, and how much they were at once. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type Ran, runPalyra } from "./crash_process.ts";
import { pathsBelow } from "./file_trees.ts";
import { tempRoot } from "./palyra.ts";

/** One entry of a manifest. */
export interface CrowdEntry {
  readonly field: string;
  readonly ref: string;
  readonly value: string;
}

/** A directory with a config and a state root, neither of them made yet. */
export interface CrowdPlace extends Disposable {
  readonly path: string;
  readonly state: string;
  readonly config: string;
}

/** What a crowd did. */
export interface CrowdReport {
  /** Runs that found the lock taken for too long, and were repeated. */
  readonly repeated: number;
  /** Pairs of runs that were alive at the same time. */
  readonly overlaps: number;
}

/** Makes one. */
export function openCrowdPlace(): CrowdPlace {
  const root = tempRoot();
  const path = Deno.realPathSync(root.path);
  const dispose = (): void => root[Symbol.dispose]();
  return { path, state: `${path}/state`, config: `${path}/palyra.toml`, [Symbol.dispose]: dispose };
}

/** Runs palyra on the place. */
export async function runIn(
  { state, config }: CrowdPlace,
  args: readonly string[],
  stdin?: string,
): Promise<Ran> {
  return await runPalyra(state, [...args, "--config", config], { stdin });
}

/** Runs palyra on the place; it must succeed. */
export async function succeedIn(
  place: CrowdPlace,
  args: readonly string[],
  stdin?: string,
): Promise<Ran> {
  const ran = await runIn(place, args, stdin);
  assert.equal(ran.status, 0, `palyra ${args.join(" ")}: ${ran.status} ${ran.err}`);
  return ran;
}

/**
 * Applies all manifests at once. Each must succeed; one that could not have the lock within its time
 * says so with exit 7, has changed nothing, and succeeds when it is repeated.
 */
export async function applyAtOnce(
  place: CrowdPlace,
  manifests: readonly (readonly CrowdEntry[])[],
): Promise<CrowdReport> {
  const commands = manifests.map((entries, at) => commandOf(place, entries, `m${at}.toml`));
  const runs = await Promise.all(commands.map(({ args, stdin }) => runIn(place, args, stdin)));
  let repeated = 0;
  for (const [at, { status, err }] of runs.entries()) {
    if (status === 0) continue;
    assert.equal(status, 7, `${at}: ${err}`);
    assert.match(err, /^palyra: Cannot lock /m);
    repeated++;
    await succeedIn(place, commands[at]!.args, commands[at]!.stdin);
  }
  const pairs = runs.flatMap((one, at) => runs.slice(at + 1).map((other) => [one, other] as const));
  const overlaps = pairs.filter(([a, b]) => a.from < b.to && b.from < a.to).length;
  return { repeated, overlaps };
}

/** Asserts that nothing is left of any run: no row, no file, no bad version. */
export async function assertNothingLeft(place: CrowdPlace): Promise<void> {
  const { out, err, status } = await runIn(place, ["vault", "check", "--strict", "--json"]);
  assert.equal(status, 0, out + err);
  using database = new DatabaseSync(`${place.state}/vault/vault.db`, { readOnly: true });
  for (const table of ["intents", "staged"]) {
    assert.equal(database.prepare(`SELECT count(*) n FROM ${table}`).get()!["n"], 0, table);
  }
  const strays = pathsBelow(place.path).filter((path) => /(?:^|\/)\.|journal|\.bak/.test(path));
  assert.deepEqual(strays, []);
}

/** Writes a manifest; every second value is in a file, the others on standard input. */
function commandOf(
  { path }: CrowdPlace,
  entries: readonly CrowdEntry[],
  name: string,
): { readonly args: readonly string[]; readonly stdin: string } {
  const given: Record<string, string> = {};
  const blocks = entries.map(({ field, ref, value }, at) => {
    const file = `${name}.${at}`;
    if (at % 2 === 0) given[ref] = value;
    else Deno.writeTextFileSync(`${path}/${file}`, `${value}\n`);
    const source = at % 2 === 0 ? `from_stdin = "${ref}"` : `from_file = "${file}"`;
    return `[[secret]]\nfield = ${JSON.stringify(field)}\nref = "${ref}"\n${source}\n`;
  });
  Deno.writeTextFileSync(`${path}/${name}`, ["version = 1", ...blocks].join("\n"));
  return {
    args: ["secrets", "configure", "apply", `${path}/${name}`, "--json"],
    stdin: JSON.stringify(given),
  };
}
