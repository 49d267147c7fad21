/** A variable as a file assigns it, and what any kind of such files is refused for. */

import { PalyraError } from "../errors.ts";
import type { Place } from "./entry.ts";

/** A variable of a file. */
export interface Assignment {
  readonly key: string;
  /** `undefined`: what it is depends on other variables, on a command, or on who starts the reader. */
  readonly value: string | undefined;
  /** Counted from 1. */
  readonly line: number;
  readonly place: Place;
}

/**
 * Throws `usage` where a variable is set twice. Readers do not agree on which one counts, and the value
 * that does not would stay in the file when the other is scrubbed.
 */
export function requireDistinct(all: readonly Assignment[]): void {
  const keys = new Set<string>();
  for (const { key, line } of all) {
    if (keys.has(key)) throw refusedLine(line, "its variable was set before");
    keys.add(key);
  }
}

/** The error for a line that is not taken. It is not repeated, for it may hold a value. */
export function refusedLine(line: number, why: string): PalyraError {
  return new PalyraError("usage", `Cannot import line ${line}: ${why}`, { details: { line } });
}

/** How many line feeds a text holds. */
export function countLines(text: string): number {
  return text.split("\n").length - 1;
}

/** What may stay before an assignment: some readers take other white space for a part of the name. */
export function indentation(space: string): string {
  return /^ *$/.test(space) ? space : "";
}
