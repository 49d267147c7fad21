/** Lines of dotenv files, plain and odd: what a reader of them is to be sure of, or to refuse. */

import type { Dice } from "./dice.ts";

const PIECES = [
  ...["a", "b1", "#", " # c", "'", '"', "`", "\\n", "\\r", "\\", " ", "=", "é", ":", "x y", "\n"],
  ...["\t", "\u00a0", "\v", "\r", "\u2028"],
];
const HEADS = ["", "", "", "export ", "export ", "  ", " export ", "\t", "export  ", "export\t"];
const EQUALS = ["=", "=", "=", "= ", "= ", " = ", "=\t", "\t=", "= \t"];
const TAILS = ["", "", "", "  ", " # c", "#c", "\t", "\t# c", " \u00a0", " # it's", " # \u2028K=1"];

/** A line that sets the variable, or does not: that is the question. It may be several lines. */
export function dotenvLine({ next, pick }: Dice, name: string): string {
  const quote = pick(["", "'", '"', "`"]);
  const pieces = Array.from({ length: Math.floor(next() * 5) }, () => pick(PIECES));
  // Behind the value Node 20 loses what follows a line of white space, or a comment behind white space.
  const isWithin = quote !== "" && !pieces.includes(quote);
  const inner = pieces.filter((piece) => isWithin || piece !== "\n").join("");
  return pick(HEADS) + name + pick(EQUALS) + quote + inner + quote + pick(TAILS) +
    pick(["\n", "\n", "\r\n"]);
}
