/** How a config is changed so that a field names a secret, and nothing else of it is touched. */

import { PalyraError } from "../errors.ts";
import { formatSecretId, type SecretId } from "../vault/vault_ref.ts";
import { type Field, fieldValue, formatField, pathOf } from "./field.ts";
import { knownSecret, REF_SUFFIXES } from "./logical_secret.ts";
import { isTable, type TomlTable, type TomlValue } from "./toml_document.ts";
import type { TomlEdit } from "./toml_meaning.ts";
import type { TomlPath } from "./toml_path.ts";

/**
 * The edits that bind a field: none when it names the secret already and in no other form. The inline
 * twin is replaced where it stands; every other form goes. Throws `not_found` for an entry of a list
 * that is not there, `usage` for a field that can hold no reference.
 */
export function planBinding(table: TomlTable, field: Field, id: SecretId): TomlEdit[] {
  const base = requirePlace(table, field);
  const found = valueOf(table, base);
  if (field[0] === "palyra" || isTable(found) || Array.isArray(found)) {
    throw new PalyraError(
      "usage",
      `Cannot bind ${formatField(field)}: it is no field for a secret`,
    );
  }
  const name = base.at(-1) as string;
  const parent = base.slice(0, -1);
  const vaultPath = [...parent, name + REF_SUFFIXES.vault_ref];
  const secretPath = [...parent, name + REF_SUFFIXES.secret_ref];
  const known = knownSecret(field)?.forms;
  const asVaultRef = known?.includes("vault_ref") ??
    valueOf(table, vaultPath) !== undefined;
  const target = asVaultRef ? vaultPath : secretPath;
  const others = [base, asVaultRef ? secretPath : vaultPath];
  const present = others.filter((path) => valueOf(table, path) !== undefined);
  const text = formatSecretId(id);
  const value: TomlValue = asVaultRef ? text : { kind: "vault", vault_ref: text };
  const bound = valueOf(table, target);
  if (bound === undefined) {
    const [first, ...rest] = present;
    const placed: TomlEdit = first === undefined
      ? { kind: "set", path: target, value }
      : { kind: "replace", path: first, name: target.at(-1) as string, value };
    return [placed, ...rest.map(removal)];
  }
  const blank = (path: TomlPath): boolean => String(valueOf(table, path)).trim() === "";
  const edits = asVaultRef ? renameText(bound, target, text) : redirect(bound, target, text);
  const gone = present.filter((path) => path !== base || edits.length > 0 || !blank(path));
  return [...edits, ...gone.map(removal)];
}

function renameText(found: TomlValue, path: TomlPath, text: string): TomlEdit[] {
  return found === text ? [] : [{ kind: "set", path, value: text }];
}

/** A table that already reads from the vault keeps its other keys. */
function redirect(found: TomlValue, path: TomlPath, text: string): TomlEdit[] {
  if (!isTable(found) || found["kind"] !== "vault") {
    const value = { kind: "vault", vault_ref: text };
    return [{ kind: "replace", path, name: path.at(-1) as string, value }];
  }
  return found["vault_ref"] === text
    ? []
    : [{ kind: "set", path: [...path, "vault_ref"], value: text }];
}

function removal(path: TomlPath): TomlEdit {
  return { kind: "remove", path };
}

/** Every entry of a list that the field chooses must be there: palyra cannot invent the rest of it. */
function requirePlace(table: TomlTable, field: Field): TomlPath {
  field.forEach((step, at) => {
    if (typeof step === "string") return;
    const chosen = field.slice(0, at + 1);
    if (isTable(fieldValue(table, chosen))) return;
    throw new PalyraError(
      "not_found",
      `Cannot bind ${formatField(field)}: there is no such entry`,
      {
        hint: `Add ${formatField(field.slice(0, at))} with this entry to the config first`,
      },
    );
  });
  const path = pathOf(table, field);
  if (path !== undefined && typeof path.at(-1) === "string") return path;
  throw new PalyraError("usage", `Cannot bind ${formatField(field)}: it is no field of a table`);
}

function valueOf(table: TomlTable, path: TomlPath): TomlValue | undefined {
  return fieldValue(table, path);
}
