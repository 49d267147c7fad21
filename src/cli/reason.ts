/** Why somebody decides or revokes: `--reason`. */

import { PalyraError } from "../errors.ts";
import { isReason, MAX_REASON } from "../identity/document.ts";

/** A flag that says why. */
export interface ReasonFlags {
  readonly reason?: string | undefined;
}

/** The reason; empty where none is given. Throws `usage`. */
export function reasonOf({ reason = "" }: ReasonFlags): string {
  if (isReason(reason)) return reason;
  throw new PalyraError(
    "usage",
    `Cannot use --reason: it is one line of at most ${MAX_REASON} characters`,
  );
}
