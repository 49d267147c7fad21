/**
 * Logical secrets: fields whose value a config may hold in up to three forms, inline, as
 * `<field>_vault_ref`, or as a table `<field>_secret_ref`; at most one of them at a time.
 */

import { PalyraError } from "../errors.ts";
import { type Field, fieldValue, formatField } from "./field.ts";
import { parseVaultRef } from "../vault/vault_ref.ts";
import { isTable, type TomlTable, type TomlValue } from "./toml_document.ts";

/** A form that a secret may have in a config. */
export type SecretForm = "inline" | "vault_ref" | "secret_ref";

/** The key suffixes of the forms that are references. */
export const REF_SUFFIXES: Readonly<Record<"vault_ref" | "secret_ref", string>> = {
  vault_ref: "_vault_ref",
  secret_ref: "_secret_ref",
};

/** A field that is known to be a secret. */
export interface KnownSecret {
  /** With `[]` where any entry of a list is meant. */
  readonly field: string;
  readonly forms: readonly SecretForm[];
}

/** The fields that consumers of the config know as secrets. */
export const KNOWN_SECRETS: readonly KnownSecret[] = [
  { field: "model_provider.openai_api_key", forms: ["inline", "secret_ref", "vault_ref"] },
  { field: "model_provider.anthropic_api_key", forms: ["inline", "secret_ref", "vault_ref"] },
  { field: "model_provider.providers[].api_key", forms: ["inline", "secret_ref", "vault_ref"] },
  { field: "tool_call.browser_service.auth_token", forms: ["inline", "secret_ref"] },
  { field: "tool_call.browser_service.state_key", forms: ["secret_ref", "vault_ref"] },
  { field: "admin.auth_token", forms: ["inline", "secret_ref"] },
  { field: "admin.connector_token", forms: ["inline", "secret_ref"] },
];

/** What a config holds of one logical secret. */
export interface HeldForm {
  readonly form: SecretForm;
  readonly value: TomlValue;
}

/** What is known of a field; `undefined` for one that palyra does not know. */
export function knownSecret(field: Field): KnownSecret | undefined {
  const general = generalForm(field);
  return KNOWN_SECRETS.find((known) => known.field === general);
}

/** The text of a field with `[]` in the place of every choice of an entry. */
export function generalForm(field: Field): string {
  return formatField(field.map((step) => typeof step === "string" ? step : 0))
    .replaceAll("[0]", "[]");
}

/** The field without the suffix of a reference: the logical secret that it belongs to. */
export function withoutSuffix(field: Field): Field {
  const last = field.at(-1);
  if (typeof last !== "string") return field;
  const suffix = Object.values(REF_SUFFIXES).find((one) =>
    last.endsWith(one) && last.length > one.length
  );
  return suffix === undefined ? field : [...field.slice(0, -1), last.slice(0, -suffix.length)];
}

/** The field of one form of a logical secret. Throws `usage` when it does not end with a key. */
export function fieldOfForm(field: Field, form: SecretForm): Field {
  const last = field.at(-1);
  if (typeof last !== "string") {
    throw new PalyraError(
      "usage",
      `Cannot bind ${formatField(field)}: an entry of a list is no field`,
    );
  }
  return form === "inline" ? field : [...field.slice(0, -1), last + REF_SUFFIXES[form]];
}

/**
 * The forms that a config holds. An inline text that is blank counts as absent, as consumers take
 * it.
 */
export function heldForms(table: TomlTable, field: Field): HeldForm[] {
  return (["inline", "vault_ref", "secret_ref"] as const).flatMap((form) => {
    const value = fieldValue(table, fieldOfForm(field, form));
    if (value === undefined || isBlank(value)) return [];
    return [{ form, value }];
  });
}

/** Whether a value says nothing: an empty or white text. */
export function isBlank(value: TomlValue): boolean {
  return typeof value === "string" && value.trim() === "";
}

/** Whether the last key of a field sounds like a secret, so that its text is better not shown. */
export function soundsSecret(key: string): boolean {
  return /(?:^|_)(?:(?:api|access|secret|private|state)_?keys?|tokens?|passwords?|passwd|passphrases?|secrets?|credentials?)$/i
    .test(key);
}

/**
 * A copy of a value for printing: inline secrets at any depth are replaced by `<redacted>`, and so is
 * what stands where a reference belongs and is none: it may be the secret itself.
 */
export function redacted(value: TomlValue, key: string): TomlValue {
  if (Array.isArray(value)) return value.map((entry) => redacted(entry, key));
  if (isTable(value)) {
    const copy: TomlTable = {};
    for (const [name, inner] of Object.entries(value)) {
      Object.defineProperty(copy, name, {
        value: redacted(inner, name),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return copy;
  }
  return (soundsSecret(key) && !isBlank(value)) || isMisplaced(value, key) ? "<redacted>" : value;
}

/** Whether a text stands where a reference belongs, and is none. */
export function isMisplaced(value: TomlValue, key: string): boolean {
  if (typeof value !== "string" || isBlank(value)) return false;
  if (key.endsWith(REF_SUFFIXES.secret_ref)) return true;
  if (!/(?:^|_)vault_ref$/.test(key)) return false;
  try {
    parseVaultRef(value);
    return false;
  } catch {
    return true;
  }
}
