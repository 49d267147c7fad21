/** How URLs and JSON show a value: the same characters are escaped by some programs and not by others. */

/** What stays as it is, and what a blank becomes: the habits of programs that encode for URLs. */
const PERCENT_HABITS: readonly (readonly [RegExp, string])[] = [
  [/[A-Za-z0-9._~-]/, "%20"], // RFC 3986, curl
  [/[A-Za-z0-9._~!*'()-]/, "%20"], // encodeURIComponent
  [/[A-Za-z0-9._~!*'();,/?:@&=+$#-]/, "%20"], // encodeURI
  [/[A-Za-z0-9._~/-]/, "%20"], // Python's quote
  [/[A-Za-z0-9._~-]/, "+"], // Python's quote_plus, Go
  [/[A-Za-z0-9._*-]/, "+"], // HTML forms, URLSearchParams
];

/** Percent-encoded, with digits of either case. */
export function percentForms(value: Uint8Array): string[] {
  return PERCENT_HABITS.flatMap(([unescaped, blank]) => {
    const upper = Array.from({ length: 256 }, (_, byte) => {
      const character = String.fromCharCode(byte);
      if (character === " ") return blank;
      return unescaped.test(character) ? character : `%${hexOf(byte, 2).toUpperCase()}`;
    });
    const lower = upper.map((text) => text.length === 3 ? text.toLowerCase() : text);
    return [replaced(value, upper), replaced(value, lower)];
  });
}

function replaced(value: Uint8Array, table: readonly string[]): string {
  let text = "";
  for (const byte of value) text += table[byte]!;
  return text;
}

/** As it stands within a JSON string: plainly, for HTML (Go), for PHP, and in ASCII only (Python). */
export function jsonForms(text: string): string[] {
  const plain = JSON.stringify(text).slice(1, -1);
  const forHtml = plain.replaceAll(/[<>&\u2028\u2029]/g, escape);
  const ascii = (one: string): string => one.replaceAll(/[^\0-\x7e]/g, escape);
  const slashed = (one: string): string => one.replaceAll("/", "\\/");
  return [plain, forHtml, ascii(plain), slashed(plain), slashed(ascii(plain)), ascii(forHtml)]
    .flatMap((one) => [one, one.replaceAll(/\\u[0-9a-f]{4}/g, upperCase)]);
}

function escape(character: string): string {
  return `\\u${hexOf(character.charCodeAt(0), 4)}`;
}

function upperCase(escaped: string): string {
  return `\\u${escaped.slice(2).toUpperCase()}`;
}

function hexOf(number: number, digits: number): string {
  return number.toString(16).padStart(digits, "0");
}
