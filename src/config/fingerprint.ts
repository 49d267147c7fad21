/**
 * Fingerprints of references: short names by which the same reference is known again in another
 * report. They are made of what the config says, never of a value.
 */

import { sha256Hex } from "../crypto/digest.ts";
import { encodeUtf8 } from "../crypto/encoding.ts";
import { formatVaultRef } from "../vault/vault_ref.ts";
import { type FoundReference, readReference } from "./references.ts";
import { isTable, type TomlValue } from "./toml_document.ts";

const DOMAIN = "palyra.secret_ref.v1";
const LENGTH = 16;
/** What a `_vault_ref` stands for, as the original takes it. */
const VAULT_REF_MAX_BYTES = 65_536;

/**
 * 16 hexadecimal digits. Equal to what the original Palyra computes, for every reference that it can
 * read. Throws `usage` for what is no proper reference.
 */
export async function fingerprintOf(found: FoundReference): Promise<string> {
  const { kind, ref } = readReference(found); // refuses what is wrong
  const fields = found.form === "vault_ref"
    ? { kind, vault_ref: formatVaultRef(ref!), ...policies({}), max_bytes: VAULT_REF_MAX_BYTES }
    : ofTable(found.value);
  const digest = await sha256Hex(encodeUtf8(DOMAIN + JSON.stringify(fields)));
  return digest.slice(0, LENGTH);
}

function ofTable(value: TomlValue): Record<string, unknown> {
  const table = isTable(value) ? value : {};
  return {
    kind: table["kind"],
    ...sourceOf(table),
    ...policies(table),
    ...optional(table, ["max_bytes", "exec_timeout_ms", "redaction_label", "display_name"]),
  };
}

/** The fields of each kind in the order in which they are hashed. `raw` is ours, and only told when set. */
function sourceOf(table: Readonly<Record<string, TomlValue>>): Record<string, unknown> {
  const raw = table["raw"] === true ? { raw: true } : {};
  switch (table["kind"]) {
    case "vault":
      return { vault_ref: table["vault_ref"] };
    case "env":
      return { variable: table["variable"] };
    case "file":
      return {
        path: table["path"],
        trusted_dirs: table["trusted_dirs"],
        allow_symlinks: table["allow_symlinks"] ?? false,
        ...raw,
      };
    default:
      return {
        command: table["command"],
        inherited_env: table["inherited_env"] ?? [],
        ...optional(table, ["cwd", "protocol", "id"]),
        ...raw,
      };
  }
}

function policies(table: Readonly<Record<string, TomlValue>>): Record<string, unknown> {
  return {
    required: table["required"] ?? true,
    refresh_policy: table["refresh_policy"] ?? "on_startup",
    snapshot_policy: table["snapshot_policy"] ?? "freeze_until_reload",
  };
}

function optional(
  table: Readonly<Record<string, TomlValue>>,
  keys: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(keys.flatMap((key) => {
    const value = table[key];
    if (value === undefined) return [];
    return [[key, typeof value === "bigint" ? Number(value) : value]];
  }));
}
