/** HMAC-SHA-256 (RFC 2104, FIPS 198-1): tags over messages of palyra's own making. */

import { equalBytes } from "./equal_bytes.ts";

const ALGORITHM = { name: "HMAC", hash: "SHA-256" } as const;

/** Makes key bytes usable by {@link hmac}; they may be wiped afterwards. */
export function importMacKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, ALGORITHM, false, ["sign"]);
}

/** The tag of a message: 32 bytes. */
export async function hmac(
  key: CryptoKey,
  message: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.sign(ALGORITHM.name, key, message));
}

/** Whether a tag is that of a message; takes as long for every tag of the right length. */
export async function isMac(
  key: CryptoKey,
  message: Uint8Array<ArrayBuffer>,
  tag: Uint8Array,
): Promise<boolean> {
  return equalBytes(await hmac(key, message), tag);
}
