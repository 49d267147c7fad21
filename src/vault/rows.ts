/** Rows of `vault.db` as typed values; a column of another type than it was written is `integrity`. */

import { PalyraError } from "../errors.ts";
import type { SqlRow } from "../platform/platform.ts";

/** A text column. */
export function textOf(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw altered();
  return value;
}

/** A text column that may be empty (NULL). */
export function optionalTextOf(row: SqlRow, column: string): string | undefined {
  return row[column] === null ? undefined : textOf(row, column);
}

/** A column that holds a whole number. */
export function numberOf(row: SqlRow, column: string): number {
  const value = row[column];
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw altered();
  return value;
}

/** A column of bytes, in memory of their own. */
export function bytesOf(row: SqlRow, column: string): Uint8Array<ArrayBuffer> {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw altered();
  return value as Uint8Array<ArrayBuffer>;
}

function altered(): PalyraError {
  return new PalyraError("integrity", "Cannot open the vault: a row of its database was altered");
}
