/**
 * Base64 of a value that may stand within something larger: before it may be 0, 1 or 2 bytes that share
 * a character with it, and so after it. The characters that it fills alone are the form; what it gives
 * to the two beside them is compared bit by bit, so that a value that differs in its last bits is none.
 */

import { encodeUtf8 } from "../crypto/encoding.ts";

const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** The 6 bits of each character of both alphabets (RFC 4648), 255 for others. */
const BITS_OF = new Uint8Array(256).fill(255);
for (let bits = 0; bits < 64; bits++) BITS_OF[STANDARD.charCodeAt(bits)] = bits;
BITS_OF["-".charCodeAt(0)] = 62;
BITS_OF["_".charCodeAt(0)] = 63;

/** Bits that a base64 character beside a form must have, of the 6 that it stands for. */
export interface EdgeBits {
  readonly mask: number;
  readonly bits: number;
}

/** A form, and what must stand beside it. */
export interface AlignedForm {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly before: EdgeBits | undefined;
  readonly after: EdgeBits | undefined;
}

/** Both alphabets at the three alignments. */
export function alignedBase64(value: Uint8Array): AlignedForm[] {
  return [0, 1, 2].flatMap((shift) => {
    const padded = new Uint8Array(shift + value.length + 2); // zeros before and after
    padded.set(value, shift);
    const end = (shift + value.length) * 8;
    const first = Math.ceil(shift * 8 / 6);
    const last = Math.floor(end / 6); // exclusive
    const all = padded.toBase64({ omitPadding: true });
    const edge = (at: number, mask: number): EdgeBits | undefined =>
      mask === 0 ? undefined : { mask, bits: BITS_OF[all.charCodeAt(at)]! & mask };
    // Of the character before, the low bits are the value's; of the one after, the high ones.
    const low = first * 6 - shift * 8;
    const high = end - last * 6;
    const before = edge(first - 1, (1 << low) - 1);
    const after = edge(last, 63 ^ ((1 << (6 - high)) - 1));
    const text = all.slice(first, last);
    padded.fill(0);
    return [text, text.replaceAll("+", "-").replaceAll("/", "_")].map((one) => ({
      bytes: encodeUtf8(one),
      before,
      after,
    }));
  });
}

/** Whether a character has these bits. */
export function hasBits(byte: number | undefined, { mask, bits }: EdgeBits): boolean {
  const found = byte === undefined ? 255 : BITS_OF[byte]!;
  return found !== 255 && (found & mask) === bits;
}
