/** Fields of the config as people write them: `a.b`, `a.list[provider_id=x].b`, `a.list[0].b`. */

import { PalyraError } from "../errors.ts";
import { positionsByKey } from "./entry_index.ts";
import { isTable, type TomlTable, type TomlValue } from "./toml_document.ts";
import type { TomlPath } from "./toml_path.ts";

/** One step from a table to a value in it. */
export type FieldStep = string | number | { readonly key: string; readonly equals: string };

/** A field, from the root of the document. */
export type Field = readonly FieldStep[];

const KEY = /([A-Za-z0-9_-]+)|("(?:[^"\\\p{Cc}]|\\.)*")/uy;
const CHOICE = /\[(?:([0-9]{1,6})|([A-Za-z0-9_-]+)=([^\]\p{Cc}]+))\]/uy;
const DANGEROUS = ["__proto__", "prototype", "constructor"];
const MAX_LENGTH = 512;

/** Reads a field. Throws `usage` without repeating the text. */
export function parseField(text: string): Field {
  const steps: FieldStep[] = [];
  if (text.length > MAX_LENGTH) throw invalid(`it is longer than ${MAX_LENGTH} characters`);
  for (let at = 0; at <= text.length; at++) {
    const key = match(KEY, text, at);
    if (key === undefined) throw invalid("it is keys joined by single dots");
    steps.push(keyOf(key[1] ?? key[2]!));
    at += key[0].length;
    for (let choice = match(CHOICE, text, at); choice; choice = match(CHOICE, text, at)) {
      const [whole, index, name, equals] = choice;
      steps.push(index === undefined ? { key: name!, equals: equals! } : Number(index));
      at += whole.length;
    }
    if (at < text.length && text[at] !== ".") throw invalid("it is keys joined by single dots");
    if (at === text.length - 1) throw invalid("it ends with a dot");
  }
  return steps;
}

/** The text of a field, as {@link parseField} reads it. */
export function formatField(field: Field): string {
  return field.map((step, at) => {
    if (typeof step === "number") return `[${step}]`;
    if (typeof step === "object") return `[${step.key}=${step.equals}]`;
    const key = /^[A-Za-z0-9_-]+$/.test(step) ? step : quoted(step);
    return at === 0 ? key : `.${key}`;
  }).join("");
}

/** JSON, in which no character of the key steers a terminal. */
function quoted(key: string): string {
  return JSON.stringify(key).replace(
    /[\x7f-\x9f\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * Where a field is in this document: entries that are chosen by a key become positions. `undefined`
 * when there is no such entry. Throws `usage` when several entries have the same key.
 */
export function pathOf(table: TomlTable, field: Field): TomlPath | undefined {
  const path: (string | number)[] = [];
  let at: TomlValue | undefined = table;
  for (const step of field) {
    const next = typeof step === "object" ? positionOf(at, step, field) : step;
    if (next === undefined) return undefined;
    path.push(next);
    at = childOf(at, next);
  }
  return path;
}

/** The value at a field; `undefined` when there is none. */
export function fieldValue(table: TomlTable, field: Field): TomlValue | undefined {
  const path = pathOf(table, field);
  return path?.reduce<TomlValue | undefined>(childOf, table);
}

function positionOf(
  list: TomlValue | undefined,
  { key, equals }: { readonly key: string; readonly equals: string },
  field: Field,
): number | undefined {
  if (!Array.isArray(list)) return undefined;
  const found = positionsByKey(list, key).get(equals) ?? [];
  if (found.length <= 1) return found[0];
  throw new PalyraError(
    "usage",
    `Cannot find ${formatField(field)}: several entries have this ${key}`,
  );
}

function childOf(value: TomlValue | undefined, step: string | number): TomlValue | undefined {
  if (typeof step === "number") return Array.isArray(value) ? value[step] : undefined;
  return isTable(value) && Object.hasOwn(value, step) ? value[step] : undefined;
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

function keyOf(text: string): string {
  let key = text;
  if (text.startsWith('"')) {
    try {
      key = String(JSON.parse(text));
    } catch {
      throw invalid("a quoted key has an unknown escape");
    }
  }
  if (DANGEROUS.includes(key)) throw invalid("a key is not allowed");
  return key;
}

function invalid(why: string): PalyraError {
  return new PalyraError("usage", `Cannot read the field: ${why}`, {
    hint:
      "A field is, for example, admin.auth_token or model_provider.providers[provider_id=x].api_key",
  });
}
