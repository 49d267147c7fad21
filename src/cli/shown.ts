/** Texts of others (paths, keys of a config) on a terminal: its codes are shown, not obeyed. */

import { encodeUtf8 } from "../crypto/encoding.ts";

/** The text with control characters, and those that turn the direction of writing, as hex digits. */
export function shown(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Bidi_Control}]/gu,
    (character) => `\\x${encodeUtf8(character).toHex()}`,
  );
}
