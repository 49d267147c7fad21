/** Commands that are killed somewhere in their run, however fast the machine is just now. */

import type { Dice } from "./dice.ts";

/** Which part of a whole run the kills are spread over. */
const [FROM, TO] = [0.2, 1.1];

/** Runs a command to its end, or to a kill on the way. */
export type KilledRun = (start: () => Promise<Deno.ChildProcess>) => Promise<void>;

/** The first run is a whole one: how long that takes is learned from those that end by themselves. */
export function killWithin(dice: Dice): KilledRun {
  let wholeMs: number | undefined;
  return async (start) => {
    const started = performance.now();
    const child = await start();
    const timer = wholeMs === undefined ? undefined : setTimeout(() => {
      try {
        child.kill("SIGKILL");
      } catch { /* it has ended */ }
    }, wholeMs * (FROM + dice.next() * (TO - FROM)));
    const { signal } = await child.output();
    clearTimeout(timer);
    if (signal === null) wholeMs = performance.now() - started;
  };
}
