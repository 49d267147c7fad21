/** palyra's own settings: the table `[palyra]` of the config. */

import * as v from "valibot";
import { type BackendPreference, parsePreference } from "../vault/backend.ts";
import type { PalyraError } from "../errors.ts";
import type { Config } from "./config.ts";
import { everyMistake, wrong } from "./secret_table.ts";
import type { TomlTable } from "./toml_document.ts";

/** What `[palyra]` says; what it leaves out is `undefined` or empty. */
export interface Settings {
  /** Versions that are kept of each secret, 1 to 1,000. */
  readonly keepVersions: number | undefined;
  /** Environment variables that references of the config may read. */
  readonly allowEnv: readonly string[];
  readonly backend: BackendPreference | undefined;
}

const MAX_KEPT = 1_000n;

const SCHEMA = v.strictObject({
  keep_versions: v.optional(v.pipe(
    v.bigint("it is no whole number"),
    v.minValue(1n, "it is less than 1"),
    v.maxValue(MAX_KEPT, `it is more than ${MAX_KEPT}`),
    v.transform(Number),
  )),
  allow_env: v.optional(
    v.array(
      v.pipe(
        v.string("it is no text"),
        v.regex(/^[A-Za-z_][A-Za-z0-9_]{0,255}$/, "it is no name of a variable"),
      ),
      "it is no list",
    ),
    [],
  ),
  backend: v.optional(v.string("it is no text")),
});

/** Everything that keeps the settings from being read, but what only {@link readSettings} sees. */
export function mistakesOfSettings({ table }: Pick<Config, "table">): readonly PalyraError[] {
  return everyMistake("palyra", SCHEMA, valueIn(table));
}

function valueIn(table: TomlTable): unknown {
  return Object.hasOwn(table, "palyra") ? table["palyra"] : {};
}

/** Reads the settings. Throws `usage` for an unknown or wrong one. */
export function readSettings({ table }: Pick<Config, "table">): Settings {
  const value = valueIn(table);
  const result = v.safeParse(SCHEMA, value, { abortEarly: true });
  if (!result.success) throw wrong("palyra", result.issues[0]);
  const { keep_versions, allow_env, backend } = result.output;
  return {
    keepVersions: keep_versions,
    allowEnv: allow_env,
    backend: backend === undefined ? undefined : parsePreference(backend, "palyra.backend"),
  };
}
