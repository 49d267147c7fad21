/** Which secret a field of a config names now: how an interrupted `configure` is judged. */

import type { DocumentBindings, FieldBinding } from "../vault/vault.ts";
import { formatSecretId } from "../vault/vault_ref.ts";
import { textOf } from "./config.ts";
import { parseToml, type TomlTable } from "./toml_document.ts";
import { planBinding } from "./bind.ts";
import { type Field, parseField } from "./field.ts";
import { heldForms } from "./logical_secret.ts";
import { fieldsBySecret, vaultRefOf } from "./references.ts";

/**
 * Reads a config and tells which secret each field names. Throws `usage` when it is no TOML: what a
 * person has half written must not be taken for a decision.
 */
export function bindingsOf(
  bytes: Uint8Array<ArrayBuffer>,
  path: string,
): Promise<DocumentBindings> {
  const table = parseToml(textOf(bytes, path), path);
  return Promise.resolve({
    of: (text) => bindingOf(table, parseField(text)),
    names: (ref) => fieldsBySecret(table).has(ref),
  });
}

/** What a config says of one field. */
export function bindingOf(table: TomlTable, field: Field): FieldBinding {
  for (const { form, value } of heldForms(table, field)) {
    const found = form === "inline" ? undefined : vaultRefOf({ field, form, value });
    if (found === undefined) continue;
    return { ref: formatSecretId(found), exact: planBinding(table, field, found).length === 0 };
  }
  return { ref: undefined, exact: false };
}
