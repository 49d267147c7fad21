/** What a config's references stand for, for those who resolve them: only a trusted config is asked. */

import { PalyraError } from "../errors.ts";
import type { VaultRef } from "../vault/vault_ref.ts";
import type { ExecTable, FileTable, SecretTable } from "./secret_table.ts";
import type { Config } from "./config.ts";
import { formatField, parseField } from "./field.ts";
import { heldForms, REF_SUFFIXES, withoutSuffix } from "./logical_secret.ts";
import { findReferences, type FoundReference, readReference } from "./references.ts";
import { readSettings } from "./settings.ts";

/** A reference of a config that can be resolved. */
export interface ConfigReference {
  /** The field without the suffix of its form. */
  readonly field: string;
  readonly source:
    | { readonly kind: "vault"; readonly ref: VaultRef }
    | { readonly kind: "env"; readonly variable: string }
    | ({ readonly kind: "file" } & FileTable)
    | ({ readonly kind: "exec" } & ExecTable);
  readonly required: boolean;
  readonly maxBytes: number | undefined;
}

/**
 * The reference that a field holds, in either form. Throws `not_found` when it holds none, `usage`
 * when it holds two forms, a value of its own, or no proper reference; `denied` for a variable that
 * is not on the list.
 */
export function referenceAt(config: Config, text: string): ConfigReference {
  const field = withoutSuffix(parseField(text));
  const name = formatField(field);
  const held = heldForms(config.table, field);
  const [first, second] = held;
  if (first === undefined) {
    throw new PalyraError(
      "not_found",
      `Cannot read config:${name}: ${config.location.path} holds no reference there`,
    );
  }
  if (second !== undefined) throw conflict(name, config);
  const { form, value } = first;
  if (form === "inline") {
    throw new PalyraError(
      "usage",
      `Cannot read config:${name}: the config holds no reference there, but a value`,
      {
        hint: "palyra secrets plan shows how it moves into the vault; palyra secrets apply does it",
      },
    );
  }
  return checked(config, { field, form, value });
}

/** Every reference of a config, in its order. Throws as {@link referenceAt} does. */
export function allReferences(config: Config): ConfigReference[] {
  return findReferences(config.table).map((found) => {
    if (heldForms(config.table, found.field).length > 1) {
      throw conflict(formatField(found.field), config);
    }
    return checked(config, found);
  });
}

function checked(config: Config, found: FoundReference): ConfigReference {
  const table = readReference(found);
  const { kind, ref, variable, required, maxBytes } = table;
  const field = formatField(found.field);
  if (kind === "vault") return { field, source: { kind, ref: ref! }, required, maxBytes };
  if (kind === "env") {
    requireAllowed(config, field, variable!);
    return { field, source: { kind, variable: variable! }, required, maxBytes };
  }
  const source = kind === "file"
    ? { kind, ...fileOf(config, `${field}${REF_SUFFIXES.secret_ref}`, table) }
    : { kind, ...table.exec! };
  return { field, source, required, maxBytes };
}

/** Paths from the root on: relative ones begin where the config really is. */
function fileOf(config: Config, name: string, { file }: SecretTable): FileTable {
  const { path, trustedDirs, ...rest } = file!;
  const absolute = (text: string): string => absolutePath(config, text, name);
  return { path: absolute(path), trustedDirs: trustedDirs.map(absolute), ...rest };
}

/** A path that `name` of a config names. Throws `usage` for one with a part `.` or `..`. */
export function absolutePath(
  { location: { path, realPath = path } }: Config,
  text: string,
  name: string,
): string {
  const directory = realPath.slice(
    0,
    Math.max(realPath.lastIndexOf("/"), realPath.lastIndexOf("\\")),
  );
  const absolute = /^(?:\/|[A-Za-z]:[\\/])/.test(text)
    ? text
    : text === "."
    ? directory || "/"
    : `${directory}/${text.replace(/^\.\//, "")}`;
  if (!hasDots(absolute)) return absolute;
  throw new PalyraError("usage", `Cannot use ${name}: a path has a part . or ..`);
}

function hasDots(path: string): boolean {
  return /(?:^|[\\/])\.{1,2}(?:[\\/]|$)/.test(path);
}

function requireAllowed(config: Config, field: string, variable: string): void {
  if (readSettings(config).allowEnv.includes(variable)) return;
  throw new PalyraError(
    "denied",
    `Cannot read ${field}${REF_SUFFIXES.secret_ref}: the variable ${variable} is not allowed`,
    { hint: `Add it to allow_env in the table [palyra] of ${config.location.path}` },
  );
}

function conflict(name: string, { location }: Config): PalyraError {
  return new PalyraError(
    "usage",
    `Cannot read config:${name}: ${location.path} holds it in two forms`,
    { hint: "Leave one of the inline value, _vault_ref and _secret_ref" },
  );
}

/** One reference that was found in a config, whatever stands beside it. Throws as {@link referenceAt} does. */
export function referenceOf(config: Config, found: FoundReference): ConfigReference {
  return checked(config, found);
}
