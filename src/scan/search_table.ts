/**
 * Search for many byte strings at once: the algorithm of Wu and Manber ("A fast algorithm for
 * multi-pattern searching", 1994). A window as long as the shortest string moves over the text; a hash
 * of its last three bytes tells how far it may move on. What is held is held in memory alone.
 */

import { hasBits } from "./base64_alignments.ts";
import type { FormBytes, ValueForm } from "./forms.ts";

/** A form of a value, and whose it is. */
export interface SearchedForm extends FormBytes {
  /** The number that the caller knows the value by. */
  readonly owner: number;
}

/** Where a form was found. */
export interface Match {
  readonly owner: number;
  readonly form: ValueForm;
  /** Of the first byte, in the searched bytes. */
  readonly at: number;
  /** Bytes. */
  readonly length: number;
}

const BLOCK = 3;
const HASH_BITS = 18;
const MULTIPLIER = 0x9e3779b1;
/** A longer window has more blocks in the table, and soon moves less. */
const MAX_WINDOW = 12;

/** The strings, ready to be searched for. Disposing wipes them. */
export class SearchTable implements Disposable {
  /** Bytes of the longest string, with one more at each side. */
  readonly reach: number;
  readonly #forms: readonly SearchedForm[];
  readonly #window: number;
  /** How far a window may move that ends with a block of this hash. */
  readonly #shift: Uint8Array;
  /** The first form whose window ends with a block of this hash, and the next one of each form; -1: none. */
  readonly #first: Int32Array;
  readonly #next: Int32Array;

  constructor(forms: readonly SearchedForm[]) {
    this.#forms = forms;
    const lengths = forms.map(({ bytes }) => bytes.length);
    this.reach = lengths.reduce((most, length) => Math.max(most, length), 0) + 2;
    this.#window = lengths.reduce((least, length) => Math.min(least, length), MAX_WINDOW);
    const size = 1 << HASH_BITS;
    this.#shift = new Uint8Array(size).fill(this.#window - BLOCK + 1);
    this.#first = new Int32Array(size).fill(-1);
    this.#next = new Int32Array(forms.length).fill(-1);
    forms.forEach(({ bytes }, number) => this.#enter(bytes, number));
  }

  #enter(bytes: Uint8Array, number: number): void {
    for (let end = BLOCK; end <= this.#window; end++) {
      const hash = hashOf(bytes[end - 3]!, bytes[end - 2]!, bytes[end - 1]!);
      this.#shift[hash] = Math.min(this.#shift[hash]!, this.#window - end);
      if (end < this.#window) continue;
      this.#next[number] = this.#first[hash]!;
      this.#first[hash] = number;
    }
  }

  /** Calls `found` for every place of every form in the first `length` bytes, in the order of places. */
  search(text: Uint8Array, length: number, found: (match: Match) => void): void {
    const shift = this.#shift;
    const last = this.#window - 1;
    for (let end = last; end < length;) {
      const hash = Math.imul(
        text[end - 2]! | text[end - 1]! << 8 | text[end]! << 16,
        MULTIPLIER,
      ) >>> (32 - HASH_BITS);
      const step = shift[hash]!;
      if (step !== 0) {
        end += step;
        continue;
      }
      this.#verify(text, length, end - last, this.#first[hash]!, found);
      end++;
    }
  }

  #verify(
    text: Uint8Array,
    length: number,
    at: number,
    first: number,
    found: (match: Match) => void,
  ): void {
    for (let number = first; number !== -1; number = this.#next[number]!) {
      const { bytes, before, after, owner, form } = this.#forms[number]!;
      if (at + bytes.length > length) continue;
      let same = 0;
      while (same < bytes.length && bytes[same] === text[at + same]) same++;
      if (same < bytes.length) continue;
      if (before !== undefined && !(at > 0 && hasBits(text[at - 1], before))) continue;
      const behind = at + bytes.length;
      if (after !== undefined && !(behind < length && hasBits(text[behind], after))) continue;
      found({ owner, form, at, length: bytes.length });
    }
  }

  [Symbol.dispose](): void {
    for (const { bytes } of this.#forms) bytes.fill(0);
  }
}

function hashOf(a: number, b: number, c: number): number {
  return Math.imul(a | b << 8 | c << 16, MULTIPLIER) >>> (32 - HASH_BITS);
}
