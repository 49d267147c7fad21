/** Columns as typed values; one of another type than palyra wrote is `integrity`. */

import { PalyraError } from "../errors.ts";
import type { SqlRow } from "../platform/platform.ts";

/** Readers of the columns of one database's rows. Each throws `integrity` for another type. */
export interface Columns {
  /** A text column. */
  readonly textOf: (row: SqlRow, column: string) => string;
  /** A text column that may be empty (NULL). */
  readonly optionalTextOf: (row: SqlRow, column: string) => string | undefined;
  /** A column that holds a whole number. */
  readonly numberOf: (row: SqlRow, column: string) => number;
  /** A column that holds a whole number, or is empty (NULL). */
  readonly optionalNumberOf: (row: SqlRow, column: string) => number | undefined;
  /** A column of bytes, in memory of their own. */
  readonly bytesOf: (row: SqlRow, column: string) => Uint8Array<ArrayBuffer>;
}

/** The readers for a database; `subject` is what its errors call it: `the vault`. */
export function columnsOf(subject: string): Columns {
  const altered = (): PalyraError =>
    new PalyraError("integrity", `Cannot open ${subject}: a row of its database was altered`);
  const textOf = (row: SqlRow, column: string): string => {
    const value = row[column];
    if (typeof value !== "string") throw altered();
    return value;
  };
  const numberOf = (row: SqlRow, column: string): number => {
    const value = row[column];
    if (typeof value !== "number" || !Number.isSafeInteger(value)) throw altered();
    return value;
  };
  return {
    textOf,
    numberOf,
    optionalTextOf: (row, column) => row[column] === null ? undefined : textOf(row, column),
    optionalNumberOf: (row, column) => row[column] === null ? undefined : numberOf(row, column),
    bytesOf: (row, column) => {
      const value = row[column];
      if (!(value instanceof Uint8Array)) throw altered();
      return value as Uint8Array<ArrayBuffer>;
    },
  };
}
