/** HKDF-SHA-256 (RFC 5869), the only key derivation of palyra. */

import { encodeUtf8 } from "./encoding.ts";

/** What a derivation is bound to. */
export interface HkdfParameters {
  /** RFC 5869 section 3.1; empty stands for a string of zeros. */
  readonly salt: Uint8Array<ArrayBuffer>;
  /** RFC 5869 section 3.2: what the output is for. */
  readonly info: string;
  /** Length of the output in bytes. */
  readonly length: number;
}

/** Makes key material usable by {@link hkdf}; the bytes may be wiped afterwards. */
export function importHkdfKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveBits"]);
}

/** Derives bytes from key material. */
export async function hkdf(
  key: CryptoKey,
  { salt, info, length }: HkdfParameters,
): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = { name: "HKDF", hash: "SHA-256", salt, info: encodeUtf8(info) };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, length * 8));
}
