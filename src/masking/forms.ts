/**
 * In which forms a value may turn up in a program's output: as it is, line by line, and as programs
 * commonly encode it. What a program does to a value beyond that is not recognised.
 */

import { base64Forms } from "./base64_forms.ts";
import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { jsonForms, percentForms } from "./escaped_forms.ts";

/** Least bytes of a value that can be masked: a shorter one would be found everywhere. */
export const LEAST_BYTES = 6;

const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;

/** All forms of a value, each of at least {@link LEAST_BYTES} bytes, none twice. All are copies, to be wiped. */
export function formsOf(value: Uint8Array): Uint8Array[] {
  const text = decodeUtf8(value);
  const texts = text === undefined ? [] : [text, text.trim()];
  const wholes = [value.slice(), ...texts.map(encodeUtf8)];
  const forms = [
    ...wholes,
    ...wholes.flatMap((whole) => encodedForms(whole)),
    ...texts.flatMap((whole) => jsonForms(whole).map(encodeUtf8)),
    ...texts.flatMap((whole) => otherLineEnds(whole).map(encodeUtf8)),
    ...lines(value),
  ];
  return distinct(forms.filter(({ length }) => length >= LEAST_BYTES));
}

function encodedForms(whole: Uint8Array): Uint8Array[] {
  const hex = whole.toHex();
  return [...base64Forms(whole), ...percentForms(whole), hex, hex.toUpperCase()].map(encodeUtf8);
}

/** A terminal turns each line feed into two characters; programs turn them back. */
function otherLineEnds(text: string): string[] {
  if (!text.includes("\n")) return [];
  const plain = text.replaceAll("\r\n", "\n");
  return [plain, plain.replaceAll("\n", "\r\n")];
}

/** The lines without blanks around; those that could be anybody's (`-----`, `}`) are none. */
function lines(value: Uint8Array): Uint8Array[] {
  const text = decodeUtf8(value);
  const encode = text === undefined ? fromLatin1 : encodeUtf8;
  return (text ?? latin1(value)).split(/[\r\n]+/).map((line) => line.trim())
    .filter((line) => line.length >= LEAST_BYTES && LETTER_OR_DIGIT.test(line))
    .map(encode);
}

/** One character for each byte. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function fromLatin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function distinct(forms: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(forms.map((form) => [form.toHex(), form])).values()];
}
