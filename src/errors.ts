/** The one error that palyra's rooms throw, and the closed union of its codes. */

/** Every way palyra can fail. Codes are public: add one, never rename one. */
export type ErrorCode =
  | "internal"
  | "usage"
  | "auth"
  | "connectivity"
  | "unavailable"
  | "denied"
  | "precondition"
  | "not_found"
  | "integrity"
  | "findings"
  | "not_due"
  | "would_prompt";

/** What a {@link PalyraError} may carry beside its code and message. */
export interface PalyraErrorOptions extends ErrorOptions {
  /** What the user can do about it: one sentence, no secret in it. */
  readonly hint?: string;
  /** Fields for the `details` of the JSON form: names and numbers, never values. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * A failure that palyra foresaw.
 *
 * Its message says what could not be done, a colon, and why. It never holds a secret value, nor
 * input that was refused (a value typed where a name belongs would end up in a log).
 */
export class PalyraError extends Error {
  override readonly name = "PalyraError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, options: PalyraErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.hint = options.hint;
    this.details = options.details;
  }
}

/** Tells whether something caught is a {@link PalyraError}, of the given code if one is named. */
export function isPalyraError(error: unknown, code?: ErrorCode): error is PalyraError {
  return error instanceof PalyraError && (code === undefined || error.code === code);
}

/** What stands behind the colon of a message, which says why; the place is told beside it. */
export function clauseOf({ message }: { readonly message: string }): string {
  const cut = message.indexOf(": ");
  return cut === -1 ? message : message.slice(cut + 2);
}
