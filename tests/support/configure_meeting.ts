/** Others at work while a `configure` stands still, and what must become of both. */

import assert from "node:assert/strict";
import { type Change, chooseChange, type Kind } from "./configure_change.ts";
import { Editor, SHORT_MS } from "./configure_editor.ts";
import { hold, type Stage, type Stops, stopsIn } from "./configure_hold.ts";
import { assertSettled, judge, type Outcome } from "./configure_judge.ts";
import { type Place, run, succeed, tablesOf, textOf } from "./configure_place.ts";
import { watchChange } from "./configure_points.ts";
import { look } from "./configure_witness.ts";
import { type Dice, pause } from "./dice.ts";

/** An editor that saves while a `configure` stands still. */
export interface Meeting {
  readonly stage: Stage;
  /** What the editor has read: the text as it is then, or that before the change. */
  readonly text: "fresh" | "old";
  readonly end: "release" | "kill";
  readonly outcome: Outcome;
}

/** All that can happen. */
export const MEETINGS: readonly Meeting[] = [
  { stage: "new text", text: "fresh", end: "release", outcome: "refused" },
  { stage: "new text", text: "fresh", end: "kill", outcome: "undone" },
  { stage: "replaced", text: "fresh", end: "release", outcome: "finished" },
  { stage: "replaced", text: "fresh", end: "kill", outcome: "finished" },
  { stage: "replaced", text: "old", end: "release", outcome: "finished" },
  { stage: "replaced", text: "old", end: "kill", outcome: "undone" },
];

/** Where commands of a kind can be stopped. */
export interface KnownStops {
  readonly kind: Kind;
  readonly stops: Stops;
}

/** For this long a text is empty; nobody may believe it. */
const EMPTY_MS = 70;

/** Runs one command to its end, and finds where others like it can be stopped. */
export async function findStops(place: Place, dice: Dice, kind: Kind): Promise<KnownStops> {
  const change = chooseStoring(place, dice, kind, 0);
  const { ran, calls } = await watchChange(place, change);
  assert.equal(ran.status, 0, ran.err);
  await judge(place, { change, ran, sets: new Map(), editor: undefined });
  return { kind, stops: stopsIn(place, calls) };
}

/** The editor's text stays as it is, byte for byte; of the secrets all are stored or none. */
export async function meetEditor(
  place: Place,
  dice: Dice,
  { stops: { kind, stops }, meeting: { stage, text, end, outcome }, round }: {
    readonly stops: KnownStops;
    readonly meeting: Meeting;
    readonly round: number;
  },
): Promise<void> {
  const change = chooseStoring(place, dice, kind, round);
  const editor = new Editor(place, dice);
  const sets = new Map<string, string>();
  const scene = { place, change, sets, editor, putsBack: text === "old" };
  const old = textOf(place)!;
  await using held = await hold(place, change, stops[stage]);
  await look(scene);
  const how = dice.next() < 0.5 ? "rename" : "in place";
  const saved = editor.save(text === "old" ? old : textOf(place)!, how);
  await look(scene);
  const ran = await held[end]();
  await look(scene);
  await succeed(place, ["secrets", "set", "global/probe"], { stdin: `probe ${round}` });
  assert.equal(textOf(place), saved, "the editor's text");
  assert.equal((await judge(place, { change, ran, sets, editor })).outcome, outcome);
  await assertSettled(place);
}

/** A writer of the same name waits, or finishes or undoes: its own version is the last one. */
export async function meetSet(
  place: Place,
  dice: Dice,
  { stops: { kind, stops }, stage, end, round }: {
    readonly stops: KnownStops;
    readonly stage: Stage;
    readonly end: Meeting["end"];
    readonly round: number;
  },
): Promise<void> {
  const change = chooseStoring(place, dice, kind, round);
  const { ref } = dice.pick(change.entries.filter(({ value }) => value !== undefined));
  const sets = new Map([[ref, `set ${round}`]]);
  const scene = { place, change, sets, editor: undefined, putsBack: false };
  await using held = await hold(place, change, stops[stage]);
  const setting = run(place, ["secrets", "set", ref, "--json"], { stdin: sets.get(ref)! });
  await look(scene);
  const ran = await held[end]();
  const set = await setting;
  assert.equal(set.status, 0, set.err);
  assert.equal(JSON.parse(set.out).version, tablesOf(place).last.get(ref), "the last version");
  assert.equal((await succeed(place, ["resolve", ref])).out, sets.get(ref));
  const { outcome } = await judge(place, { change, ran, sets, editor: undefined });
  assert.equal(outcome, stage === "replaced" || end === "release" ? "finished" : "undone");
  await assertSettled(place);
}

/**
 * An editor empties the config and writes it a moment later, while the command after a kill is at
 * work. Whether the moment was short: only then is it promised that nobody takes it for a decision.
 */
export async function meetEmptiness(
  place: Place,
  dice: Dice,
  { stops: { kind, stops }, round }: { readonly stops: KnownStops; readonly round: number },
): Promise<boolean> {
  const change = chooseStoring(place, dice, kind, round);
  await using held = await hold(place, change, stops.replaced);
  const ran = await held.kill();
  const text = textOf(place)!;
  const editor = new Editor(place, dice);
  const next = succeed(place, ["secrets", "set", "global/probe"], { stdin: `probe ${round}` });
  await pause(dice.next() * EMPTY_MS);
  const from = performance.now();
  Deno.truncateSync(place.config);
  await pause(EMPTY_MS);
  editor.save(text, "in place");
  const short = performance.now() - from < SHORT_MS;
  await next;
  if (!short) await succeed(place, change.args, { stdin: change.stdin });
  const attempt = { change, ran, sets: new Map<string, string>(), editor };
  assert.equal((await judge(place, attempt)).outcome, "finished");
  await assertSettled(place);
  return short;
}

/** A change with a value in it. */
function chooseStoring(place: Place, dice: Dice, kind: Kind, round: number): Change {
  const change = chooseChange(place, dice, kind, round);
  const stores = change.entries.some(({ value }) => value !== undefined);
  return stores ? change : chooseStoring(place, dice, kind, round);
}
