/** `configure` is killed at any moment, among editors, other writers and readers. */

import assert from "node:assert/strict";
import type { Kind } from "../support/configure_change.ts";
import { crowdOnAll, crowdOnFields } from "../support/configure_crowd.ts";
import { cutFirst } from "../support/configure_first.ts";
import {
  findStops,
  meetEditor,
  meetEmptiness,
  MEETINGS,
  meetSet,
} from "../support/configure_meeting.ts";
import { openPlace, type Origin } from "../support/configure_place.ts";
import { cutEverywhere, STEPS } from "../support/configure_points.ts";
import { type Company, type Lives, playRound } from "../support/configure_round.ts";
import {
  assertEnough,
  lacksOf,
  orExplain,
  printTally,
  type RoundCounts,
  type Tally,
  tallyOf,
} from "../support/configure_tally.ts";
import { type Dice, rollDice, say } from "../support/dice.ts";
import { whyNoStrace } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";

/**
 * What there must be of each: kills are those that ended a living process. How they are spread depends
 * on the machine and its load, so the rounds go on until all of it was seen.
 */
const LEAST: Partial<Tally> = {
  kills: 300,
  killedFinished: 30,
  killedUndone: 60,
  refused: 3,
  saves: 100,
  sets: 100,
  looks: 300,
};
const MOST_ROUNDS = 1_500;
/** Rounds on one vault before a new one is made. */
const ROUNDS_OF_PLACE = 16;
const LANES = 2;
/** Cuts at each kind of system call of one command. */
const MOST_OF_CALL = 12;
const MOST_OF_FIRST = 6;
/** Moments that were as short as they should be, and how often one is tried: a busy machine is late. */
const [EMPTY_MOMENTS, MOST_MOMENTS] = [3, 60];

const KINDS: readonly Kind[] = ["configure", "apply"];
const COMPANIES: readonly Company[] = [
  { editor: false, sets: false },
  { editor: true, sets: false },
  { editor: false, sets: true },
  { editor: true, sets: true },
];

const testWithStrace = unlessSkipped("no-strace", whyNoStrace());

Deno.test("a killed configure is finished or undone, whoever else is at work", async () => {
  const rounds: RoundCounts[] = [];
  const lives: Lives = new Map();
  let [places, started, late] = [0, 0, 0];
  const goesOn = (): boolean => started < MOST_ROUNDS && lacksOf(tallyOf(rounds), LEAST).length > 0;
  const playPlace = async (dice: Dice): Promise<void> => {
    const company = COMPANIES[places++ % COMPANIES.length]!;
    // An editor's text is trusted by nobody: it works on a config that its user names.
    const origin: Origin = company.editor || dice.next() < 0.5 ? "named" : "searched";
    using place = await openPlace(origin);
    let isKnown = true;
    for (let at = 0; at < ROUNDS_OF_PLACE && isKnown && goesOn(); at++) {
      const [kind, round] = [KINDS[at % KINDS.length]!, ++started];
      await orExplain(dice, `${kind}, ${origin}, ${JSON.stringify(company)}`, place, async () => {
        const counts = await playRound(place, dice, { kind, company, lives, round });
        isKnown = counts !== undefined;
        if (counts !== undefined) rounds.push(counts);
        else late++;
      });
    }
  };
  const lane = async (_: unknown, at: number): Promise<void> => {
    const dice = rollDice(`configure kills, lane ${at}`);
    try {
      while (goesOn()) await playPlace(dice);
    } finally {
      started = MOST_ROUNDS; // none goes on when another one has failed
    }
  };
  const lanes = Array.from({ length: LANES }, lane);
  await Promise.allSettled(lanes);
  const tally = tallyOf(rounds);
  printTally("configure kills", tally);
  say(`  ${late} rounds ended beside an editor that was too late`);
  await Promise.all(lanes);
  assertEnough(tally, LEAST);
  assert.ok(late <= tally.rounds / 20, `${late} rounds failed beside an editor that was too late`);
  // The instant between the last look at the config and its replacement cannot be closed.
  assert.ok(tally.lostSaves <= tally.saves / 30, `${tally.lostSaves} saves were lost`);
});

for (const kind of KINDS) {
  testWithStrace(`${kind} is cut at each of its steps`, async () => {
    const dice = rollDice(`${kind} cut`);
    using place = await openPlace("named");
    const cuts = await cutEverywhere(place, dice, { kind, most: MOST_OF_CALL });
    const groups = Object.entries(Object.groupBy(cuts, ({ step }) => step));
    say(`${kind} cut: ${groups.map(([step, all]) => `${step} ${all!.length}`).join(", ")}`);
    for (const step of STEPS) assert.ok(cuts.some((cut) => cut.step === step), `never: ${step}`);
  });

  testWithStrace(`${kind} meets an editor: its text stays, all or nothing is stored`, async () => {
    const dice = rollDice(`${kind} and an editor`);
    using place = await openPlace("named");
    const stops = await findStops(place, dice, kind);
    let round = 0;
    for (const meeting of [...MEETINGS, ...MEETINGS]) {
      round++;
      const what = `${kind}, ${JSON.stringify(meeting)}`;
      await orExplain(dice, what, place, () => meetEditor(place, dice, { stops, meeting, round }));
    }
  });

  testWithStrace(`${kind} meets a set of the same name, which comes after it`, async () => {
    const dice = rollDice(`${kind} and a set`);
    using place = await openPlace("named");
    const stops = await findStops(place, dice, kind);
    let round = 0;
    for (const stage of ["new text", "replaced"] as const) {
      for (const end of ["release", "kill"] as const) {
        round++;
        const what = `${kind}, stopped at ${stage}, ${end}`;
        await orExplain(
          dice,
          what,
          place,
          () => meetSet(place, dice, { stops, stage, end, round }),
        );
      }
    }
  });
}

testWithStrace("a config that is empty for a moment decides nothing", async () => {
  const dice = rollDice("configure and an empty text");
  using place = await openPlace("named");
  const stops = await findStops(place, dice, "apply");
  let short = 0;
  for (let round = 1; round <= MOST_MOMENTS && short < EMPTY_MOMENTS; round++) {
    await orExplain(dice, `round ${round}`, place, async () => {
      if (await meetEmptiness(place, dice, { stops, round })) short++;
    });
  }
  assert.ok(short >= EMPTY_MOMENTS, `only ${short} moments were as short as they should be`);
});

testWithStrace("a first configure that is cut leaves config and secret, or neither", async () => {
  const { both, neither } = await cutFirst(MOST_OF_FIRST);
  say(`first configure cut: both ${both}, neither ${neither}`);
  assert.ok(both >= 3 && neither >= 10);
});

Deno.test("configures at once come one after the other", async () => {
  await crowdOnFields();
  await crowdOnAll();
});
