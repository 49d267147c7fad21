/** ULIDs: 48 bits of time and 80 of randomness in Crockford's base 32 (github.com/ulid/spec). */

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TIME_CHARACTERS = 10;
const RANDOM_CHARACTERS = 16;

/** What {@link makeUlid} writes. The first character is at most 7: 26 characters hold 130 bits. */
export const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** A ULID of this instant (milliseconds since 1970) with these 10 random bytes. */
export function makeUlid(nowMs: number, random: Uint8Array): string {
  return encode(BigInt(nowMs), TIME_CHARACTERS) +
    encode(BigInt(`0x${random.toHex()}`), RANDOM_CHARACTERS);
}

function encode(value: bigint, length: number): string {
  let text = "";
  for (let at = 0; at < length; at++) {
    text = ALPHABET[Number(value & 31n)]! + text;
    value >>= 5n;
  }
  return text;
}
