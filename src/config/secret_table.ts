/** The tables `<field>_secret_ref`: where a value comes from and how it may be read. */

import * as v from "valibot";
import { PalyraError } from "../errors.ts";
import { parseVaultRef, type VaultRef } from "../vault/vault_ref.ts";
import type { TomlValue } from "./toml_document.ts";

/** A structured reference, checked. */
export interface SecretTable {
  readonly kind: "vault" | "env" | "file" | "exec";
  /** With `vault`. */
  readonly ref: VaultRef | undefined;
  /** With `env`. */
  readonly variable: string | undefined;
  /** With `file`: paths as they are written, absolute or relative to the config. */
  readonly file: FileTable | undefined;
  /** With `exec`. */
  readonly exec: ExecTable | undefined;
  /** Whether the value must be there. */
  readonly required: boolean;
  /** Most bytes that the value may have; `undefined`: as many as the source allows. */
  readonly maxBytes: number | undefined;
}

/** What a file source says. */
export interface FileTable {
  readonly path: string;
  readonly trustedDirs: readonly string[];
  readonly allowSymlinks: boolean;
  readonly raw: boolean;
}

/** What an exec source says. */
export interface ExecTable {
  /** The program by absolute path, and its arguments. */
  readonly command: readonly [string, ...string[]];
  readonly inheritedEnv: readonly string[];
  /** Absolute. */
  readonly cwd: string | undefined;
  /** Milliseconds. */
  readonly timeoutMs: number | undefined;
  readonly raw: boolean;
  /** What the program is asked for by its protocol. */
  readonly id: string | undefined;
}

const MAX_VAULT_REF = 512;
const MAX_VARIABLE = 256;
const MAX_PATH = 4_096;
const MAX_LABEL = 128;
const MAX_TIMEOUT_MS = 300_000;
/** What OpenClaw takes for an id. */
const EXEC_ID = /^(?!(?:.*\/)?\.{1,2}(?:\/|$))[A-Za-z0-9][A-Za-z0-9._:/#-]{0,255}$/;

const text = (most: number): v.GenericSchema<unknown, string> =>
  v.pipe(
    v.string("it is no text"),
    v.check((value) => value.trim() !== "", "it is blank"),
    v.maxLength(most, `it is longer than ${most} characters`),
    v.check((value) => !value.includes("\0"), "it holds a NUL"),
  );
const variable = v.pipe(
  text(MAX_VARIABLE),
  v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "it is no name of a variable"),
);
const aboveZero = v.pipe(
  v.bigint("it is no whole number"),
  v.minValue(1n, "it is not above 0"),
  v.maxValue(BigInt(Number.MAX_SAFE_INTEGER), "it is too large"),
  v.transform(Number),
);
const absolute = v.pipe(
  text(MAX_PATH),
  v.regex(/^(?:\/|[A-Za-z]:[\\/])/, "it is no absolute path"),
);
/** Variables that would make the program another one, or are palyra's own. */
const inherited = v.pipe(
  variable,
  v.check(
    (name) => !/^(?:IFS|BASH_ENV|ENV|NODE_OPTIONS|LD_.*|DYLD_.*|GIT_.*|PALYRA_.*)$/.test(name),
    "it is a variable that is never passed on",
  ),
);
const argument = v.pipe(
  v.string("it is no text"),
  v.maxLength(MAX_PATH, `it is longer than ${MAX_PATH} characters`),
  v.check((value) => !value.includes("\0"), "it holds a NUL"),
);
function isProgram(path: string): boolean {
  return /^(?:\/|[A-Za-z]:[\\/])/.test(path) && !/[\\/]\.{1,2}(?:[\\/]|$)/.test(path);
}
const bool = v.boolean("it is neither true nor false");

const COMMON = {
  required: v.optional(bool, true),
  refresh_policy: v.optional(
    v.picklist(["on_startup", "on_reload", "per_run", "per_use"], "it is no known policy"),
  ),
  snapshot_policy: v.optional(
    v.picklist(
      ["freeze_until_reload", "refresh_per_run", "refresh_per_use"],
      "it is no known policy",
    ),
  ),
  max_bytes: v.optional(aboveZero),
  redaction_label: v.optional(text(MAX_LABEL)),
  display_name: v.optional(text(MAX_LABEL)),
};

const SCHEMA = v.variant("kind", [
  v.strictObject({ kind: v.literal("vault"), vault_ref: text(MAX_VAULT_REF), ...COMMON }),
  v.strictObject({ kind: v.literal("env"), variable, ...COMMON }),
  v.strictObject({
    kind: v.literal("file"),
    path: text(MAX_PATH),
    trusted_dirs: v.pipe(
      v.array(text(MAX_PATH), "it is no list"),
      v.minLength(1, "it is empty"),
    ),
    allow_symlinks: v.optional(bool, false),
    raw: v.optional(bool, false),
    ...COMMON,
  }),
  v.strictObject({
    kind: v.literal("exec"),
    command: v.pipe(
      v.array(argument, "it is no list"),
      v.minLength(1, "it is empty"),
      v.check(([program]) => isProgram(program!), "its program is no absolute path, or has dots"),
      v.transform((command) => command as [string, ...string[]]),
    ),
    inherited_env: v.optional(v.array(inherited, "it is no list"), []),
    cwd: v.optional(absolute),
    exec_timeout_ms: v.optional(
      v.pipe(aboveZero, v.maxValue(MAX_TIMEOUT_MS, `it is more than ${MAX_TIMEOUT_MS}`)),
    ),
    protocol: v.optional(v.literal("openclaw", "it is not openclaw")),
    id: v.optional(
      v.pipe(v.string("it is no text"), v.regex(EXEC_ID, "it is no id of the exec protocol")),
    ),
    raw: v.optional(bool, false),
    ...COMMON,
  }),
], "it is none of vault, env, file, exec");

/**
 * Reads a `_secret_ref` table. Throws `usage` that names the field and the first key that is wrong,
 * never a value.
 */
export function parseSecretTable(value: TomlValue, field: string): SecretTable {
  const result = v.safeParse(SCHEMA, value, { abortEarly: true });
  if (!result.success) throw wrong(field, result.issues[0]);
  const { output } = result;
  if (output.kind === "exec" && (output.protocol === undefined) !== (output.id === undefined)) {
    throw new PalyraError("usage", `Cannot use ${field}: protocol and id belong together`);
  }
  return {
    kind: output.kind,
    ref: output.kind === "vault" ? parseRefOf(output.vault_ref, `${field}.vault_ref`) : undefined,
    variable: output.kind === "env" ? output.variable : undefined,
    file: output.kind !== "file" ? undefined : {
      path: output.path,
      trustedDirs: output.trusted_dirs,
      allowSymlinks: output.allow_symlinks,
      raw: output.raw,
    },
    exec: output.kind !== "exec" ? undefined : {
      command: output.command,
      inheritedEnv: output.inherited_env,
      cwd: output.cwd,
      timeoutMs: output.exec_timeout_ms,
      raw: output.raw,
      id: output.id,
    },
    required: output.required,
    maxBytes: output.max_bytes,
  };
}

/** Reads the text of a `_vault_ref`. Throws `usage` that names the field. */
export function parseRefOf(value: TomlValue, field: string): VaultRef {
  try {
    if (typeof value === "string") return parseVaultRef(value);
  } catch { /* the one error for both */ }
  throw new PalyraError("usage", `Cannot use ${field}: it is no reference to the vault`, {
    hint: 'A reference is SCOPE/NAME in quotes, for example "global/openai_api_key"',
  });
}

/** The error for a table that is not as its schema says: the key (also as a detail) and what it must be. */
export function wrong(field: string, issue: v.BaseIssue<unknown>): PalyraError {
  const key = v.getDotPath(issue);
  const where = key === null ? field : field === "" ? key : `${field}.${key}`;
  return new PalyraError("usage", `Cannot use ${where}: ${reasonOf(issue)}`, {
    ...(key === null ? {} : { details: { key } }),
  });
}

/** The first mistake of each key of a table, in the schema's order. */
export function everyMistake(
  field: string,
  schema: v.GenericSchema,
  value: unknown,
): readonly PalyraError[] {
  const { issues = [] } = v.safeParse(schema, value, { abortPipeEarly: true });
  return issues.map((issue) => wrong(field, issue));
}

function reasonOf({ type, expected, message }: v.BaseIssue<unknown>): string {
  // The library's own words quote what it was given; all others are this file's.
  if (type !== "strict_object") return message;
  if (expected === "Object") return "it is no table";
  return expected === "never" ? "there is no such key" : "it is missing";
}
