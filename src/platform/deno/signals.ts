/** Signals that palyra gets while it stands in for a command: they are the command's. */

import { closeDebugger, prepareToClose } from "./debugger.ts";
import { pause } from "./environment.ts";

/** Those that ask a program to do something. */
const FORWARDED: readonly Deno.Signal[] = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGWINCH",
];
const FORWARDED_ON_WINDOWS: readonly Deno.Signal[] = ["SIGINT", "SIGBREAK"];
/** What a terminal sends to all processes of its foreground group. */
const OF_TERMINALS: readonly Deno.Signal[] = ["SIGINT", "SIGQUIT", "SIGBREAK"];

/** The runtime hears SIGUSR1 itself, but not in its first half second; most commands are done by then. */
const DEBUGGER_AFTER_MS = 300;

/** Gives signals to `send` until disposed of; none of them ends palyra, and ignored ones go nowhere. */
export function forwardSignals(
  ignored: readonly Deno.Signal[],
  send: (signal: Deno.Signal) => void,
): Disposable {
  const all = Deno.build.os === "windows" ? FORWARDED_ON_WINDOWS : FORWARDED;
  const listeners = all.map((signal) => {
    const listener = (): void => {
      if (signal === "SIGUSR1") void closeDebugger();
      if (ignored.includes(signal)) return;
      if (!OF_TERMINALS.includes(signal) || !isInForeground()) send(signal);
    };
    Deno.addSignalListener(signal, listener);
    return { signal, listener };
  });
  let isOver = false;
  void pause(DEBUGGER_AFTER_MS).then(() => isOver ? undefined : prepareToClose());
  return {
    [Symbol.dispose]: () => {
      isOver = true;
      for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
    },
  };
}

/** Whether the terminal sends its signals to palyra's process group, and so to the command as well. */
function isInForeground(): boolean {
  // After the name in parentheses: state, parent, group, session, terminal, the terminal's group.
  const fields = /^.*\) \S+ \S+ (\S+) \S+ \S+ (\S+)/s.exec(statusLine());
  if (fields !== null) return fields[1] === fields[2];
  return [Deno.stdin, Deno.stdout, Deno.stderr].some((stream) => stream.isTerminal());
}

function statusLine(): string {
  try {
    return Deno.build.os === "linux" ? Deno.readTextFileSync("/proc/self/stat") : "";
  } catch {
    return "";
  }
}
