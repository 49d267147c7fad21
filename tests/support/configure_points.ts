/** A `configure` that is cut at one chosen system call, and the step that it had come to. */

import assert from "node:assert/strict";
import { type Change, chooseChange, type Kind, withBackups } from "./configure_change.ts";
import { assertSettled, judge, type Outcome } from "./configure_judge.ts";
import type { Place } from "./configure_place.ts";
import { recover, RECOVERIES } from "./configure_round.ts";
import { orExplain } from "./configure_tally.ts";
import { look } from "./configure_witness.ts";
import { type Call, injectionsFor, watch, type Watched } from "./crash_calls.ts";
import type { Ran } from "./crash_process.ts";
import type { Dice } from "./dice.ts";

/** What was done, and on disk, when the process was cut. */
export type Step = "nothing" | "staged" | "new text" | "replaced" | "concluded";

/** All steps in their order. */
export const STEPS: readonly Step[] = ["nothing", "staged", "new text", "replaced", "concluded"];

/** One cut: where it had come to, and what became of it. */
export interface Cut {
  readonly step: Step;
  readonly outcome: Outcome;
}

/**
 * Runs a change to its end, then others like it, each of them cut at another call, and settled by
 * another command. What had replaced the config is finished, everything else undone.
 */
export async function cutEverywhere(
  place: Place,
  dice: Dice,
  { kind, most }: {
    readonly kind: Kind;
    /** Cuts at each kind of system call. */
    readonly most: number;
  },
): Promise<Cut[]> {
  let round = 0;
  const choose = (): Change => {
    const change = chooseChange(place, dice, kind, ++round);
    return kind === "configure" ? withBackups(change) : change; // one of both is enough
  };
  const rehearsed = choose();
  const { ran, calls } = await watchChange(place, rehearsed);
  await settle(place, dice, { change: rehearsed, ran, round });
  const cuts: Cut[] = [];
  for (const injection of injectionsFor(calls, () => "signal=SIGKILL", most)) {
    const change = choose();
    const watched = await watchChange(place, change, injection);
    const step = stepOf(place, watched.calls);
    const at = watched.calls.at(-1);
    await orExplain(dice, `${kind} cut at ${at?.name} ${at?.paths}, ${step}`, place, async () => {
      const outcome = await settle(place, dice, { change, ran: watched.ran, round });
      if (!watched.ran.killed) return; // another secret, another number of calls
      assert.equal(outcome, step === "replaced" || step === "concluded" ? "finished" : "undone");
      cuts.push({ step, outcome });
    });
  }
  return cuts;
}

async function settle(
  place: Place,
  dice: Dice,
  { change, ran, round }: {
    readonly change: Change;
    readonly ran: Ran;
    readonly round: number;
  },
): Promise<Outcome> {
  const sets = new Map<string, string>();
  const scene = { place, change, sets, editor: undefined, putsBack: false };
  if (dice.next() < 0.5) await look(scene);
  await recover(place, dice.pick(RECOVERIES), round);
  const { outcome } = await judge(place, { change, ran, sets, editor: undefined });
  await assertSettled(place);
  return outcome;
}

/** Runs a change under strace. */
export async function watchChange(
  { path, state, config }: Place,
  { args, stdin }: Change,
  injection?: Parameters<typeof watch>[1],
): Promise<Watched> {
  const own = ["--config", config, "--state-root", state];
  return await watch({ root: path, args: [...args, ...own], stdin }, injection);
}

/** How far it came: the last call is the one that did not happen any more. */
function stepOf({ config, state }: Place, calls: readonly Call[]): Step {
  const done = calls.slice(0, -1);
  const isNewText = ({ paths }: Call): boolean => paths[0]!.includes("/.palyra.toml.palyra-");
  const isCommit = ({ name, paths }: Call): boolean =>
    name === "unlink" && paths[0] === `${state}/vault/vault.db-journal`;
  const replaced = done.findIndex(({ name, paths }) => name === "rename" && paths[1] === config);
  if (replaced >= 0) return done.slice(replaced).some(isCommit) ? "concluded" : "replaced";
  if (done.some((call) => call.name === "fsync" && isNewText(call))) return "new text";
  return done.some(isCommit) ? "staged" : "nothing";
}
