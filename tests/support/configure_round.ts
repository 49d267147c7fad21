/** One round: a `configure` is killed among others, the next command cleans up, and all is looked at. */

import assert from "node:assert/strict";
import {
  type Change,
  changeOfOne,
  chooseChange,
  type Kind,
  PROBE_FIELD,
  withBackups,
} from "./configure_change.ts";
import { Editor } from "./configure_editor.ts";
import { assertSettled, type Attempt, judge } from "./configure_judge.ts";
import { heldBy, MARK, type Place, run, succeed, textOf } from "./configure_place.ts";
import type { RoundCounts } from "./configure_tally.ts";
import { type Look, look, type Scene } from "./configure_witness.ts";
import { type Prey, SIGNS, start } from "./configure_signs.ts";
import { momentOf } from "./crash_lane.ts";
import { lifeOf, type Ran } from "./crash_process.ts";
import { type Dice, pause } from "./dice.ts";

/** Who else is at work. */
export interface Company {
  readonly editor: boolean;
  readonly sets: boolean;
}

/** What rounds have in common: how long a `configure` lives here, in milliseconds. */
export type Lives = Map<string, number>;

const FIRST_GUESS_MS = 120;
const WITH_BACKUPS = 0.2;
const AT_RANDOM = 0.4;
/** Within which a kill follows its sign. */
const NEAR_MS = 6;
/** Rounds with an editor in which nothing is killed: only what lives can refuse. */
const SPARED = 0.25;
const MOST_SAVES = 3;
const MOST_SETS = 2;
/** Commands that finish or undo what a killed one has begun. */
export const RECOVERIES = [
  "set",
  "delete",
  "configure",
  "config set",
  "rotate kek",
  "rotate scope",
  "check",
] as const;

/** What is played. */
export interface Play {
  readonly kind: Kind;
  readonly company: Company;
  readonly lives: Lives;
  readonly round: number;
}

/**
 * Plays one round; what it counted. `undefined` where it failed beside an editor that was too late for
 * what is promised: then nothing is known of the place any more.
 */
export async function playRound(
  place: Place,
  dice: Dice,
  play: Play,
): Promise<RoundCounts | undefined> {
  const editor = play.company.editor ? new Editor(place, dice) : undefined;
  try {
    return await playBeside(editor, place, dice, play);
  } catch (error) {
    if (error instanceof assert.AssertionError && editor?.wasLate()) return undefined;
    throw error;
  }
}

async function playBeside(
  editor: Editor | undefined,
  place: Place,
  dice: Dice,
  { kind, company, lives, round }: Play,
): Promise<RoundCounts> {
  const plain = chooseChange(place, dice, kind, round);
  const change = dice.next() < WITH_BACKUPS ? withBackups(plain) : plain;
  const sets = company.sets ? choosePlannedSets(change, dice, round) : new Map<string, string>();
  const scene: Scene = { place, change, sets, editor, putsBack: company.editor };
  const key = `${kind} ${company.editor} ${company.sets}`;
  const life = lives.get(key) ?? FIRST_GUESS_MS;
  const moment = momentOf(dice);
  let over = false;
  const looks: Look[] = [];
  const watching = (async (): Promise<void> => {
    while (!over) {
      const seen = await look(scene, dice.next() < 0.4);
      if (seen !== undefined) looks.push(seen);
    }
  })();
  const spared = company.editor && dice.next() < SPARED;
  const prey = start(place, change);
  const acting = together([
    prey.ended,
    spared ? undefined : kill(prey, dice, moment * life),
    editor?.work(1 + Math.floor(dice.next() * MOST_SAVES), life),
    saveAtSign(scene, prey, dice),
    setAll(place, dice, { sets, life }),
  ]).finally(() => over = true);
  const [[ran, , , , setRuns]] = await together([acting, watching]);
  if (!ran.killed) lives.set(key, (3 * life + lifeOf(ran)) / 4);
  else if (moment > 1) lives.set(key, life * 1.05);
  if (dice.next() < 0.5) await look(scene, dice.next() < 0.5); // a reader finds what the kill left
  const recovery = dice.pick(RECOVERIES);
  await recover(place, recovery, round);
  const attempt: Attempt = { change, ran, sets, editor };
  const { outcome, lostSave } = await judge(place, attempt);
  await assertSettled(place);
  const during = (from: number, to: number): boolean => from <= ran.to && ran.from <= to;
  return {
    kind,
    killed: ran.killed,
    outcome,
    lostSave,
    saves: editor?.saves.filter(({ from, to }) => during(from, to)).length ?? 0,
    sets: setRuns.filter(({ from, to }) => during(from, to)).length,
    looks: looks.filter(({ from, to }) => during(from, to)).length,
  };
}

/** All of them, or the first failure once all have ended. */
async function together<T extends readonly unknown[]>(
  all: readonly [...T],
): Promise<{ [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(all);
  return await Promise.all(all);
}

/** Kills after a while, or shortly after something is seen of the process. */
async function kill(prey: Prey, dice: Dice, afterMs: number): Promise<void> {
  if (dice.next() < AT_RANDOM) await pause(afterMs);
  else if (await prey.seen(dice.pick(SIGNS))) await pause(dice.next() * NEAR_MS);
  prey.send("SIGKILL");
}

/** An editor saves while the new text is on its way, which sometimes has to wait for it. */
async function saveAtSign(
  { place, editor }: Scene,
  prey: Prey,
  dice: Dice,
): Promise<void> {
  if (editor === undefined || dice.next() < 0.3) return;
  const early = textOf(place);
  if (!await prey.seen(dice.pick(SIGNS))) return;
  const waits = dice.next() < 0.6;
  if (waits) prey.send("SIGSTOP");
  await pause(dice.next() * NEAR_MS);
  const text = dice.next() < 0.3 ? early : textOf(place);
  if (text !== undefined && MARK.test(text)) editor.save(text, "rename");
  if (waits) prey.send("SIGCONT");
}

/** Others set secrets that the change names: a value of their own for one or two of them. */
function choosePlannedSets(change: Change, dice: Dice, round: number): Map<string, string> {
  const count = 1 + Math.floor(dice.next() * MOST_SETS);
  const refs = Array.from({ length: count }, () => dice.pick(change.entries).ref);
  return new Map(refs.map((ref, at) => [ref, `set ${round} ${at}`]));
}

async function setAll(
  place: Place,
  dice: Dice,
  { sets, life }: { readonly sets: ReadonlyMap<string, string>; readonly life: number },
): Promise<Ran[]> {
  return await Promise.all([...sets].map(async ([ref, value]) => {
    await pause(dice.next() * life);
    return await succeed(place, ["secrets", "set", ref], { stdin: value });
  }));
}

/** The next writing command, whichever it is, finishes or undoes. */
export async function recover(
  place: Place,
  recovery: typeof RECOVERIES[number],
  round: number,
): Promise<void> {
  const value = `probe ${round}`;
  if (recovery === "set") {
    await succeed(place, ["secrets", "set", "global/probe"], { stdin: value });
  } else if (recovery === "delete") {
    const { status, err } = await run(place, ["secrets", "delete", "global/probe"]);
    assert.ok(status === 0 || status === 8, err);
  } else if (recovery === "configure") {
    const { args, stdin } = changeOfOne(probeEntry(round));
    await succeed(place, args, { stdin });
    bookProbe(place, round);
  } else if (recovery === "config set") {
    await succeed(place, ["config", "set", "notes.round", `${round}`]);
  } else if (recovery === "rotate kek") {
    await succeed(place, ["vault", "rotate", "kek"]);
    place.keys.kek++;
  } else if (recovery === "rotate scope") {
    await succeed(place, ["vault", "rotate", "scope", "global"]);
    place.keys.global++;
  } else await succeed(place, ["vault", "check", "--repair"]);
}

function probeEntry(round: number): { field: string; ref: string; value: string } {
  return { field: PROBE_FIELD, ref: `global/probe_${round}`, value: `probe ${round}` };
}

function bookProbe(place: Place, round: number): void {
  const { ref, value } = probeEntry(round);
  assert.equal(heldBy(place, ref).last, 0);
  place.secrets.set(ref, { value, last: 1 });
}
