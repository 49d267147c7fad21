/** Rows of `vault.db` as typed values; a column of another type than it was written is `integrity`. */

import { columnsOf } from "../database/columns.ts";

/** Readers of the columns of `vault.db`. */
export const { textOf, optionalTextOf, numberOf, bytesOf } = columnsOf("the vault");
