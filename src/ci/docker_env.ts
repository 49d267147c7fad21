/** Files for `docker run --env-file` and podman's: raw text behind `=`, one line each. */

import { encodeUtf8 } from "../crypto/encoding.ts";
import { cannotExport, requireWithout, type Variable } from "./variable.ts";

/** Docker reads lines with Go's bufio.Scanner, whose default limit this is (MaxScanTokenSize). */
const MAX_LINE_BYTES = 65_536;

/** Throws `usage` for a value of more than one line, and for one that is too long for a line. */
export function formatDockerEnv(variables: readonly Variable[]): string {
  return variables.map((variable) => {
    requireWithout(variable, /[\r\n]/, "a file for docker --env-file has one line for each value");
    const line = `${variable.name}=${variable.text}\n`;
    if (encodeUtf8(line).length < MAX_LINE_BYTES) return line;
    throw cannotExport(variable, `docker reads no line of ${MAX_LINE_BYTES} bytes`);
  }).join("");
}
