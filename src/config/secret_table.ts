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
  /** Whether the value must be there. */
  readonly required: boolean;
  /** Most bytes that the value may have; `undefined`: as many as the source allows. */
  readonly maxBytes: number | undefined;
}

const MAX_VAULT_REF = 512;
const MAX_VARIABLE = 256;
const MAX_PATH = 4_096;
const MAX_LABEL = 128;

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
      v.array(text(MAX_PATH), "it is no list"),
      v.minLength(1, "it is empty"),
    ),
    inherited_env: v.optional(v.array(variable, "it is no list"), []),
    cwd: v.optional(text(MAX_PATH)),
    exec_timeout_ms: v.optional(aboveZero),
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
  return {
    kind: output.kind,
    ref: output.kind === "vault" ? parseRefOf(output.vault_ref, `${field}.vault_ref`) : undefined,
    variable: output.kind === "env" ? output.variable : undefined,
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

function reasonOf({ type, expected, message }: v.BaseIssue<unknown>): string {
  // The library's own words quote what it was given; all others are this file's.
  if (type !== "strict_object") return message;
  return expected === "never" ? "there is no such key" : "it is missing";
}
