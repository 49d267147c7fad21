/** Messages for signatures and MACs: a list of fields, each with its length, so that none can slide into another. */

import { encodeUtf8 } from "./encoding.ts";

const LENGTH_BYTES = 4;

/** A field: bytes, or text as UTF-8. */
export type Field = string | Uint8Array;

/** Every field behind its length in bytes, a 32-bit number with the highest byte first. */
export function encodeTranscript(fields: readonly Field[]): Uint8Array<ArrayBuffer> {
  const parts = fields.map((field) => typeof field === "string" ? encodeUtf8(field) : field);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + LENGTH_BYTES + part.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length);
    bytes.set(part, at + LENGTH_BYTES);
    at += LENGTH_BYTES + part.length;
  }
  return bytes;
}
