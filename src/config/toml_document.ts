/** Reading TOML (toml.io v1.0.0): the values of a document, or where it is wrong. */

import { parse, TomlError, type TomlTable, type TomlValue } from "smol-toml";
import { PalyraError } from "../errors.ts";

export type { TomlTable, TomlValue };

/**
 * The table of a document; integers are bigint. Throws `usage` with line and column for what is no
 * TOML. The library's message quotes the source, which may hold a secret: it goes nowhere.
 */
export function parseToml(text: string): TomlTable {
  try {
    return parse(text.startsWith("\ufeff") ? text.slice(1) : text, { integersAsBigInt: true });
  } catch (error) {
    const { line, column } = error instanceof TomlError ? error : { line: 1, column: 1 };
    throw new PalyraError(
      "usage",
      `Cannot read the document: invalid TOML at line ${line}, column ${column}`,
      { details: { line, column } },
    );
  }
}

/** Whether a value is a table. */
export function isTable(value: TomlValue | undefined): value is TomlTable {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
}
