/** A config in a directory of its own beside a vault, and everything that a failing command must leave. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { assertRefused, type CliResult, type Machine } from "./cli_run.ts";
import { giveTo } from "./config_clone.ts";
import type { Mounts } from "./whole_machine.ts";

/** A config, and palyra run on it. */
export interface ConfigPlace {
  readonly machine: Machine;
  readonly directory: string;
  readonly config: string;
  run(command: Command): Promise<CliResult>;
  /** Runs a shell line, as root, where palyra runs. */
  shell(line: string): Promise<string>;
}

/** One command line, and its standard input. */
export interface Command {
  readonly args: readonly string[];
  readonly stdin?: string;
}

/** What a command is refused with. */
export interface Refusal {
  readonly status: number;
  readonly message: RegExp;
  /** Refused before the state root is touched, or made. */
  readonly early?: boolean;
}

/** The text of the config, of which the commands change some. */
export const TEXT = `# kept
[model_provider]
openai_api_key_vault_ref = "global/bound" # kept, too

[admin]
require_auth = false
`;

const CONFIGURE = ["secrets", "configure"];

/** Commands that write the config; those that also write the vault come first. */
export const WRITERS: readonly Command[] = [
  { args: [...CONFIGURE, "openai-api-key", "global/stored"], stdin: "another value" },
  { args: [...CONFIGURE, "admin-auth-token", "global/fresh"], stdin: "fresh value" },
  { args: [...CONFIGURE, "admin-auth-token", "global/made", "--generate", "--backups", "2"] },
  { args: [...CONFIGURE, "apply", "manifest.toml"], stdin: '{"one":"1","two":"2"}' },
  { args: [...CONFIGURE, "connector-token", "global/stored", "--no-value"] },
  { args: ["config", "set", "admin.require_auth", "true"] },
  { args: ["config", "unset", "admin.require_auth"] },
];

const MANIFEST = `version = 1
[[secret]]
field = "admin.auth_token"
ref = "global/stored"
from_stdin = "one"
[[secret]]
target = "connector-token"
ref = "global/fresh"
from_stdin = "two"
`;
/** A command that waits for ever is a failure, not a hanging suite. */
const GUARD = ["/usr/bin/timeout", "--signal=KILL", "60"];
const LOOK = `find "$0" -printf "%P %y %m %U %n %i %l\\n" | sort
find "$0" ! -type d -printf "%P %T@\\n" | sort
find "$0" -type f -exec sha256sum {} + | sort`;

/** Makes the config and two secrets; `configure` has run before, so that its lock is there. */
export async function makePlace(machine: Machine, mounts?: Mounts): Promise<ConfigPlace> {
  const directory = `${machine.directory}/place`;
  const config = `${directory}/palyra.toml`;
  Deno.mkdirSync(directory, { mode: 0o700 });
  Deno.writeTextFileSync(config, TEXT, { mode: 0o640 });
  Deno.writeTextFileSync(`${machine.home}/manifest.toml`, MANIFEST);
  giveTo(machine, directory, config);
  for (const name of ["bound", "stored"]) {
    await machine.succeed(["secrets", "set", `global/${name}`], { stdin: `value of ${name}` });
  }
  const bind = ["secrets", "configure", "openai-api-key", "global/bound", "--no-value"];
  await machine.succeed([...bind, "--config", config]);
  assert.equal(Deno.readTextFileSync(config), TEXT);
  return {
    machine,
    directory,
    config,
    run: ({ args, stdin }) => {
      const words = [...args, "--config", config];
      return mounts === undefined
        ? machine.run(words, { stdin, through: GUARD })
        : mounts.run(words, { stdin });
    },
    shell: async (line) => {
      const out = Deno.makeTempFileSync({ dir: machine.directory }); // a mount hides much from the test
      if (mounts === undefined) await shell(machine, `{ ${line}; } > ${out}`);
      else await mounts.shell(`{ ${line}; } > ${out}`);
      const text = Deno.readTextFileSync(out);
      Deno.removeSync(out);
      return text;
    },
  };
}

/** Everything below a path that a command may have touched: names, modes, owners, bytes, times. */
export async function lookAt(place: ConfigPlace, path = place.directory): Promise<string> {
  return await place.shell(`sh -c '${LOOK}' ${path}`);
}

/** All rows of all tables. */
export function rowsOf({ stateRoot }: Machine): Readonly<Record<string, readonly string[]>> {
  using database = new DatabaseSync(`${stateRoot}/vault/vault.db`, { readOnly: true });
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  return Object.fromEntries(tables.map(({ name }) => {
    const rows = database.prepare(`SELECT * FROM ${name}`).all();
    return [String(name), rows.map((row) => JSON.stringify(row, binaryAsText)).sort()];
  }));
}

/** What `configure` and `configure apply` print as JSON. */
export interface ConfigureJson {
  readonly changed: boolean;
  readonly secret: Readonly<Record<"created" | "changed", boolean> & { version: number }>;
  readonly config: { readonly path: string; readonly changed: boolean; readonly backup?: string };
  readonly items: readonly ConfigureJson[];
}

/** Runs a `configure` that must succeed. */
export async function configureJson(
  { run }: ConfigPlace,
  { args, ...input }: Command,
): Promise<ConfigureJson> {
  const { status, stdout, stderr } = await run({ args: [...args, "--json"], ...input });
  assert.equal(status, 0, `${args.join(" ")}: ${stderr}`);
  return JSON.parse(stdout);
}

/** Asserts that something changes no file below the state root or beside the config, not even a time. */
export async function assertUntouched<T>(
  place: ConfigPlace,
  what: string,
  body: () => Promise<T>,
): Promise<T> {
  const places = [place.directory, place.machine.stateRoot];
  const look = (): Promise<string[]> => Promise.all(places.map((path) => lookAt(place, path)));
  const before = await look();
  const result = await body();
  assert.deepEqual(await look(), before, what);
  return result;
}

/** Asserts that each command is refused, and leaves config and vault exactly as they were. */
export async function assertAllRefused(
  place: ConfigPlace,
  what: string,
  { status, message, early = false }: Refusal,
  commands: readonly Command[] = WRITERS,
): Promise<void> {
  const { machine } = place;
  const state = machine.stateRoot;
  for (const command of commands) {
    const label = `${what}: ${command.args.join(" ")}`;
    const [config, files, rows] = [
      await lookAt(place),
      await lookAt(place, state),
      rowsOf(machine),
    ];
    const result = await place.run(command);
    assertRefused(result, status, label);
    assert.match(result.stderr, message, label);
    assert.equal(await lookAt(place), config, label);
    if (early) assert.equal(await lookAt(place, state), files, label);
    assertSameRows(machine, rows, label);
  }
}

/** Asserts that no row of the vault has changed, and that nothing waits to be finished or undone. */
export function assertSameRows(
  machine: Machine,
  before: ReturnType<typeof rowsOf>,
  what: string,
): void {
  const after = rowsOf(machine);
  assert.deepEqual(after, before, what);
  assert.deepEqual([after["intents"], after["staged"]], [[], []], what);
}

async function shell({ directory }: Machine, line: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("/bin/sh", {
    args: ["-ec", line],
    cwd: directory,
  }).output();
  assert.ok(success, `${line}: ${new TextDecoder().decode(stderr)}`);
}

function binaryAsText(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? value.toHex() : value;
}
