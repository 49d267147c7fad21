/** How the interactive mode of macOS `security` cuts its input into lines, and lines into words. */

/** Bytes that its buffer holds. */
const MAX_LINE = 4095;
const MAX_WORDS = 32;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const QUOTES: readonly number[] = [0x22, 0x27];

/**
 * The lines as they are run. One that fills the buffer is run as it is, and what follows is another
 * line, be it only the newline; bytes behind the last newline that do not fill it are never run.
 */
export function splitLines(input: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0;;) {
    const newline = input.indexOf(NEWLINE, start);
    const filled = start + MAX_LINE;
    if (newline >= 0 && newline < filled) {
      lines.push(input.subarray(start, newline));
      start = newline + 1;
    } else if (filled <= input.length) {
      lines.push(input.subarray(start, filled));
      start = filled;
    } else return lines;
  }
}

/** The words of a line, up to the first NUL; later words than the 32nd are not seen. */
export function splitWords(line: Uint8Array): string[] {
  const nul = line.indexOf(0);
  const bytes = nul < 0 ? line : line.subarray(0, nul);
  const words: string[] = [];
  let at = 0;
  while (words.length < MAX_WORDS) {
    while (isSpace(bytes[at])) at++;
    if (at >= bytes.length) break;
    const quote = QUOTES.includes(bytes[at]!) ? bytes[at++] : undefined;
    const word: number[] = [];
    for (; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte === BACKSLASH) { // between single quotes as well, unlike in a shell
        if (++at < bytes.length) word.push(bytes[at]!);
      } else if (quote === undefined ? isSpace(byte) : byte === quote) {
        at++; // a closing quote ends the word, whatever follows
        break;
      } else word.push(byte);
    }
    words.push(decodeWord(Uint8Array.from(word)));
  }
  return words;
}

/** A word as text. Bytes that are no UTF-8, as a cut leaves them, become lone surrogates. */
function decodeWord(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const units = Array.from(bytes, (byte) => byte < 0x80 ? byte : 0xdc00 + byte);
    return String.fromCharCode(...units);
  }
}

/** The bytes of a word again. */
export function encodeWord(word: string): Uint8Array {
  if (word.isWellFormed()) return new TextEncoder().encode(word);
  return Uint8Array.from(word, (unit) => unit.charCodeAt(0) & 0xff);
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}
