/** POSIX shell assignments, for `eval "$(…)"` and direnv (IEEE Std 1003.1, section 2.2.2). */

import type { Variable } from "./variable.ts";

/** One `export` for each; within single quotes a shell takes every character as it is. */
export function formatShell(variables: readonly Variable[]): string {
  return variables.map(({ name, text }) => `export ${name}='${text.replaceAll("'", "'\\''")}'\n`)
    .join("");
}
