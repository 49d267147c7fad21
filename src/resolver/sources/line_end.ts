/** The one line end that editors and programs put behind a value. */

/** The bytes without one trailing `\n` or `\r\n`, unless they are wanted as they are; the rest is wiped. */
export function withoutLineEnd(
  bytes: Uint8Array<ArrayBuffer>,
  raw: boolean,
): Uint8Array<ArrayBuffer> {
  if (raw || bytes.at(-1) !== 0x0a) return bytes;
  const value = bytes.slice(0, bytes.at(-2) === 0x0d ? -2 : -1);
  bytes.fill(0);
  return value;
}
