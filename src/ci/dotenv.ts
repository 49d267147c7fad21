/**
 * The dotenv form that dotenv, dotenvx, `node --env-file` and `deno --env-file` read alike. There is
 * no such form for some values: those are refused.
 */

import { cannotExport, type Variable } from "./variable.ts";

/** Throws `usage` for a carriage return, a backslash at the end, and `'` with a backtick or dollar. */
export function formatDotenv(variables: readonly Variable[]): string {
  return variables.map((variable) => `${variable.name}=${quoted(variable)}\n`).join("");
}

function quoted(variable: Variable): string {
  const { text } = variable;
  if (text.includes("\r")) throw cannotExport(variable, "dotenv readers lose a carriage return");
  if (text.endsWith("\\")) {
    throw cannotExport(variable, "dotenv readers take a backslash at the end for an escape");
  }
  if (!text.includes("'")) return `'${text}'`;
  if (text.includes("`") || text.includes("$")) {
    throw cannotExport(variable, "dotenv has no quotes for a value with ' and ` or $");
  }
  return `\`${text}\``;
}
