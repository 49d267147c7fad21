/** Errors of a manifest say which of its entries they are about. */

import { isPalyraError, PalyraError } from "../errors.ts";

/** Runs something for an entry; its errors name the entry's number. Without one they stay as they are. */
export function inEntry<T>(number: number | undefined, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw number === undefined ? error : namedFor(number, error);
  }
}

/** The error with the entry's number in it; what is no error of palyra's own stays as it is. */
export function namedFor(number: number, error: unknown): unknown {
  if (!isPalyraError(error)) return error;
  const { code, message, hint, details } = error;
  return new PalyraError(code, `Entry ${number} of the manifest: ${message}`, {
    ...(hint === undefined ? {} : { hint }),
    details: { ...details, entry: number },
  });
}
