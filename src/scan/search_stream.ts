/** Searches something that does not fit in memory: piece by piece, with what spans two of them. */

import type { ValueForm } from "./forms.ts";
import type { SearchTable } from "./search_table.ts";

/** What is searched: bytes from a position on; 0 at the end. */
export type ReadAt = (buffer: Uint8Array, position: number) => number;

/** Where a form begins, from the begin of what was searched. */
export interface StreamMatch {
  readonly owner: number;
  readonly form: ValueForm;
  readonly offset: number;
  readonly length: number;
}

const PIECE = 1_048_576;

/** A searcher that is used again and again: its buffer is made once. */
export class StreamSearch {
  readonly #table: SearchTable;
  readonly #buffer: Uint8Array<ArrayBuffer>;

  /** `piece`: bytes that are read at once. */
  constructor(table: SearchTable, piece = PIECE) {
    this.#table = table;
    this.#buffer = new Uint8Array(piece + table.reach);
  }

  /** Searches to the end; the number of bytes. `found` may return false: enough was found. */
  search(read: ReadAt, found: (match: StreamMatch) => boolean): number {
    const buffer = this.#buffer;
    let held = 0; // bytes in the buffer
    let start = 0; // position of the first of them
    let decided = 0; // matches that end before this position have been told
    for (let atEnd = false, wanted = true; !atEnd && wanted;) {
      while (held < buffer.length) {
        const count = read(buffer.subarray(held), start + held);
        if (count === 0) {
          atEnd = true;
          break;
        }
        held += count;
      }
      // A match that touches the end of the piece waits for the byte behind it.
      const limit = start + held - (atEnd ? 0 : 1);
      this.#table.search(buffer, held, ({ owner, form, at, length }) => {
        const end = start + at + length;
        if (wanted && end > decided && end <= limit) {
          wanted = found({ owner, form, offset: start + at, length });
        }
      });
      decided = limit;
      if (atEnd) break;
      const kept = Math.min(held, this.#table.reach);
      buffer.copyWithin(0, held - kept, held);
      start += held - kept;
      held = kept;
    }
    return start + held;
  }
}
