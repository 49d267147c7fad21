/** Signals that would end palyra, held off while something must not be left half-done. */

import { ignoredSignals } from "./ignored_signals.ts";

const HELD: readonly Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];
const HELD_ON_WINDOWS: readonly Deno.Signal[] = ["SIGINT", "SIGBREAK"];
/** A thread of the runtime ends the process, within a millisecond or two where the machine is idle. */
const ENDED_WITHIN_MS = 1_000;

/** Holds them off until disposed of; the first one that came is then sent again, and ends palyra. */
export function holdSignals(): Disposable {
  const signals = Deno.build.os === "windows" ? HELD_ON_WINDOWS : HELD;
  const ignored = ignoredSignals(); // the first listener ends that
  let came: Deno.Signal | undefined;
  const listeners = signals.map((signal) => {
    const listener = (): void => {
      if (!ignored.includes(signal)) came ??= signal;
    };
    Deno.addSignalListener(signal, listener);
    return { signal, listener };
  });
  return {
    [Symbol.dispose]: () => {
      for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
      if (came !== undefined) end(came);
    },
  };
}

/** Waits for the end: going on, palyra could print its result and exit 0 before the signal arrives. */
function end(signal: Deno.Signal): void {
  Deno.kill(Deno.pid, signal);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ENDED_WITHIN_MS);
}
