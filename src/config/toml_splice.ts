/** Replacing pieces of a text, and adding whole lines to it with the line ends that it has. */

/** A piece of the text before, and what stands there after. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The text with every splice in it; at one place they stand in the order given. */
export function applySplices(text: string, splices: readonly Splice[]): string {
  const ordered = splices.map((splice, at) => ({ ...splice, at }))
    .sort((a, b) => a.start - b.start || a.end - b.end || a.at - b.at);
  let result = "";
  let done = 0;
  for (const { start, end, text: added } of ordered) {
    if (start < done) throw new RangeError("two changes of one piece of a text");
    result += text.slice(done, start) + added;
    done = end;
  }
  return result + text.slice(done);
}

/** Whole lines, added where a line begins or at the end of the text. */
export function addLines(text: string, at: number, lines: readonly string[]): Splice {
  const eol = lineEndNear(text, at);
  const afterUnended = at > 0 && at === text.length && text[at - 1] !== "\n";
  const added = lines.map((line) => afterUnended ? eol + line : line + eol).join("");
  return { start: at, end: at, text: added };
}

/** Whole lines, taken away: from the one with `start` to the one with `end`. */
export function removeLines(text: string, start: number, end: number): Splice {
  return { start: lineStart(text, start), end: lineEnd(text, end), text: "" };
}

/** Where the line with this place begins. */
export function lineStart(text: string, at: number): number {
  return at === 0 ? 0 : text.lastIndexOf("\n", at - 1) + 1;
}

/** Where the next line begins, or the end of the text. */
export function lineEnd(text: string, at: number): number {
  return text.indexOf("\n", at) + 1 || text.length;
}

/** The blanks before the first character of the line with this place. */
export function indentation(text: string, at: number): string {
  const start = lineStart(text, at);
  return /[ \t]*/y.exec(text.slice(start, at))![0];
}

/** Whether the line before this place is blank, or there is none. */
export function followsBlankLine(text: string, at: number): boolean {
  const end = text[at - 1] === "\n" ? at - 1 : at;
  return at === 0 || text.slice(lineStart(text, end), end).trim() === "";
}

function lineEndNear(text: string, at: number): string {
  const start = lineStart(text, at);
  const known = start > 0 ? start - 1 : text.indexOf("\n");
  return text[known - 1] === "\r" ? "\r\n" : "\n";
}
