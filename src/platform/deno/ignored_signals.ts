/**
 * Signals that were ignored when palyra was started (`nohup`, the background of a script): they stay
 * so for the command. The first listener of the runtime ends that for three of them; a shell makes
 * it so again, and becomes the command.
 */

/** Signals and their bits in the masks of Linux. */
const NUMBERS: readonly (readonly [Deno.Signal, number])[] = [
  ["SIGHUP", 1],
  ["SIGINT", 2],
  ["SIGQUIT", 3],
  ["SIGUSR1", 10],
  ["SIGUSR2", 12],
  ["SIGTERM", 15],
  ["SIGWINCH", 28],
];
/** Those that the runtime listens to itself, as soon as anybody listens to anything. */
const LOST: readonly Deno.Signal[] = ["SIGHUP", "SIGINT", "SIGTERM"];
const SHELL = "/bin/sh";

/** What is ignored now; none where the system does not tell. Only true before the first listener. */
export function ignoredSignals(): Deno.Signal[] {
  let status = "";
  try {
    if (Deno.build.os === "linux") status = Deno.readTextFileSync("/proc/self/status");
  } catch { /* no /proc */ }
  const mask = BigInt(`0x${/^SigIgn:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return NUMBERS.filter(([, number]) => (mask >> BigInt(number - 1) & 1n) === 1n)
    .map(([signal]) => signal);
}

/** Whether the command would lose one of these, if it were started plainly. */
export function losesIgnored(ignored: readonly Deno.Signal[]): boolean {
  return ignored.some((signal) => LOST.includes(signal));
}

/** A program and arguments that become the command with these signals ignored. */
export function ignoring(
  ignored: readonly Deno.Signal[],
  command: readonly string[],
): readonly [string, ...string[]] {
  const names = ignored.map((signal) => signal.slice("SIG".length)).join(" ");
  return [SHELL, "-c", `trap '' ${names}; exec "$@"`, "palyra", ...command];
}
