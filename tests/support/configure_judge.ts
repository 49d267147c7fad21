/** After the dust: fields and secrets as they were before a `configure`, or as it wanted all of them. */

import assert from "node:assert/strict";
import { type Change, sideOf } from "./configure_change.ts";
import { type Editor, markIn } from "./configure_editor.ts";
import {
  heldBy,
  namesIn,
  type Place,
  succeed,
  tablesOf,
  tempFilesOf,
  textOf,
} from "./configure_place.ts";
import type { Ran } from "./crash_process.ts";

/** A `configure` that has ended, and who else was at work. */
export interface Attempt {
  readonly change: Change;
  readonly ran: Ran;
  readonly sets: ReadonlyMap<string, string>;
  readonly editor: Editor | undefined;
}

/** What became of it. */
export type Outcome = "finished" | "undone" | "refused";

/** How it ended. */
export interface Judgement {
  readonly outcome: Outcome;
  /** An editor's text was replaced in the instant of the rename. */
  readonly lostSave: boolean;
}

const PRECONDITION = 7;

/** Asserts that all of it happened or nothing, and books which; a writing command must have run. */
export async function judge(place: Place, attempt: Attempt): Promise<Judgement> {
  const { change, ran, sets, editor } = attempt;
  const text = textOf(place)!;
  const names = namesIn(text);
  const side = sideOf(place, change, names);
  assert.notEqual(side, "other", `the config is neither that before nor that after:\n${text}`);
  const { last } = tablesOf(place);
  const written = change.entries.filter(({ value }) => value !== undefined);
  const grown = written.map(({ ref }) =>
    (last.get(ref) ?? 0) - heldBy(place, ref).last - (sets.has(ref) ? 1 : 0)
  );
  const stored = grown.length === 0 ? side === "after" : grown[0] === 1;
  const parts = written.map(({ ref }, at) => `${ref} ${grown[at]}`).join(", ");
  assert.ok(grown.every((count) => count === (stored ? 1 : 0)), `stored in part: ${parts}`);
  const refused = !ran.killed && ran.status === PRECONDITION;
  if (!ran.killed && !refused) assert.equal(ran.status, 0, ran.err);
  if (refused) {
    assert.match(ran.err, /it was saved meanwhile/);
    assert.ok(editor !== undefined && !stored && side === "before", `refused, yet ${side}`);
  }
  if (ran.status === 0 && written.length > 0) assert.ok(stored, "success, yet nothing is stored");
  if (side === "after") assert.ok(stored, "the config names what is not stored");
  // Only an editor can put an older text back over the one that palyra has written.
  else assert.ok(!stored || editor !== undefined, "stored, yet the config does not name it");
  await assertValues(place, attempt, stored, last);
  const lostSave = editor !== undefined && markIn(text) !== editor.mark;
  if (lostSave) assert.ok(side === "after" && !refused, "a save is lost, and not to the rename");
  place.fields = names;
  return { outcome: refused ? "refused" : stored ? "finished" : "undone", lostSave };
}

async function assertValues(
  place: Place,
  { change, sets }: Attempt,
  stored: boolean,
  last: ReadonlyMap<string, number>,
): Promise<void> {
  const touched = [...new Set([...change.entries.map(({ ref }) => ref), ...sets.keys()])];
  const there = touched.filter((ref) => last.has(ref));
  const { values } = there.length === 0
    ? { values: {} }
    : JSON.parse((await succeed(place, ["resolve", "--json", ...there])).out);
  for (const ref of touched) {
    const next = stored ? change.entries.find((entry) => entry.ref === ref)?.value : undefined;
    const made = [next, sets.get(ref)].filter((value) => value !== undefined);
    const possible = made.length > 0 ? made : [heldBy(place, ref).value];
    const found = last.has(ref) ? values[ref] : undefined;
    assert.ok(possible.includes(found), `${ref} is ${found}, not ${possible.join(" | ")}`);
  }
  for (const ref of touched) {
    place.secrets.set(ref, { value: values[ref], last: last.get(ref) ?? heldBy(place, ref).last });
  }
}

/** Asserts that nothing of killed commands is left; a writing command must have run since. */
export async function assertSettled(place: Place): Promise<void> {
  const { intents, staged, blobs, keys } = tablesOf(place);
  assert.deepEqual({ intents, staged, blobs }, { intents: 0, staged: 0, blobs: 1 });
  assert.deepEqual(keys, place.keys);
  assert.deepEqual(tempFilesOf(place), []);
  const { out } = await succeed(place, ["vault", "check", "--strict", "--json"]);
  const { bad, leftovers } = JSON.parse(out);
  assert.deepEqual({ bad, leftovers }, { bad: [], leftovers: 0 });
  const all = await succeed(place, ["resolve", "--all", "--json"]);
  assert.equal(Object.keys(JSON.parse(all.out).values).length, place.fields.size);
}
