/** What a terminal shows for coloured blocks, as a picture; and what a reader of QR codes sees there. */

import { runProcess } from "./process.ts";

/** A picture of black and white dots, line by line; true is black. */
export type Picture = readonly (readonly boolean[])[];

/** Dots along the side of a module. */
const SCALE = 6;
/** Cells of the terminal around the text. */
const AROUND = 6;

/** Select Graphic Rendition (ECMA-48 section 8.3.117), or one character. */
const PART = new RegExp(`${"\u001b"}\\[([\\d;]*)m|.`, "gu");

interface Colours {
  readonly ink: boolean;
  readonly ground: boolean;
}

/** A terminal with light letters on black, as most are. */
const DARK: Colours = { ink: false, ground: true };
const LIGHT: Colours = { ink: true, ground: false };

/**
 * Paints text on a dark or light terminal: two dots above one another for each character, as half
 * blocks cut it. Throws for other characters and for control sequences that it does not know.
 */
export function paint(text: string, terminal: "dark" | "light"): Picture {
  const plain = terminal === "dark" ? DARK : LIGHT;
  const rows: boolean[][] = [];
  for (const line of text.split(/\r?\n/)) {
    const [upper, lower]: [boolean[], boolean[]] = [[], []];
    let colours = plain;
    for (const [part, codes] of line.matchAll(PART)) {
      if (codes !== undefined) colours = coloured(colours, plain, codes);
      else {
        const [isUpper, isLower] = halves(part);
        upper.push(isUpper ? colours.ink : colours.ground);
        lower.push(isLower ? colours.ink : colours.ground);
      }
    }
    rows.push(upper, lower);
  }
  const width = Math.max(...rows.map((row) => row.length)) + 2 * AROUND;
  const blank = (length: number): boolean[] => Array(length).fill(plain.ground);
  const middle = rows.map((row) => [
    ...blank(AROUND),
    ...row,
    ...blank(width - AROUND - row.length),
  ]);
  const edge = Array.from({ length: AROUND }, () => blank(width));
  return [...edge, ...middle, ...edge];
}

/** What zbarimg reads in a picture, line by line: one for each code that it finds. */
export async function readQrCodes(picture: Picture): Promise<string[]> {
  const path = Deno.makeTempFileSync({ prefix: "palyra-test-", suffix: ".pbm" });
  try {
    const dots = picture.flatMap((row) => {
      const wide = row.flatMap((isBlack) => Array(SCALE).fill(isBlack ? 1 : 0)).join(" ");
      return Array(SCALE).fill(wide);
    });
    const size = `${picture[0]!.length * SCALE} ${dots.length}`;
    Deno.writeTextFileSync(path, `P1\n${size}\n${dots.join("\n")}\n`); // pbm(5)
    const argv = ["/usr/bin/zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", path];
    const { status, out, err } = await runProcess({ argv, env: { PATH: "/usr/bin:/bin" } });
    if (status !== 0 && status !== 4) throw new Error(`zbarimg: ${err}`); // 4: nothing was found
    return out.split("\n").filter((line) => line !== "");
  } finally {
    Deno.removeSync(path);
  }
}

/** Text without colours. */
export function withoutColours(text: string): string {
  return text.replaceAll(PART, (part, codes) => codes === undefined ? part : "");
}

/** The colours of ECMA-48 and the bright ones of xterm: only black, white and the way back. */
function coloured(now: Colours, plain: Colours, codes: string): Colours {
  return codes.split(";").reduce((colours, code) => {
    if (code === "" || code === "0") return plain;
    if (code === "30") return { ...colours, ink: true };
    if (code === "97") return { ...colours, ink: false };
    if (code === "40") return { ...colours, ground: true };
    if (code === "107") return { ...colours, ground: false };
    throw new Error(`Cannot paint: colour ${code} is not known`);
  }, now);
}

function halves(character: string): readonly [boolean, boolean] {
  const known = new Map(
    [
      [" ", [false, false]],
      ["▀", [true, false]],
      ["▄", [false, true]],
      ["█", [true, true]],
    ] as const,
  );
  const found = known.get(character as " ");
  if (found === undefined) throw new Error("Cannot paint: the character is no block");
  return found;
}
