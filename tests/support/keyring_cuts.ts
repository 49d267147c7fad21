/** A command that is killed at one chosen system call of its own, while its keyring lives on. */

import { type Call, type Injection, injectionsFor, isReached } from "./crash_calls.ts";
import type { KeyringUser, Said } from "./keyring_user.ts";
import { SIGNALLING_STRACE, STRACE } from "./strace.ts";

/**
 * Calls that change what is on disk, and those around a program that is started: before it, after it
 * and before its input, and when it has ended.
 */
const CUT = [
  "fsync",
  "pwrite64",
  "unlink",
  "rename",
  "link",
  "linkat",
  "clone",
  "pidfd_open",
  "wait4",
];

/** Runs a command and gives the calls of its main thread. */
export async function rehearse(
  user: KeyringUser,
  args: readonly string[],
  stdin?: string,
): Promise<Call[]> {
  const log = Deno.makeTempFileSync({ prefix: "palyra-calls-" });
  try {
    await user.succeed(args, { stdin, through: [...STRACE, ...watching(log)] });
    return callsIn(Deno.readTextFileSync(log), user.root);
  } finally {
    Deno.removeSync(log);
  }
}

/** One cut at every call of each name; at most so many of a name, spread evenly. */
export function cutsFor(calls: readonly Call[], most: number): Injection[] {
  return injectionsFor(calls, () => "signal=SIGKILL", most);
}

/** A run that was to be killed at a call. */
export interface CutRun {
  readonly said: Said;
  /** It came to that call: one run can make fewer calls than another, keys and texts differ in length. */
  readonly isReached: boolean;
}

/** Runs a command that is killed at a call; what it had started may end by itself. */
export async function cut(
  user: KeyringUser,
  args: readonly string[],
  injection: Injection,
  stdin?: string,
): Promise<CutRun> {
  const inject = ["-e", `inject=${injection.name}:signal=SIGKILL:when=${injection.at}`];
  const log = Deno.makeTempFileSync({ prefix: "palyra-calls-" });
  try {
    const through = [...SIGNALLING_STRACE, ...watching(log), ...inject];
    const said = await user.run(args, { stdin, through });
    return {
      said,
      isReached: isReached(injection, callsIn(Deno.readTextFileSync(log), user.root)),
    };
  } finally {
    Deno.removeSync(log);
  }
}

function watching(log: string): string[] {
  return ["-y", "-o", log, "-e", `trace=execve,${CUT.join()}`];
}

/** Calls of the thread that was there first, by its execve: no other one writes, or starts programs. */
function callsIn(log: string, root: string): Call[] {
  const counts = new Map<string, number>();
  const main = /^(\d+)/.exec(log)?.[1];
  return log.split("\n").flatMap((line) => {
    const [, thread, name, rest] = /^(\d+) +(\w+)\((.*)$/.exec(line) ?? [];
    if (name === undefined || name === "execve" || thread !== main) return [];
    const at = (counts.get(name) ?? 0) + 1;
    counts.set(name, at);
    const paths = [...rest!.matchAll(/[<"](\/[^">]*)[">]/g)].map((match) => match[1]!);
    const isOwn = ["clone", "pidfd_open", "wait4"].includes(name) ||
      paths.some((path) => path.startsWith(root));
    return isOwn ? [{ name, at, paths, failed: false, injected: false }] : [];
  });
}
