/** Values that are hard to carry in an environment or a file of one, and random ones like them. */

import fc from "fast-check";
import type { Variable } from "../../src/ci/variable.ts";

/** Each of these has broken some program. */
export const NASTY: readonly string[] = [
  "",
  " ",
  " a ",
  "\ta\t",
  "'",
  "''",
  '"',
  "`",
  "\\",
  "a\\",
  "\\\\",
  "\\n",
  "\\'",
  '\\"',
  "\n",
  "a\n",
  "\na",
  "a\n\nb",
  "a\r\nb",
  "a\rb",
  "\r",
  "it's",
  'say "x"',
  'it\'s "x" and `y`',
  "$HOME",
  "${HOME}",
  "$(id)",
  "`id`",
  "a$",
  "'$",
  "#",
  "a#b",
  "a # b",
  "#a",
  "=",
  "a=b",
  "A=1\nB=2",
  "export X=1",
  "!",
  "!!",
  "*",
  "~",
  "a;b",
  "a]b",
  "a%b",
  "%0A",
  "%AZP25",
  "::set-env name=x::y",
  "##vso[task.setvariable variable=x]y",
  "EOF",
  "ghadelimiter_",
  "-----BEGIN KEY-----\nAAAA\n-----END KEY-----\n",
  "é",
  "😀",
  "\u2028",
  "\u0085",
  "\ufeff",
  "\ufeffa",
  "\u00a0",
  "\x01",
  "\x1b[31m",
  "\x7f",
  "\v\f",
  "x".repeat(4_000),
];

const PIECES = [
  ..."'\"`\\$#=%;:!*~ \t\n\r{}()[]<>&|aB0é😀\u2028\x01",
  "\\n",
  "${H}",
  "$(x)",
  "A=1",
];

/** A text of pieces that some dialect takes for syntax. */
export const nastyText: fc.Arbitrary<string> = fc.array(fc.constantFrom(...PIECES), {
  maxLength: 12,
}).map((pieces) => pieces.join(""));

/** Many random texts of a printed seed, after the fixed ones. */
export function manyTexts(count: number, seed: number): string[] {
  return [...NASTY, ...fc.sample(nastyText, { numRuns: count, seed })];
}

/** Texts as variables `V0`, `V1` and so on. */
export function asVariables(texts: readonly string[]): Variable[] {
  return texts.map((text, at) => ({ name: `V${at}`, text }));
}
