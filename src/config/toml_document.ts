/** Reading TOML (toml.io v1.0.0): the values of a document, or where it is wrong. */

import { parse, TomlError, type TomlTable, type TomlValue } from "smol-toml";
import { PalyraError } from "../errors.ts";

export type { TomlTable, TomlValue };

/** Most tables and lists within each other, and in all: what takes long is done to each of them. */
const MAX_DEPTH = 64;
const MAX_TABLES = 20_000;

/**
 * The table of a document; integers are bigint. Throws `usage` with line and column for what is no
 * TOML, and for values too deep in each other (a dotted key of a megabyte would be a million tables).
 * The library's message quotes the source, which may hold a secret: it goes nowhere.
 */
export function parseToml(text: string, name = "the document"): TomlTable {
  const table = parseAny(text.startsWith("\ufeff") ? text.slice(1) : text, name);
  let level: TomlValue[] = [table];
  for (let depth = 0, tables = 0; level.length > 0; depth++) {
    tables += level.length;
    if (depth > MAX_DEPTH) throw tooMuch(name, `${MAX_DEPTH} tables within each other`);
    if (tables > MAX_TABLES) throw tooMuch(name, `${MAX_TABLES} tables and lists`);
    level = level.flatMap((value) => Array.isArray(value) ? value : Object.values(value))
      .filter((value) => isTable(value) || Array.isArray(value));
  }
  return table;
}

function tooMuch(name: string, what: string): PalyraError {
  return new PalyraError("usage", `Cannot read ${name}: more than ${what}`);
}

function parseAny(text: string, name: string): TomlTable {
  try {
    return parse(text, { integersAsBigInt: true });
  } catch (error) {
    const { line, column } = error instanceof TomlError ? error : { line: 1, column: 1 };
    throw new PalyraError(
      "usage",
      `Cannot read ${name}: invalid TOML at line ${line}, column ${column}`,
      { details: { line, column } },
    );
  }
}

/** Whether a value is a table. */
export function isTable(value: TomlValue | undefined): value is TomlTable {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
}
