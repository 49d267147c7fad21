/** A reader beside a `configure`: what the config on disk names must be there, with a value of its own. */

import assert from "node:assert/strict";
import { type Change, type Side, sideOf } from "./configure_change.ts";
import type { Editor } from "./configure_editor.ts";
import { heldBy, namesIn, type Place, run, textOf } from "./configure_place.ts";

/** What goes on while the reader reads. */
export interface Scene {
  readonly place: Place;
  readonly change: Change;
  /** Values that others set meanwhile, by reference. */
  readonly sets: ReadonlyMap<string, string>;
  readonly editor: Editor | undefined;
  /** The editor may put a text back that it had read before the change. */
  readonly putsBack: boolean;
}

/** One look. */
export interface Look {
  readonly from: number;
  readonly to: number;
  /** What the text said before and after the values were read. */
  readonly sides: readonly [Side, Side];
}

const NOT_FOUND = 8;
const USAGE = 2;

/**
 * Reads the config's text as it is on disk, then every secret that it names, then the text again.
 *
 * A text that names the new secrets was put in place after they were staged: with it they are
 * there, and hold the new values. While the text is the one before, nobody sees a new value; that
 * is asserted unless an editor may have put an older text back over the new one. In the very moment
 * in which an editor saves, the text that was read first is no longer the one that decides.
 */
export async function look(scene: Scene, all = false): Promise<Look | undefined> {
  const { place, change, editor } = scene;
  const from = performance.now();
  const first = namesOf(place);
  if (first === undefined || first.size === 0) return undefined; // an editor is writing it
  const refs = [...new Set(first.values())];
  const ran = await run(
    place,
    all ? ["resolve", "--all", "--json"] : ["resolve", "--json", ...refs],
  );
  const to = performance.now();
  const second = namesOf(place);
  const [before, after] = [sideOf(place, change, first), sideIn(place, change, second)];
  const disturbed = editor?.savedBetween(from, to) ?? false;
  const story = `${before} then ${after}${disturbed ? ", saved meanwhile" : ""}`;
  if (ran.status !== 0) {
    const why = `a reader (${story}): ${ran.status} ${ran.err}`;
    assert.ok(disturbed && (ran.status === NOT_FOUND || ran.status === USAGE), why);
    return { from, to, sides: [before, after] };
  }
  assert.ok(before !== "other", "a text that is neither the one before nor the one after");
  const { values } = JSON.parse(ran.out);
  for (const [field, ref] of first) {
    const found = values[all ? field : ref];
    if (all && (after !== before || disturbed)) {
      const either = [
        ...allowed(scene, ref),
        ...allowed(scene, place.fields.get(field)),
        ...allowed(scene, change.entries.find((entry) => entry.field === field)?.ref),
      ];
      assert.ok(
        either.includes(found) || found === undefined && disturbed,
        `${field} (${story}) is ${found}, not one of ${either.join(" | ")}`,
      );
      continue;
    }
    const possible = allowed(scene, ref, { before, after, disturbed });
    assert.ok(
      possible.includes(found),
      `${ref} (${story}) is ${found}, not ${possible.join(" | ")}`,
    );
  }
  return { from, to, sides: [before, after] };
}

/** Values that a secret may have: when it is seen under this text, or at any time. */
function allowed(
  { place, change, sets, putsBack }: Scene,
  ref: string | undefined,
  seen?: { readonly before: Side; readonly after: Side; readonly disturbed: boolean },
): string[] {
  if (ref === undefined) return [];
  const entry = change.entries.find((one) => one.ref === ref);
  const [old, next, set] = [heldBy(place, ref).value, entry?.value, sets.get(ref)];
  const isNew = seen?.before === "after" && !seen.disturbed && next !== undefined;
  const isOld = seen?.before === "before" && seen.after === "before" && !putsBack;
  return [isNew ? undefined : old, isOld ? undefined : next, set]
    .filter((value) => value !== undefined);
}

function namesOf(place: Place): Map<string, string> | undefined {
  const text = textOf(place);
  return text === undefined || text === "" ? undefined : namesIn(text);
}

function sideIn(place: Place, change: Change, names: Map<string, string> | undefined): Side {
  return names === undefined ? "other" : sideOf(place, change, names);
}
