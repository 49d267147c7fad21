/** The user's own command, which palyra runs in its place: the port. */

import type { PalyraError } from "../errors.ts";
import type { ByteFilter } from "./byte_filter.ts";

/** Runs one command with palyra's own streams, terminal and working directory. */
export interface Foreground {
  /**
   * The user's variables, as they were before a launcher of palyra changed any. Those that are not
   * valid Unicode are left out; they are inherited all the same.
   */
  variables(): ReadonlyMap<string, string>;
  /**
   * Starts the command and waits for its end. Signals that palyra gets go to the command; INT and
   * QUIT not where the terminal has sent them to both already. Throws `unavailable` when nothing can
   * be started at all.
   */
  run(request: ForegroundRequest): Promise<ForegroundEnd>;
}

/** What to run. */
export interface ForegroundRequest {
  /** A name is looked up as `execvp` does: with a slash it is a path, else in {@link path}. */
  readonly command: readonly [string, ...string[]];
  /** Directories with colons between them; `undefined` for the system's own. */
  readonly path: string | undefined;
  /** No variable is inherited. */
  readonly cleared: boolean;
  /** Variables that are not inherited. */
  readonly dropped: readonly string[];
  /** Variables beside those that are inherited, or in their place. */
  readonly variables: ReadonlyMap<string, string>;
  /**
   * Makes what each of the output streams passes through. Where standard input and output are
   * terminals, and `script` is there, the command has a terminal of its own.
   */
  readonly filter: (() => ByteFilter) | undefined;
}

/** How the command ended. */
export interface ForegroundEnd {
  /** The command's own, or 128 plus the number of the signal that ended it; 126 and 127 with {@link failure}. */
  readonly status: number;
  /** Why it was not started, or what of its output was lost. */
  readonly failure?: PalyraError;
  /**
   * The command was ended by SIGINT: ends palyra in the same way, so that a shell's loop or script
   * ends too. Returns where that is not possible.
   */
  readonly endAlike?: () => Promise<void>;
}
