/** Rows under an HMAC: one that was not written by this identity, or was moved or altered, is `integrity`. */

import { encodeUtf8 } from "../../crypto/encoding.ts";
import { hmac, isMac } from "../../crypto/mac.ts";
import { columnsOf } from "../../database/columns.ts";
import { PalyraError } from "../../errors.ts";
import type { Database, SqlRow, SqlValue } from "../../platform/platform.ts";
import type { Table } from "./tables.ts";

const LABEL = "palyra/v1/pairing-row";
/** HMACs that are computed side by side: more of them take memory, and no less time. */
const AT_ONCE = 256;

/** Readers of the columns of `pairing.db`. */
export const { textOf, optionalTextOf, numberOf, optionalNumberOf } = columnsOf(
  "the devices",
);

/** Values of a row by column, without the HMAC. */
export type RowValues = Readonly<Record<string, null | number | string>>;

/** The rows of an open `pairing.db`. */
export class Rows {
  readonly database: Database;
  readonly #key: CryptoKey;

  constructor(database: Database, key: CryptoKey) {
    this.database = database;
    this.#key = key;
  }

  /** All rows that a condition holds for, checked. Throws `integrity`. */
  async all(table: Table, condition: string, ...parameters: SqlValue[]): Promise<SqlRow[]> {
    const { name, columns } = table;
    const sql = `SELECT ${columns.join(", ")}, mac FROM ${name} ${condition}`;
    const rows = this.database.all(sql, ...parameters);
    for (let from = 0; from < rows.length; from += AT_ONCE) {
      const some = rows.slice(from, from + AT_ONCE);
      const sound = await Promise.all(some.map((row) => this.#isSound(table, row)));
      if (!sound.every(Boolean)) throw altered();
    }
    return rows;
  }

  /** The one row of a key, checked. Throws `integrity`. */
  async get(table: Table, key: SqlValue): Promise<SqlRow | undefined> {
    const [row] = await this.all(table, `WHERE ${table.columns[0]} = ?`, key);
    return row;
  }

  /** Writes a row in place of the one with its key, if there is one. In a write transaction. */
  async put(table: Table, values: RowValues): Promise<void> {
    const { name, columns } = table;
    const [key, ...others] = columns;
    const mac = await hmac(this.#key, messageOf(table, values));
    const places = [...columns, "mac"].map(() => "?").join(", ");
    const updates = [...others, "mac"].map((column) => `${column} = excluded.${column}`).join(", ");
    this.database.run(
      `INSERT INTO ${name} (${columns.join(", ")}, mac) VALUES (${places}) ` +
        `ON CONFLICT (${key}) DO UPDATE SET ${updates}`,
      ...columns.map((column) => values[column]!),
      mac,
    );
  }

  /** Changes some columns of a row that was read. In a write transaction. */
  async change(table: Table, row: SqlRow, changes: RowValues): Promise<void> {
    const values = Object.fromEntries(
      table.columns.map((column) => [column, row[column] as null | number | string]),
    );
    await this.put(table, { ...values, ...changes });
  }

  /** Removes the rows that a condition holds for; how many. In a write transaction. */
  remove({ name }: Table, condition: string, ...parameters: SqlValue[]): number {
    return this.database.run(`DELETE FROM ${name} ${condition}`, ...parameters);
  }

  /** How many rows a condition holds for: for limits, where an altered row gains nothing. */
  count({ name }: Table, condition: string, ...parameters: SqlValue[]): number {
    const row = this.database.get(`SELECT count(*) AS n FROM ${name} ${condition}`, ...parameters);
    return numberOf(row!, "n");
  }

  async #isSound(table: Table, row: SqlRow): Promise<boolean> {
    const mac = row["mac"];
    return mac instanceof Uint8Array && await isMac(this.#key, messageOf(table, row), mac);
  }
}

function messageOf({ name, columns }: Table, row: SqlRow): Uint8Array<ArrayBuffer> {
  return encodeUtf8(JSON.stringify([LABEL, name, ...columns.map((column) => row[column])]));
}

function altered(): PalyraError {
  return new PalyraError("integrity", "Cannot use the devices: a row of pairing.db was altered", {
    hint: "Restore the state root from a backup",
  });
}
