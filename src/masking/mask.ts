/** Masks for streams: one automaton for all forms of some values. */

import { PalyraError } from "../errors.ts";
import { FormAutomaton } from "./automaton.ts";
import { formsOf, LEAST_BYTES } from "./forms.ts";
import { markerFor, MaskedStream } from "./masked_stream.ts";

/** Most bytes of all values: their forms have up to 80 times as many, and a byte of them costs ten. */
const MOST_BYTES = 262_144;

/** A value, and what it is called in errors. */
export interface NamedValue {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Makes masked streams that know the same values. Disposing wipes what they know. */
export interface Mask extends Disposable {
  readonly stream: () => MaskedStream;
}

/** Throws `usage` for a value that is too short to be masked, or when they are too large together. */
export function maskFor(values: readonly NamedValue[]): Mask {
  const short = values.find(({ bytes }) => bytes.length < LEAST_BYTES);
  if (short !== undefined) {
    throw new PalyraError(
      "usage",
      `Cannot mask ${short.name}: its value has less than ${LEAST_BYTES} bytes`,
    );
  }
  if (values.reduce((sum, { bytes }) => sum + bytes.length, 0) > MOST_BYTES) {
    throw new PalyraError(
      "usage",
      `Cannot mask the values: they have more than ${MOST_BYTES} bytes`,
    );
  }
  const forms = values.flatMap(({ bytes }) => formsOf(bytes));
  const automaton = new FormAutomaton(forms);
  const marker = markerFor(forms);
  for (const form of forms) form.fill(0);
  return {
    stream: () => new MaskedStream(automaton, marker),
    [Symbol.dispose]: () => automaton[Symbol.dispose](),
  };
}
