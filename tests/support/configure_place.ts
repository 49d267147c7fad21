/** A vault and the config that names its secrets, with the books on both, for tests that kill. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { parse } from "smol-toml";
import { type Ran, type RunOptions, runPalyra } from "./crash_process.ts";
import { pathsBelow } from "./file_trees.ts";
import { tempRoot } from "./palyra.ts";

/** How palyra comes to the config: its user names it, or it is searched for, and trusted. */
export type Origin = "named" | "searched";

/** What a secret holds now; numbers stay when a secret goes. */
export interface Held {
  readonly value: string | undefined;
  readonly last: number;
}

/** A directory with a config, and a state root in it. */
export interface Place extends Disposable {
  readonly path: string;
  readonly state: string;
  readonly config: string;
  readonly origin: Origin;
  /** Which secret each field names. */
  fields: Map<string, string>;
  readonly secrets: Map<string, Held>;
  /** Generations of the vault key, and of the key of the scope `global`. */
  readonly keys: { kek: number; global: number };
}

/** Fields that a manifest binds. */
export const FIELDS: readonly string[] = [
  "model_provider.openai_api_key",
  "admin.auth_token",
  ...Array.from({ length: 18 }, (_, at) => `services.s${at}.token`),
];

/** What an editor changes, and nothing else. */
export const MARK = /^saved = (\d+)$/m;

/** The text that a person has written. */
const FIRST_TEXT = `[editor]\nsaved = 0\n\n[services.s0]\nurl = "https://example.org/"\n`;
const TEMP_FILE = /\/\.palyra\.toml\.palyra-|\/\.[0-9a-f-]{36}\.tmp/;
const NO_SECRET: Held = { value: undefined, last: 0 };

/** Makes one; every second field is bound to a secret of its own. */
export async function openPlace(origin: Origin): Promise<Place> {
  const root = tempRoot();
  const path = Deno.realPathSync(root.path);
  const place: Place = {
    path,
    state: `${path}/state`,
    config: `${path}/palyra.toml`,
    origin,
    fields: new Map(),
    secrets: new Map(),
    keys: { kek: 1, global: 1 },
    [Symbol.dispose]: () => root[Symbol.dispose](),
  };
  Deno.writeTextFileSync(place.config, FIRST_TEXT);
  await succeed(place, ["init"]);
  if (origin === "searched") await succeed(place, ["config", "trust"]);
  const bound = FIELDS.filter((_, at) => at % 2 === 0);
  // Both scopes are there from the beginning, so that like commands make like system calls.
  const entries = bound.map((field, at) => {
    const scope = at === 0 ? "skill:configured" : "global";
    return { field, ref: `${scope}/first_${at}`, value: `first ${at}` };
  });
  const { args, stdin } = manifestOf(place, entries);
  await succeed(place, args, { stdin });
  for (const { field, ref, value } of entries) {
    place.fields.set(field, ref);
    place.secrets.set(ref, { value, last: 1 });
  }
  assert.deepEqual(namesIn(textOf(place)!), place.fields);
  return place;
}

/** What is known of a secret. */
export function heldBy({ secrets }: Place, ref: string): Held {
  return secrets.get(ref) ?? NO_SECRET;
}

/** Runs palyra on the place's config and vault. */
export async function run(
  { path, state, config, origin }: Place,
  args: readonly string[],
  { through = [], ...options }: RunOptions = {},
): Promise<Ran> {
  if (origin === "named") {
    return await runPalyra(state, [...args, "--config", config], { through, ...options });
  }
  const inPlace = ["/usr/bin/env", "-C", path];
  return await runPalyra(state, args, { through: [...through, ...inPlace], ...options });
}

/** Runs palyra and throws unless it exits 0. */
export async function succeed(
  place: Place,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const ran = await run(place, args, options);
  assert.equal(ran.status, 0, `palyra ${args.join(" ")}: ${ran.status} ${ran.err}`);
  return ran;
}

/** One entry of a manifest; without a value the field is only bound. */
export interface Entry {
  readonly field: string;
  readonly ref: string;
  readonly value: string | undefined;
}

/** Writes a manifest and tells how to apply it. */
export function manifestOf(
  { path }: Place,
  entries: readonly Entry[],
  name = "manifest.toml",
): { readonly args: readonly string[]; readonly stdin: string } {
  const blocks = entries.map(({ field, ref, value }) =>
    [
      "[[secret]]",
      `field = ${JSON.stringify(field)}`,
      `ref = ${JSON.stringify(ref)}`,
      ...(value === undefined ? [] : [`from_stdin = ${JSON.stringify(ref)}`]),
    ].join("\n")
  );
  const manifest = `${path}/${name}`;
  Deno.writeTextFileSync(manifest, ["version = 1", ...blocks].join("\n\n") + "\n");
  const given = entries.flatMap(({ ref, value }) => value === undefined ? [] : [[ref, value]]);
  return {
    args: ["secrets", "configure", "apply", manifest, "--json"],
    stdin: JSON.stringify(Object.fromEntries(given)),
  };
}

/** The config as it is on disk; `undefined` when it is not there. */
export function textOf({ config }: Place): string | undefined {
  try {
    return Deno.readTextFileSync(config);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Which secret each field of a text names, read by another parser's eyes than palyra's. */
export function namesIn(text: string): Map<string, string> {
  const names = new Map<string, string>();
  const visit = (table: object, path: string): void => {
    for (const [key, value] of Object.entries(table)) {
      const field = `${path}${key}`;
      if (key.endsWith("_vault_ref")) names.set(field.slice(0, -"_vault_ref".length), value);
      else if (key.endsWith("_secret_ref")) {
        names.set(field.slice(0, -"_secret_ref".length), value["vault_ref"]);
      } else if (typeof value === "object") visit(value, `${field}.`);
    }
  };
  visit(parse(text), "");
  return new Map([...names].sort(([a], [b]) => FIELDS.indexOf(a) - FIELDS.indexOf(b)));
}

/** What the tables say; palyra must have run since the last kill. */
export interface Tables {
  /** The highest version by reference. */
  readonly last: ReadonlyMap<string, number>;
  readonly intents: number;
  readonly staged: number;
  readonly blobs: number;
  readonly keys: Place["keys"];
}

/** Reads the tables. */
export function tablesOf({ state }: Place): Tables {
  using database = new DatabaseSync(`${state}/vault/vault.db`, { readOnly: true });
  const one = (select: string): number => Number(database.prepare(`SELECT ${select}`).get()!["n"]);
  const rows = database.prepare("SELECT scope, name, max(version) v FROM versions GROUP BY 1, 2");
  const last = rows.all().map(({ scope, name, v }) => [`${scope}/${name}`, Number(v)] as const);
  return {
    last: new Map(last),
    intents: one("count(*) n FROM intents"),
    staged: one("count(*) n FROM staged"),
    blobs: one("count(*) n FROM blobs"),
    keys: {
      kek: one("max(generation) n FROM blobs WHERE state = 'live'"),
      global: one("max(generation) n FROM scope_keys WHERE scope = 'global'"),
    },
  };
}

/** Temporary files, beside the config and below the state root. */
export function tempFilesOf({ path }: Place): string[] {
  return pathsBelow(path).filter((name) => TEMP_FILE.test(`/${name}`));
}
