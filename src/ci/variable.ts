/** Variables of an environment: names that every shell and CI takes, and values that one can hold. */

import { PalyraError } from "../errors.ts";

/** A variable to be exported. */
export interface Variable {
  readonly name: string;
  readonly text: string;
}

/** IEEE Std 1003.1, section 8.1: names that any shell can assign. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,255}$/;

/** A name made from a reference: upper case, `_` for every other character. */
export function variableName(text: string): string {
  const name = text.toUpperCase().replaceAll(/[^A-Z0-9_]/g, "_");
  return /^[0-9]/.test(name) ? `_${name}` : name;
}

/** Throws `usage` for a name that is none, and does not repeat it. */
export function requireVariableName(name: string): void {
  if (NAME.test(name)) return;
  throw new PalyraError("usage", "Cannot export: a name is no name of a variable", {
    hint: "A name is letters, digits and _, and does not begin with a digit",
  });
}

/** The error for a value that a format cannot hold. It names the variable, never the value. */
export function cannotExport({ name }: Pick<Variable, "name">, why: string): PalyraError {
  return new PalyraError("usage", `Cannot export ${name}: ${why}`);
}

/** Throws `usage` when a value holds what the format cannot. */
export function requireWithout(variable: Variable, pattern: RegExp, why: string): void {
  if (pattern.test(variable.text)) throw cannotExport(variable, why);
}
