/** Texts of a JSON document with the places where they stand, so that one can be replaced alone. */

import { PalyraError } from "../errors.ts";

/** A value in the document that is no table and no list. */
export interface JsonLeaf {
  /** Keys and positions, joined by slashes. */
  readonly key: string;
  /** `undefined` for what is no text. */
  readonly text: string | undefined;
  /** In characters of the document, quotes included. */
  readonly range: readonly [number, number];
}

const TOKEN = /\s*("(?:[^"\\]|\\.)*"|[{}[\],:]|-?[0-9][0-9.eE+-]*|true|false|null)/sy;
const MAX_DEPTH = 64;

/** Every leaf. Throws `usage` for what is no JSON object, and for a key that stands twice. */
export function jsonLeaves(text: string): JsonLeaf[] {
  const body = text.startsWith("\ufeff") ? 1 : 0;
  try {
    JSON.parse(text.slice(body)); // the grammar is checked here, and places are found below
  } catch {
    throw new PalyraError("usage", "Cannot import: the file is not JSON");
  }
  const tokens: { readonly word: string; readonly start: number; readonly end: number }[] = [];
  TOKEN.lastIndex = body;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    tokens.push({
      word: match[1]!,
      start: TOKEN.lastIndex - match[1]!.length,
      end: TOKEN.lastIndex,
    });
  }
  const leaves: JsonLeaf[] = [];
  let at = 0;
  function value(path: readonly string[]): void {
    if (path.length > MAX_DEPTH) throw new PalyraError("usage", "Cannot import: it is too deep");
    const { word, start, end } = tokens[at++]!;
    if (word !== "{" && word !== "[") {
      const content: unknown = JSON.parse(word);
      const isText = typeof content === "string";
      leaves.push({
        key: path.join("/"),
        text: isText ? content : undefined,
        range: [start, end],
      });
      return;
    }
    const close = word === "{" ? "}" : "]";
    const keys = new Set<string>();
    for (let index = 0; tokens[at]!.word !== close; index++) {
      let step = String(index);
      if (word === "{") {
        step = String(JSON.parse(tokens[at]!.word));
        at += 2;
        if (keys.has(step)) {
          throw new PalyraError(
            "usage",
            `Cannot import ${[...path, step].join("/")}: it stands twice`,
          );
        }
        keys.add(step);
      }
      value([...path, step]);
      if (tokens[at]!.word === ",") at++;
    }
    at++;
  }
  if (tokens[0]?.word !== "{") {
    throw new PalyraError("usage", "Cannot import: the file holds no JSON object");
  }
  value([]);
  return leaves;
}
