/** What a config's references stand for, for those who resolve them: only a trusted config is asked. */

import { PalyraError } from "../errors.ts";
import type { VaultRef } from "../vault/vault_ref.ts";
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
    | { readonly kind: "env"; readonly variable: string };
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
      { hint: "palyra secrets configure moves it into the vault" },
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
  const { kind, ref, variable, required, maxBytes } = readReference(found);
  const field = formatField(found.field);
  if (kind === "vault") return { field, source: { kind, ref: ref! }, required, maxBytes };
  if (kind === "env") {
    requireAllowed(config, field, variable!);
    return { field, source: { kind, variable: variable! }, required, maxBytes };
  }
  throw new PalyraError(
    "unavailable",
    `Cannot read ${field}${REF_SUFFIXES.secret_ref}: this version reads no ${kind} sources`,
  );
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
