/** The manifest of `configure apply`: many secrets and the fields that are to name them. */

import * as v from "valibot";
import { decodeUtf8 } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import { formatSecretId, parseSecretId, type SecretId } from "../vault/vault_ref.ts";
import { inEntry, namedFor } from "./entry.ts";
import { type Field, formatField, parseField } from "./field.ts";
import { withoutSuffix } from "./logical_secret.ts";
import { wrong } from "./secret_table.ts";
import { fieldOfTarget } from "./target.ts";
import { parseToml, type TomlTable } from "./toml_document.ts";

/** One entry of a manifest. */
export interface ManifestEntry {
  /** From 1, as errors name it. */
  readonly number: number;
  readonly target: string | undefined;
  readonly field: Field;
  readonly id: SecretId;
  /** Path as written, relative to the manifest. */
  readonly fromFile: string | undefined;
  /** Key of the JSON object on standard input. */
  readonly fromStdin: string | undefined;
  /** Random bytes to make a value from. */
  readonly generate: number | undefined;
  readonly raw: boolean;
  readonly ifAbsent: boolean;
  /** As written, for example `30d`. */
  readonly expiresIn: string | undefined;
}

/** Most bytes of a manifest. */
export const MAX_MANIFEST_BYTES = 1_048_576;

const MAX_ENTRIES = 10_000;
const BYTES_BOUNDS = [8n, 65_536n] as const;
const text = v.pipe(v.string("it is no text"), v.minLength(1, "it is empty"));
const bool = v.boolean("it is neither true nor false");

const ENTRY = v.strictObject({
  target: v.optional(text),
  field: v.optional(text),
  ref: text,
  from_file: v.optional(text),
  from_stdin: v.optional(text),
  generate: v.optional(v.pipe(
    v.bigint("it is no whole number"),
    v.minValue(BYTES_BOUNDS[0], `it is less than ${BYTES_BOUNDS[0]}`),
    v.maxValue(BYTES_BOUNDS[1], `it is more than ${BYTES_BOUNDS[1]}`),
    v.transform(Number),
  )),
  raw: v.optional(bool, false),
  if_absent: v.optional(bool, false),
  expires_in: v.optional(text),
});

const MANIFEST = v.strictObject({
  version: v.literal(1n, "it is not 1"),
  secret: v.pipe(
    v.array(v.unknown(), "it is no list of tables"),
    v.minLength(1, "it has no entry"),
    v.maxLength(MAX_ENTRIES, `it has more than ${MAX_ENTRIES} entries`),
  ),
});

/** Reads a manifest. Throws `usage` that names the entry by its number, and never a value. */
export function parseManifest(bytes: Uint8Array, path: string): ManifestEntry[] {
  const result = v.safeParse(MANIFEST, tableOf(bytes, path), { abortEarly: true });
  if (!result.success) throw wrong("", result.issues[0]);
  const entries = result.output.secret.map((entry, at) =>
    inEntry(at + 1, () => parseEntry(entry, at + 1))
  );
  requireDistinct(entries);
  return entries;
}

function tableOf(bytes: Uint8Array, path: string): TomlTable {
  const content = decodeUtf8(bytes);
  if (content === undefined) {
    throw new PalyraError("usage", `Cannot read ${path}: it is not valid UTF-8`);
  }
  return parseToml(content, path);
}

function parseEntry(value: unknown, number: number): ManifestEntry {
  const result = v.safeParse(ENTRY, value, { abortEarly: true });
  if (!result.success) throw wrong("", result.issues[0]);
  const { target, field, ref, from_file, from_stdin, generate, raw, if_absent, expires_in } =
    result.output;
  if ((target === undefined) === (field === undefined)) {
    throw new PalyraError("usage", "Cannot tell the field: give exactly one of target and field");
  }
  const sources = [from_file, from_stdin, generate].filter((source) => source !== undefined);
  if (sources.length > 1) {
    throw new PalyraError(
      "usage",
      "Cannot read the value: give at most one of from_file, from_stdin, generate",
    );
  }
  if (sources.length === 0 && (if_absent || expires_in !== undefined)) {
    throw new PalyraError("usage", "Cannot use if_absent or expires_in: the entry has no value");
  }
  if (raw && from_file === undefined && from_stdin === undefined) {
    throw new PalyraError("usage", "Cannot use raw: it goes with from_file or from_stdin");
  }
  return {
    number,
    target,
    field: target === undefined ? withoutSuffix(parseField(field!)) : fieldOfTarget(target),
    id: parseSecretId(ref),
    fromFile: from_file,
    fromStdin: from_stdin,
    generate,
    raw,
    ifAbsent: if_absent,
    expiresIn: expires_in,
  };
}

/** A field names one secret, and a secret gets one value. */
function requireDistinct(entries: readonly ManifestEntry[]): void {
  const fields = new Map<string, number>();
  const valued = new Map<string, number>();
  for (const { number, field, id, fromFile, fromStdin, generate } of entries) {
    const twin = fields.get(formatField(field));
    if (twin !== undefined) {
      throw namedFor(number, new PalyraError("usage", `Its field is that of entry ${twin}`));
    }
    fields.set(formatField(field), number);
    if (fromFile === undefined && fromStdin === undefined && generate === undefined) continue;
    const other = valued.get(formatSecretId(id));
    if (other !== undefined) {
      throw namedFor(
        number,
        new PalyraError("usage", `Its secret gets a value from entry ${other} already`),
      );
    }
    valued.set(formatSecretId(id), number);
  }
}
