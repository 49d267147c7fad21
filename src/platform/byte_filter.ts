/** What changes a stream of bytes on its way through palyra. */

/** A filter of one stream. What it returns is only valid until it is called again. */
export interface ByteFilter {
  /** Takes bytes in; returns what can be passed on now. */
  push(bytes: Uint8Array): Uint8Array;
  /** Whether something is held back that {@link release} should let go when nothing comes for a while. */
  readonly holdsBriefly: boolean;
  /** Lets go what is held back. */
  release(): Uint8Array;
  /** The stream is at its end: what is left. */
  end(): Uint8Array;
}
