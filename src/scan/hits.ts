/** From matches to what is told: one hit for each line that holds a value. */

import type { ValueForm } from "./forms.ts";
import type { ReadAt, StreamMatch } from "./search_stream.ts";

/** A value in a file. */
export interface Hit {
  readonly owner: number;
  readonly form: ValueForm;
  /** From 1. */
  readonly line: number;
}

const PIECE = 65_536;
const LINE_FEED = 0x0a;

/**
 * Hits by line. A value that was found whole is not told again by its parts, and one that stands twice
 * in a line is told once.
 */
export function hitsOf(matches: readonly StreamMatch[], read: ReadAt): Hit[] {
  const sorted = matches.toSorted((a, b) => a.offset - b.offset || b.length - a.length);
  const kept: StreamMatch[] = [];
  const coveredTo = new Map<number, number>();
  for (const match of sorted) {
    const end = match.offset + match.length;
    if (end <= (coveredTo.get(match.owner) ?? -1)) continue;
    coveredTo.set(match.owner, end);
    kept.push(match);
  }
  const lines = linesAt(kept.map(({ offset }) => offset), read);
  const seen = new Set<string>();
  return kept.flatMap(({ owner, form }, at) => {
    const line = lines[at]!;
    const key = `${owner} ${line}`;
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ owner, form, line }];
  });
}

/** The line of each offset; the offsets ascend. */
function linesAt(offsets: readonly number[], read: ReadAt): number[] {
  const lines: number[] = [];
  const buffer = new Uint8Array(PIECE);
  let [line, position, held, base] = [1, 0, 0, 0];
  for (const offset of offsets) {
    while (position < offset) {
      if (position === base + held) {
        base = position;
        held = read(buffer, base);
        if (held === 0) break; // it has become shorter
      }
      const next = buffer.subarray(0, held).indexOf(LINE_FEED, position - base);
      if (next === -1 || base + next >= offset) position = Math.min(offset, base + held);
      else {
        line++;
        position = base + next + 1;
      }
    }
    lines.push(line);
  }
  buffer.fill(0);
  return lines;
}
