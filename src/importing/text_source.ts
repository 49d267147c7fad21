/** Files of assignments or JSON: their entries, and the same file with references in it. */

import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import { type Dialect, parseAgreed, parseDotenv } from "./dotenv.ts";
import type { LeftEntry, NamedEntry, Place, SourceEntries, SourceEntry } from "./entry.ts";
import { jsonLeaves } from "./json.ts";
import { MAX_BYTES, type SourceText, withReferences } from "./scrub_text.ts";

/** What kind of file it is. */
export type TextKind =
  | { readonly from: "dotenv"; readonly dialect: Dialect | undefined }
  | { readonly from: "json" };

/** Names of variables that a scrubbed file may hold. docker takes others, too. */
const READABLE = /^[A-Za-z_][\w.-]*$/;

/** Reads a file that may be scrubbed later. Throws `usage` for what is no text. */
export async function readSourceText(platform: Platform, path: string): Promise<SourceText> {
  const documents = await platform.documents();
  const realPath = documents.realPath(path);
  const bytes = realPath === undefined ? undefined : documents.read(realPath, MAX_BYTES);
  if (realPath === undefined || bytes === undefined) {
    throw new PalyraError("usage", `Cannot read ${path}: no such file or directory`);
  }
  const text = decodeUtf8(bytes);
  if (text !== undefined) return { path, realPath, bytes, text };
  throw new PalyraError("usage", `Cannot read ${path}: it is not valid UTF-8`);
}

/** The entries of a text; references, empty values and what is no text are left. */
export function entriesOfText(text: string, kind: TextKind): SourceEntries {
  const entries: SourceEntry[] = [];
  const left: LeftEntry[] = [];
  for (const { key, value, place } of valuesOf(text, kind)) {
    const why = value === undefined
      ? whyNoValue(kind)
      : value === ""
      ? "it is empty"
      : value.startsWith("vault://")
      ? "it is a reference already"
      : value.isWellFormed()
      ? undefined
      : "it is not valid Unicode";
    if (why !== undefined) left.push({ key, why });
    else entries.push({ key, value: new SensitiveBytes(encodeUtf8(value!)), place });
  }
  const dispose = (): void => entries.forEach(({ value }) => value[Symbol.dispose]());
  return { entries, left, [Symbol.dispose]: dispose };
}

function whyNoValue(kind: TextKind): string {
  if (kind.from === "json") return "it is no text";
  return kind.dialect === "docker"
    ? "docker takes it from its own environment"
    : "it depends on other variables, or on a command";
}

/**
 * The text with references in it. It is read again: what was imported is a reference now, everything
 * else is as before. Throws `internal` otherwise, and `usage` for a name that `run` could not read there.
 */
export function scrubbedText(
  source: SourceText,
  kind: TextKind,
  entries: readonly NamedEntry[],
): string {
  const odd = entries.find(({ key }) => kind.from === "dotenv" && !READABLE.test(key));
  if (odd !== undefined) {
    throw new PalyraError(
      "usage",
      `Cannot scrub ${odd.key}: palyra run --env-file reads no such name`,
      {
        hint: "Name those that are wanted after the file",
      },
    );
  }
  const text = withReferences(source, entries);
  const imported = new Set(entries.map(({ key }) => key));
  const before = valuesOf(source.text, kind);
  const after = valuesOf(text, kind);
  const isSame = before.length === after.length && before.every(({ key, value }, at) => {
    const now = after[at]!;
    const expected = imported.has(key) ? now.value?.startsWith("vault://") : now.value === value;
    return now.key === key && expected === true;
  });
  if (isSame) return text;
  throw new PalyraError(
    "internal",
    `Cannot scrub ${source.path}: it would not read back as meant`,
  );
}

interface Value {
  readonly key: string;
  readonly value: string | undefined;
  readonly place: Place;
}

function valuesOf(text: string, kind: TextKind): Value[] {
  if (kind.from === "json") {
    return jsonLeaves(text).map(({ key, text: value, range }) => {
      return { key, value, place: { range, around: ['"', '"'] } }; // a reference has nothing to escape
    });
  }
  return kind.dialect === undefined ? parseAgreed(text) : parseDotenv(text, kind.dialect);
}
