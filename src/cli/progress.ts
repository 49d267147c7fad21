/** Progress on standard error, for a person who waits for more than a second. */

import type { Progress } from "../vault/progress.ts";
import type { App } from "./app.ts";

const PATIENCE_MS = 1_000;
const EVERY_MS = 200;
/** Back to the begin of the line, and erase it (ECMA-48). */
const ERASE = "\r\x1b[K";

/** Shows how far something is; on disposing the line is gone again. */
export interface ShownProgress extends Disposable {
  readonly report: Progress;
}

/** `what` completes "… 5 of 10". Shows nothing where nobody watches, or quiet is wanted. */
export function showProgress({ platform, options }: App, what: string): ShownProgress {
  const { clock, streams, terminal } = platform;
  const isWatched = !options.quiet && terminal.errorIsTerminal();
  const begun = clock.now();
  let last = begun + PATIENCE_MS - EVERY_MS;
  let shown = false;
  function report(done: number, total: number): void {
    const now = clock.now();
    if (!isWatched || now - last < EVERY_MS) return;
    last = now;
    shown = true;
    streams.writeError(`${ERASE}palyra: ${what} ${done} of ${total}`);
  }
  function dispose(): void {
    if (shown) streams.writeError(ERASE);
  }
  return { report, [Symbol.dispose]: dispose };
}
