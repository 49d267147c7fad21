/** Reading a stream to its end within a limit, so that no input fills the memory. */

import { PalyraError } from "../../errors.ts";

const CHUNK = 65_536;

interface Reader {
  read(buffer: Uint8Array): Promise<number | null>;
}

/** All bytes of a stream. Throws `usage` as soon as there are more than `maxBytes`. */
export async function readWithin(
  reader: Reader,
  maxBytes: number,
  what: string,
): Promise<Uint8Array<ArrayBuffer>> {
  let buffer = new Uint8Array(Math.min(CHUNK, maxBytes + 1));
  let length = 0;
  while (true) {
    const count = await reader.read(buffer.subarray(length));
    if (count === null) break;
    length += count;
    if (length > maxBytes) {
      buffer.fill(0);
      throw new PalyraError("usage", `Cannot read ${what}: it is larger than ${maxBytes} bytes`);
    }
    if (length === buffer.length) buffer = grown(buffer, maxBytes + 1);
  }
  const result = buffer.slice(0, length);
  buffer.fill(0);
  return result;
}

function grown(buffer: Uint8Array<ArrayBuffer>, limit: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(buffer.length * 4, limit));
  larger.set(buffer);
  buffer.fill(0); // it held a secret
  return larger;
}
