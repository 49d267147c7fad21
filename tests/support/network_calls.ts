/** What programs ask of the network, seen from outside by strace, where there is no network at all. */

import { type Ended, runProcess } from "./process.ts";
import { STRACE } from "./strace.ts";

/** What to run, and where the trace goes. */
export interface Watched {
  /** A script for sh, which looks nobody up by itself; its arguments begin with `$1`. */
  readonly script: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** A file that does not exist yet. */
  readonly trace: string;
}

/** How it ended. */
export interface Seen {
  readonly ended: Ended;
  /** Each call that makes a socket or reaches for an address. */
  readonly calls: readonly string[];
  /** Programs that were started. */
  readonly programs: number;
}

const REACHING = /\b(?:socket|connect|bind|listen|accept4?|sendto|sendm?msg)\(/;

/** Runs a script in a network of its own, in which nobody else is and nothing is up. */
export async function watchAlone({ script, args, env, cwd, trace }: Watched): Promise<Seen> {
  const alone = ["/usr/bin/unshare", "--net"];
  const seen = [...STRACE, "-e", "trace=%network,execve", "-o", trace];
  const argv = [...alone, ...seen, "/bin/sh", "-euc", script, "sh", ...args];
  const ended = await runProcess({ argv, env, cwd, timeoutMs: 120_000 });
  const lines = Deno.readTextFileSync(trace).split("\n");
  return {
    ended,
    calls: lines.filter((line) => REACHING.test(line)),
    programs: lines.filter((line) => /\bexecve\b.* = 0$/.test(line)).length,
  };
}
