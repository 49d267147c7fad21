/**
 * A stream with every form of some values replaced by `<redacted>`, however it is cut into pieces,
 * in memory that does not depend on its length. Where forms overlap, all of their bytes go.
 */

import { encodeUtf8 } from "../crypto/encoding.ts";
import type { ByteFilter } from "../platform/byte_filter.ts";
import { type FormAutomaton, START } from "./automaton.ts";

/** A beginning of this many bytes is held until it is decided; a shorter one only for a moment. */
const HELD_BYTES = 4;
const MARKER = encodeUtf8("<redacted>");
/** For values that are a part of the other one, which would show them. */
const PLAIN_MARKER = encodeUtf8("***");

interface Interval {
  from: number;
  to: number;
}

/** The marker that shows no form itself. */
export function markerFor(forms: readonly Uint8Array[]): Uint8Array {
  const text = new TextDecoder().decode(MARKER);
  const isShown = forms.some((form) => text.includes(new TextDecoder().decode(form)));
  return isShown ? PLAIN_MARKER : MARKER;
}

/** One stream. Positions are counted from its beginning. */
export class MaskedStream implements ByteFilter {
  readonly #automaton: FormAutomaton;
  readonly #marker: Uint8Array;
  #state = START;
  /** Taken in, and not passed on or dropped yet; the first of them is at `#sent`. */
  #held: Uint8Array = new Uint8Array(0);
  #sent = 0;
  /** To be dropped: in order, apart from each other, none wholly before `#sent`. */
  #found: Interval[] = [];
  /** Where what was replaced last ends; -1 before anything was. */
  #maskedTo = -1;

  constructor(automaton: FormAutomaton, marker: Uint8Array) {
    this.#automaton = automaton;
    this.#marker = marker;
  }

  get holdsBriefly(): boolean {
    return this.#held.length > 0 && this.#automaton.depthOf(this.#state) < HELD_BYTES;
  }

  push(bytes: Uint8Array): Uint8Array {
    const before = this.#held.length;
    const whole = before === 0 ? bytes : joined([this.#held, bytes]);
    this.#held.fill(0);
    this.#search(whole, before);
    const undecided = this.#automaton.depthOf(this.#state);
    return this.#pass(whole, Math.max(0, whole.length - undecided));
  }

  release(): Uint8Array {
    return this.#pass(this.#held, this.#held.length);
  }

  end(): Uint8Array {
    this.#state = START;
    return this.release();
  }

  #search(whole: Uint8Array, begin: number): void {
    const automaton = this.#automaton;
    const { pairs } = automaton;
    const last = whole.length - 1;
    let state = this.#state;
    for (let at = begin; at <= last; at++) {
      if (state === START) {
        while (at < last && pairs[whole[at]! << 8 | whole[at + 1]!] === 0) at++;
      }
      state = automaton.step(state, whole[at]!);
      const length = automaton.formAt(state);
      if (length > 0) this.#note(this.#sent + at + 1 - length, this.#sent + at + 1);
    }
    this.#state = state;
  }

  /** A form was found; the bytes of it that were passed on already are beyond recall. */
  #note(start: number, to: number): void {
    let from = Math.max(start, this.#sent);
    for (let last = this.#found.at(-1); last !== undefined && last.to >= from;) {
      from = Math.min(from, last.from);
      this.#found.pop();
      last = this.#found.at(-1);
    }
    this.#found.push({ from, to });
  }

  /** The first `count` bytes with what was found replaced; the rest is held. */
  #pass(whole: Uint8Array, count: number): Uint8Array {
    const [base, limit] = [this.#sent, this.#sent + count];
    const parts: Uint8Array[] = [];
    let at = base;
    while (this.#found.length > 0 && this.#found[0]!.from < limit) {
      const interval = this.#found[0]!;
      if (interval.from > at) parts.push(whole.subarray(at - base, interval.from - base));
      if (interval.from > this.#maskedTo) parts.push(this.#marker);
      at = Math.min(interval.to, limit);
      this.#maskedTo = at;
      if (interval.to > limit) interval.from = limit;
      else this.#found.shift();
    }
    if (at < limit) parts.push(whole.subarray(at - base, count));
    this.#sent = limit;
    const passed = parts.length === 1 ? parts[0]! : joined(parts);
    this.#held = whole.slice(count);
    return passed;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
