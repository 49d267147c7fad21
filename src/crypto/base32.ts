/** Base 32 (RFC 4648 section 6) without padding, for what people type and QR codes hold densely. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BITS = 5;

/** Upper-case text of bytes. */
export function encodeBase32(bytes: Uint8Array): string {
  let text = "";
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << 8 | byte) & 0xfff; // never more than 12 bits wait
    bits += 8;
    while (bits >= BITS) {
      bits -= BITS;
      text += ALPHABET[held >> bits & 31]!;
    }
  }
  return bits === 0 ? text : text + ALPHABET[held << BITS - bits & 31]!;
}

/** The bytes of a text; `undefined` for anything that {@link encodeBase32} would not have written. */
export function decodeBase32(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(Math.floor(text.length * BITS / 8));
  let held = 0;
  let bits = 0;
  let at = 0;
  for (const character of text) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) return undefined;
    held = (held << BITS | value) & 0xfff;
    bits += BITS;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = held >> bits & 0xff;
  }
  return encodeBase32(bytes) === text ? bytes : undefined;
}
