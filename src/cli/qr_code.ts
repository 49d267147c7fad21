/** A QR code as text for a terminal: two rows of modules in each line (ISO/IEC 18004). */

import { encode } from "uqr";

/** Modules of light around the code, so that cameras find it (section 6.3.8 asks for four). */
const BORDER = 4;
/** Black on white whatever the colours of the terminal are. */
const BEGIN = "\u001b[30;107m";
const END = "\u001b[0m";

/** The picture, line by line: a block stands for a dark module. */
export function qrCode(text: string): string {
  const { data, size } = encode(text, { ecc: "M", border: BORDER });
  const isDark = (row: number, column: number): boolean => data[row]?.[column] ?? false;
  const lines: string[] = [];
  for (let row = 0; row < size; row += 2) {
    let line = "";
    for (let column = 0; column < size; column++) {
      const [upper, lower] = [isDark(row, column), isDark(row + 1, column)];
      line += upper ? (lower ? "█" : "▀") : (lower ? "▄" : " ");
    }
    lines.push(`${BEGIN}${line}${END}`);
  }
  return lines.join("\n");
}
