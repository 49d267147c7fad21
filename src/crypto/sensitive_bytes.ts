/** Bytes that cannot be printed by accident: every text form of them is `[redacted]`. */

const REDACTED = "[redacted]";

/**
 * A secret value or key in memory.
 *
 * `using` (or `Symbol.dispose`) overwrites the bytes with zeros. Copies that the engine or WebCrypto
 * made are out of reach, and a JavaScript string cannot be wiped at all.
 */
export class SensitiveBytes implements Disposable {
  readonly #bytes: Uint8Array<ArrayBuffer>;

  /** Takes the bytes over: the caller no longer uses or wipes them. */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  /** The bytes themselves, on purpose. They are zeros once this has been disposed of. */
  reveal(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.for("Deno.customInspect")](): string {
    return REDACTED;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return REDACTED;
  }

  [Symbol.dispose](): void {
    this.#bytes.fill(0);
  }
}
