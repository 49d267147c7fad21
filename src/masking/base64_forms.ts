/** How base64 (RFC 4648, sections 4 and 5) shows a value, wherever the value begins in what is encoded. */

/** Characters that depend on what stands before the value, by the number of bytes before it, modulo 3. */
const FOREIGN_CHARACTERS = [0, 2, 3] as const;
/** Columns at which `base64` and PEM break lines; both hold whole groups of three bytes. */
const COLUMNS = [76, 64] as const;
const ALPHABETS = ["base64", "base64url"] as const;

/**
 * For each of the three alignments the characters that the value alone decides, and what stands at
 * its end when nothing follows it, with and without padding; and the lines of wrapped base64.
 */
export function base64Forms(value: Uint8Array): string[] {
  return ALPHABETS.flatMap((alphabet) => [
    ...FOREIGN_CHARACTERS.flatMap((foreign, before) => {
      const bytes = new Uint8Array(before + value.length);
      bytes.set(value, before);
      const text = bytes.toBase64({ alphabet });
      bytes.fill(0);
      const decided = Math.floor(bytes.length * 8 / 6);
      const written = Math.ceil(bytes.length * 8 / 6);
      return [text.slice(foreign, decided), text.slice(foreign, written), text.slice(foreign)];
    }),
    ...wrapped(value.toBase64({ alphabet })),
  ]);
}

function wrapped(text: string): string[] {
  return COLUMNS.filter((columns) => text.length > columns)
    .flatMap((columns) => text.match(new RegExp(`.{1,${columns}}`, "g"))!);
}
