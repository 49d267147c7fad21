/**
 * The forms in which a value may lie somewhere: as it is, and as the encodings that tools put it in.
 * A form is bytes that hold the whole value (or a whole line of it), so that a hit is no guess.
 */

import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { alignedBase64, type EdgeBits } from "./base64_alignments.ts";

/** How a value was written where it was found. */
export type ValueForm = "whole" | "trimmed" | "line" | "head" | "base64" | "url" | "json" | "hex";

/** One form of one value. */
export interface FormBytes {
  readonly form: ValueForm;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What the character before and after must be like, where it holds a few more bits of the value. */
  readonly before?: EdgeBits | undefined;
  readonly after?: EdgeBits | undefined;
}

/** Shorter values, and those of fewer different bytes, are in every second file by accident. */
export const MIN_BYTES = 8;
const MIN_DISTINCT = 4;
/** A line of a larger value must be this long, and look random, to say anything. */
const MIN_LINE = 20;
/** Of a larger value only so many bytes from its begin are searched for. */
const MAX_WHOLE = 8_192;
const HEAD_BYTES = 4_095; // a multiple of 3, so that its base64 is that of the whole value

/** Whether a value can be searched for without finding it everywhere. */
export function isSearchable(value: Uint8Array): boolean {
  return value.length >= MIN_BYTES && new Set(value.subarray(0, MAX_WHOLE)).size >= MIN_DISTINCT;
}

/** All forms of a value that differ from each other; none for one that is too short. */
export function formsOf(value: Uint8Array<ArrayBuffer>): FormBytes[] {
  if (!isSearchable(value)) return [];
  const isLarge = value.length > MAX_WHOLE;
  const whole = isLarge ? value.slice(0, HEAD_BYTES) : value.slice();
  const forms: FormBytes[] = [
    { form: isLarge ? "head" : "whole", bytes: whole },
    ...trimmedForms(whole, isLarge),
    ...alignedBase64(whole).map((one) => ({ form: "base64" as const, ...one })),
    ...["lower", "upper"].map((letters) => ({
      form: "hex" as const,
      bytes: hexOf(whole, letters),
    })),
    ...urlForms(whole),
    ...jsonForms(whole),
  ];
  const seen = new Set<string>();
  return forms.filter(({ bytes, before, after }) => {
    // In memory only, and no longer than this call.
    const key = `${bytes.toHex()} ${JSON.stringify([before, after])}`;
    return bytes.length >= MIN_BYTES && !seen.has(key) && seen.add(key);
  });
}

function trimmedForms(whole: Uint8Array<ArrayBuffer>, isLarge: boolean): FormBytes[] {
  const trimmed = trim(whole);
  const forms: FormBytes[] = [];
  if (!isLarge && trimmed.length < whole.length && isSearchable(trimmed)) {
    forms.push({ form: "trimmed", bytes: trimmed });
  }
  const lines = linesOf(trimmed);
  // The last line of a head may be cut.
  for (const line of lines.length < 2 ? [] : isLarge ? lines.slice(0, -1) : lines) {
    const bytes = trim(line);
    if (isTelling(bytes)) forms.push({ form: "line", bytes });
  }
  return forms;
}

/** One word, long, of letters and digits: not the armour of a key, not a line of JSON. */
function isTelling(line: Uint8Array): boolean {
  if (line.length < MIN_LINE) return false;
  const text = decodeUtf8(line) ?? "";
  return /^[A-Za-z0-9+/=_.~-]+$/.test(text) && /[A-Za-z]/.test(text) && /[0-9]/.test(text) &&
    new Set(line).size >= MIN_LINE / 2;
}

function linesOf(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const lines: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at <= bytes.length;) {
    const end = bytes.indexOf(0x0a, at);
    lines.push(bytes.slice(at, end === -1 ? bytes.length : end));
    if (end === -1) break;
    at = end + 1;
  }
  return lines;
}

function trim(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  let [start, end] = [0, bytes.length];
  while (start < end && isSpace(bytes[start]!)) start++;
  while (end > start && isSpace(bytes[end - 1]!)) end--;
  return bytes.slice(start, end);
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

function hexOf(bytes: Uint8Array, letters: string): Uint8Array<ArrayBuffer> {
  const text = bytes.toHex();
  return encodeUtf8(letters === "upper" ? text.toUpperCase() : text);
}

/** RFC 3986: everything but unreserved characters, in either case; and as forms write spaces. */
function urlForms(bytes: Uint8Array): FormBytes[] {
  let text = "";
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    text += /[A-Za-z0-9._~-]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  const lower = text.replace(/%../g, (escape) => escape.toLowerCase());
  const plus = (one: string): string => one.replaceAll("%20", "+");
  // What JavaScript's encodeURIComponent leaves as it is.
  const script = text.replace(/%2[1789A]/g, (escape) => decodeURIComponent(escape));
  return [text, lower, plus(text), plus(lower), script].map((one) => ({
    form: "url",
    bytes: encodeUtf8(one),
  }));
}

/** RFC 8259: as JavaScript writes it, with escaped slashes, and in ASCII alone. */
function jsonForms(bytes: Uint8Array): FormBytes[] {
  const text = decodeUtf8(bytes);
  if (text === undefined) return [];
  const plain = JSON.stringify(text).slice(1, -1);
  const ascii = plain.replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  const html = plain.replace(
    /[<>&]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
  return [plain, plain.replaceAll("/", "\\/"), ascii, html].map((one) => ({
    form: "json",
    bytes: encodeUtf8(one),
  }));
}
