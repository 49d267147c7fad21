/** Distinguished Encoding Rules (X.690): writing what certificate lists are made of, and reading elements. */

/** Tags that palyra writes. */
export const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  enumerated: 0x0a,
  sequence: 0x30,
  utcTime: 0x17,
  generalizedTime: 0x18,
  context0: 0xa0,
} as const;

type Bytes = Uint8Array<ArrayBuffer>;

/** One element: its tag, its content, and where it stands. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  /** With tag and length. */
  readonly whole: Uint8Array;
}

const LONG_LENGTH = 0x80;
const MAX_LENGTH_BYTES = 4;

/** An element of these parts. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Bytes {
  return derOf(tag, parts);
}

/** As {@link der}, for more parts than a call can have arguments. */
export function derOf(tag: number, parts: readonly Uint8Array[]): Bytes {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const header = lengthBytes(length);
  const bytes = new Uint8Array(1 + header.length + length);
  bytes[0] = tag;
  bytes.set(header, 1);
  let at = 1 + header.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A number that is not negative, of any size: big-endian, with a zero where its first bit is set. */
export function derInteger(bytes: Uint8Array): Bytes {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const digits = bytes.subarray(start);
  const isHigh = digits.length === 0 || (digits[0]! & 0x80) !== 0;
  return isHigh ? der(TAG.integer, new Uint8Array(1), digits) : der(TAG.integer, digits);
}

/** A whole number from 0 to 2^53 - 1. */
export function derNumber(value: number): Bytes {
  const hex = value.toString(16);
  return derInteger(Uint8Array.fromHex(hex.length % 2 === 0 ? hex : `0${hex}`));
}

/** A time as RFC 5280 section 4.1.2.5 wants it: two digits of the year until 2049, four from then on. */
export function derTime(date: Date): Bytes {
  const text = `${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, "")}Z`;
  const isShort = date.getUTCFullYear() < 2050;
  const encoder = new TextEncoder();
  return isShort
    ? der(TAG.utcTime, encoder.encode(text.slice(2)))
    : der(TAG.generalizedTime, encoder.encode(text));
}

/** An object identifier in dots. */
export function derObjectIdentifier(dots: string): Bytes {
  const [first, second, ...rest] = dots.split(".").map(Number) as [number, number, ...number[]];
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return der(TAG.objectIdentifier, Uint8Array.from(bytes));
}

/** The elements that stand side by side in a content; `undefined` for what is not DER. */
export function derElements(content: Uint8Array): DerElement[] | undefined {
  const elements: DerElement[] = [];
  for (let at = 0; at < content.length;) {
    const element = elementAt(content, at);
    if (element === undefined) return undefined;
    elements.push(element);
    at += element.whole.length;
  }
  return elements;
}

function elementAt(bytes: Uint8Array, start: number): DerElement | undefined {
  const [tag, first] = [bytes[start], bytes[start + 1]];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined;
  let at = start + 2;
  let length = first;
  if (first >= LONG_LENGTH) {
    const count = first - LONG_LENGTH;
    if (count === 0 || count > MAX_LENGTH_BYTES || at + count > bytes.length) return undefined;
    length = bytes.subarray(at, at + count).reduce((sum, byte) => sum * 256 + byte, 0);
    // DER has one form for each length, the shortest.
    if (length < LONG_LENGTH || bytes[at] === 0) return undefined;
    at += count;
  }
  if (at + length > bytes.length) return undefined;
  return {
    tag,
    content: bytes.subarray(at, at + length),
    whole: bytes.subarray(start, at + length),
  };
}

function lengthBytes(length: number): Bytes {
  if (length < LONG_LENGTH) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256);
  return Uint8Array.of(LONG_LENGTH + bytes.length, ...bytes);
}
