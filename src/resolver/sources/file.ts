/** Values from files that only this user and root can have put there. */

import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import type { SecretFiles } from "../../platform/foreign_files.ts";
import type { FileRef } from "../secret_ref.ts";
import { withoutLineEnd } from "./line_end.ts";

/** Most bytes of a file, where its reference names no other limit. */
export const DEFAULT_MAX_BYTES = 65_536;

/**
 * Reads a file. Throws `not_found` for one that is certainly not there or is empty, `denied` for one
 * that cannot be trusted, `usage` for one that is too large.
 */
export function resolveFromFile(
  files: SecretFiles,
  { path, trustedDirs, allowSymlinks, raw }: FileRef,
  maxBytes = DEFAULT_MAX_BYTES,
): SensitiveBytes {
  const bytes = files.read({ path, trustedDirs, allowSymlinks, maxBytes });
  const value = bytes && withoutLineEnd(bytes, raw);
  if (value !== undefined && value.length > 0) return new SensitiveBytes(value);
  const why = value === undefined ? "there is no such file" : "the file is empty";
  throw new PalyraError("not_found", `Cannot read ${path}: ${why}`);
}
