/**
 * Templates: any bytes, with references as `{{ vault://global/name }}`. Everything else is left as it
 * is, other programs' braces included; `\{{ vault://… }}` stands for the braces themselves.
 */

import { PalyraError } from "../errors.ts";

/** A reference in a template. */
export interface Placeholder {
  readonly text: string;
  /** What it replaces: from its first backslash or brace to behind its last brace. */
  readonly from: number;
  readonly to: number;
  /** Backslashes that remain before it. */
  readonly backslashes: number;
  /** The braces themselves are meant. */
  readonly escaped: boolean;
  /** Counted from 1. */
  readonly line: number;
}

/** Words that begin a reference, and so tell it from other programs' braces. */
const BEGIN = /(\\*)\{\{[ \t]*(?=(?:vault:|env:|file:|config:|exec:|auth:))/g;
const REST = /([^{}\r\n]*?)[ \t]*\}\}/y;

/** All references of a template, given with one character for each byte. Throws `usage`. */
export function placeholdersOf(template: string): Placeholder[] {
  const found: Placeholder[] = [];
  for (const match of template.matchAll(BEGIN)) {
    const [begin, slashes] = match;
    const from = match.index;
    REST.lastIndex = from + begin.length;
    const rest = REST.exec(template);
    const line = template.slice(0, from).split("\n").length;
    if (rest === null) {
      throw new PalyraError(
        "usage",
        `Cannot read line ${line} of the template: its reference does not end with }}`,
      );
    }
    found.push({
      text: rest[1]!,
      from,
      to: REST.lastIndex,
      backslashes: Math.floor(slashes!.length / 2),
      escaped: slashes!.length % 2 === 1,
      line,
    });
  }
  return found;
}

/** The template with `valueOf` each reference in its place. */
export function fillTemplate(
  template: Uint8Array,
  placeholders: readonly Placeholder[],
  valueOf: (placeholder: Placeholder) => Uint8Array,
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const placeholder of placeholders) {
    const { from, to, backslashes, escaped } = placeholder;
    parts.push(template.subarray(at, from + backslashes));
    // An escaped one loses one backslash, and stays.
    const braces = template.indexOf(OPEN, from);
    parts.push(escaped ? template.subarray(braces, to) : valueOf(placeholder));
    at = to;
  }
  parts.push(template.subarray(at));
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    whole.set(part, end);
    end += part.length;
  }
  return whole;
}

const OPEN = "{".charCodeAt(0);
