/** In which forms a value may turn up in a log: each is to be masked before the value is exported. */

import { encodeUtf8 } from "../crypto/encoding.ts";
import type { Variable } from "./variable.ts";

/** The value, each of its lines, and its base64, URL-encoded and JSON-escaped forms; none is blank. */
export function maskedForms(variables: readonly Variable[]): string[] {
  const forms = variables.flatMap(({ text }) => {
    const bytes = encodeUtf8(text);
    return [
      text,
      ...text.split(/\r\n|[\r\n]/).map((line) => line.trim()),
      bytes.toBase64(),
      bytes.toBase64({ alphabet: "base64url", omitPadding: true }),
      encodeURIComponent(text),
      JSON.stringify(text).slice(1, -1),
    ];
  });
  return [...new Set(forms)].filter((form) => form.trim() !== "");
}
