/** Line and column of every key and value of a TOML document. */

import { TomlLayout } from "./toml_layout.ts";

/** A place in a text, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/**
 * Where each path of a document stands first, by `JSON.stringify(path)`: its key, or for an entry of
 * a list the entry itself. The text must be TOML.
 */
export function positionsOf(text: string): ReadonlyMap<string, Position> {
  const positions = new Map<string, Position>();
  const body = text.startsWith("\ufeff") ? text.slice(1) : text;
  for (const [key, { start }] of new TomlLayout(body).places()) {
    positions.set(key, { line: start.line, column: start.column + 1 });
  }
  return positions;
}
