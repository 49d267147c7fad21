/** Values from environment variables; naming one on the command line is what allows it. */

import { encodeUtf8 } from "../../crypto/encoding.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import type { Environment } from "../../platform/platform.ts";

/** Reads a variable. Throws `not_found` when it is unset or empty, `usage` when it is not Unicode. */
export function resolveFromEnvironment(
  environment: Environment,
  variable: string,
): SensitiveBytes {
  const text = environment.get(variable);
  if (text !== undefined && text !== "") return new SensitiveBytes(encodeUtf8(text));
  const why = text === undefined ? "the variable is not set" : "the variable is empty";
  throw new PalyraError("not_found", `Cannot read env:${variable}: ${why}`);
}
