/** Every reference in a config, wherever it stands, and which of them name a secret of the vault. */

import {
  formatSecretId,
  parseRefPattern,
  parseSecretId,
  type RefPattern,
  type SecretId,
  type VaultRef,
} from "../vault/vault_ref.ts";
import { type ClientSource, clientSource } from "./client_source.ts";
import { positionsByKey } from "./entry_index.ts";
import { type Field, formatField } from "./field.ts";
import { REF_SUFFIXES } from "./logical_secret.ts";
import { parseRefOf, parseSecretTable, type SecretTable } from "./secret_table.ts";
import { isTable, type TomlTable, type TomlValue } from "./toml_document.ts";

/** A reference where it stands. */
export interface FoundReference {
  /** The field without the suffix. */
  readonly field: Field;
  readonly form: "vault_ref" | "secret_ref";
  readonly value: TomlValue;
}

/** The key that tells the entries of a list apart, where they have one. */
const ENTRY_KEY = "provider_id";

/** All keys that end like a reference, at any depth, in the order of the document. */
export function findReferences(table: TomlTable): FoundReference[] {
  const found: FoundReference[] = [];
  function walk(value: TomlValue, field: Field): void {
    if (Array.isArray(value)) {
      value.forEach((entry, at) => walk(entry, [...field, stepTo(value, at)]));
      return;
    }
    if (!isTable(value)) return;
    for (const [key, inner] of Object.entries(value)) {
      const form = formOf(key);
      if (form === undefined) {
        walk(inner, [...field, key]);
      } else if (!(form === "vault_ref" && typeof inner === "string" && inner.trim() === "")) {
        const name = key.slice(0, -REF_SUFFIXES[form].length);
        found.push({ field: [...field, name], form, value: inner });
      }
    }
  }
  walk(table, []);
  return found;
}

/** A found reference, checked. Throws `usage` that names the field. */
export function readReference({ field, form, value }: FoundReference): SecretTable {
  const name = formatField(field) + REF_SUFFIXES[form];
  if (form === "secret_ref") return parseSecretTable(value, name);
  return {
    kind: "vault",
    ref: parseRefOf(value, name),
    variable: undefined,
    file: undefined,
    exec: undefined,
    required: true,
    maxBytes: undefined,
  };
}

/** The fields that name a secret, by its `<scope>/<name>`; what cannot be read names nothing. */
export function fieldsBySecret(table: TomlTable): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  for (const found of findReferences(table)) {
    const ref = vaultRefOf(found);
    if (ref !== undefined) add(fields, ref, formatField(found.field));
  }
  for (const { ref, field } of helperReferences(table)) add(fields, ref, field);
  for (const { pattern, field } of allowedPatterns(table)) {
    if (!pattern.isPrefix) add(fields, parseSecretId(pattern.text), field);
  }
  return fields;
}

/** The fields of a config that name this secret. */
export function fieldsThatName(table: TomlTable, id: SecretId): readonly string[] {
  return fieldsBySecret(table).get(formatSecretId(id)) ?? [];
}

function add(fields: Map<string, string[]>, ref: VaultRef, field: string): void {
  const id = formatSecretId(ref);
  const known = fields.get(id);
  if (known === undefined) fields.set(id, [field]);
  else if (!known.includes(field)) known.push(field);
}

/** The secret that a reference names; `undefined` for another source, and for what cannot be read. */
export function vaultRefOf(found: FoundReference): VaultRef | undefined {
  try {
    return readReference(found).ref;
  } catch {
    return vaultRefOfBroken(found);
  }
}

/** A table with a wrong key elsewhere still names its secret: to take it for nothing would lose it. */
function vaultRefOfBroken({ value }: FoundReference): VaultRef | undefined {
  try {
    return isTable(value) && value["kind"] === "vault"
      ? parseRefOf(value["vault_ref"] ?? "", "")
      : undefined;
  } catch {
    return undefined;
  }
}

/** A `[[helper.<protocol>.map]]`, and what it gives. */
export interface MapSource {
  readonly field: string;
  /** `undefined` for what is no reference. */
  readonly source: ClientSource | undefined;
}

/** References of maps to the vault; what is none is left out. */
export function helperReferences(table: TomlTable): { ref: VaultRef; field: string }[] {
  return mapSources(table).flatMap(({ source, field }) =>
    source?.kind === "vault" ? [{ ref: source.ref, field }] : []
  );
}

/** All `[[helper.<protocol>.map]]`, in their order. */
export function mapSources(table: TomlTable): MapSource[] {
  return helperTables(table).flatMap(({ protocol, settings }) => {
    const map = settings["map"];
    if (!Array.isArray(map)) return [];
    return map.flatMap((entry, at) => {
      if (!isTable(entry)) return [];
      const { ref } = entry;
      const source = typeof ref === "string" ? clientSource(ref) : undefined;
      return [{ source, field: formatField(["helper", protocol, "map", at]) }];
    });
  });
}

/** What `allow` of each `[helper.<protocol>]` names: secrets, and beginnings; what is none is left out. */
export function allowedPatterns(table: TomlTable): { pattern: RefPattern; field: string }[] {
  return helperTables(table).flatMap(({ protocol, settings }) => {
    const allow = settings["allow"];
    if (!Array.isArray(allow)) return [];
    return allow.flatMap((entry, at) => {
      const pattern = typeof entry === "string" ? parseRefPattern(entry) : undefined;
      return pattern === undefined
        ? []
        : [{ pattern, field: formatField(["helper", protocol, "allow", at]) }];
    });
  });
}

function helperTables(table: TomlTable): { protocol: string; settings: TomlTable }[] {
  const helper = Object.hasOwn(table, "helper") ? table["helper"] : undefined;
  if (!isTable(helper)) return [];
  return Object.entries(helper).flatMap(([protocol, settings]) =>
    isTable(settings) ? [{ protocol, settings }] : []
  );
}

/** The step to an entry of a list: by its `provider_id` where it alone has it, else by its position. */
export function stepTo(list: readonly TomlValue[], at: number): Field[number] {
  const id = idOf(list[at]!);
  const usable = typeof id === "string" && /^[^\]\p{Cc}]+$/u.test(id) &&
    positionsByKey(list, ENTRY_KEY).get(id)?.length === 1;
  return usable ? { key: ENTRY_KEY, equals: id } : at;
}

function idOf(entry: TomlValue): TomlValue | undefined {
  return isTable(entry) && Object.hasOwn(entry, ENTRY_KEY) ? entry[ENTRY_KEY] : undefined;
}

function formOf(key: string): FoundReference["form"] | undefined {
  for (const [form, suffix] of Object.entries(REF_SUFFIXES)) {
    if (key.endsWith(suffix) && key.length > suffix.length) return form as FoundReference["form"];
  }
  return undefined;
}
