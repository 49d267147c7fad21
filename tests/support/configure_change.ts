/** Changes that `configure` is asked for: what they name, what they store, and how a text looks to them. */

import { type Entry, FIELDS, heldBy, manifestOf, type Place } from "./configure_place.ts";
import type { Dice } from "./dice.ts";

/** The two ways to configure. */
export type Kind = "configure" | "apply";

/** One command, and what it makes of fields and secrets. */
export interface Change {
  readonly kind: Kind;
  readonly args: readonly string[];
  readonly stdin: string | undefined;
  readonly entries: readonly Entry[];
}

/** Which of its two states a config is in, as far as a change is concerned. */
export type Side = "before" | "after" | "other";

/** Field by which the command after a kill is told from the one that was killed. */
export const PROBE_FIELD = "services.probe.token";

/**
 * Chooses a change. Of its fields some get a secret that never was, some another one that is there,
 * some keep theirs, with a new value or as it is; at least one names another secret afterwards.
 */
export function chooseChange(place: Place, dice: Dice, kind: Kind, round: number): Change {
  const fields = kind === "apply" ? FIELDS : [dice.pick(FIELDS)];
  const taken = new Set<string>(place.fields.values());
  const entries = fields.map((field, at) => {
    const entry = at === 0
      ? dice.next() < 0.7 ? renaming(round, field, at) : redirecting(place, dice, field, taken)
      : choose(place, dice, { field, at, round, taken });
    taken.add(entry.ref);
    return entry;
  });
  return kind === "apply"
    ? { kind, entries, ...manifestOf(place, entries) }
    : changeOfOne(entries[0]!);
}

/** The same change, which keeps the text before it as well. */
export function withBackups(change: Change): Change {
  return { ...change, args: [...change.args, "--backups", "2"] };
}

/** The command that binds one field. */
export function changeOfOne(entry: Entry): Change {
  const { field, ref, value } = entry;
  const given = value === undefined ? ["--no-value"] : [];
  const args = ["secrets", "configure", "--field", field, ref, ...given, "--json"];
  return { kind: "configure", args, stdin: value, entries: [entry] };
}

interface Choice {
  readonly field: string;
  readonly at: number;
  readonly round: number;
  readonly taken: ReadonlySet<string>;
}

function choose(place: Place, dice: Dice, { field, at, round, taken }: Choice): Entry {
  const turn = dice.next();
  const own = place.fields.get(field);
  if (own === undefined || turn < 0.4) return renaming(round, field, at);
  if (turn < 0.6) return redirecting(place, dice, field, taken);
  return {
    field,
    ref: own,
    value: turn < 0.9 ? `value ${round} ${at}` : undefined,
  };
}

/** A secret that never was. */
function renaming(round: number, field: string, at: number): Entry {
  const scope = at % 5 === 4 ? "skill:configured" : "global";
  return { field, ref: `${scope}/new_${round}_${at}`, value: `value ${round} ${at}` };
}

/** A secret that is there and that no other field names; half of the times it only is bound. */
function redirecting(
  place: Place,
  dice: Dice,
  field: string,
  taken: ReadonlySet<string>,
): Entry {
  const free = [...place.secrets.keys()].filter((ref) => !taken.has(ref) && isThere(place, ref));
  const ref = free.length === 0 ? undefined : dice.pick(free);
  const stamp = Math.floor(dice.next() * 1e9);
  if (ref === undefined) return { field, ref: `global/more_${stamp}`, value: `more ${stamp}` };
  return { field, ref, value: dice.next() < 0.5 ? `again ${stamp}` : undefined };
}

function isThere(place: Place, ref: string): boolean {
  return heldBy(place, ref).value !== undefined;
}

/** Whether a config that names these secrets is the one before the change, the one after, or none. */
export function sideOf(
  { fields }: Pick<Place, "fields">,
  { entries }: Change,
  names: ReadonlyMap<string, string>,
): Side {
  const moved = entries.filter(({ field, ref }) => fields.get(field) !== ref);
  const others = [...fields].filter(([field]) =>
    field !== PROBE_FIELD && !moved.some((entry) => entry.field === field)
  );
  if (others.some(([field, ref]) => names.get(field) !== ref)) return "other";
  if (moved.every(({ field, ref }) => names.get(field) === ref)) return "after";
  return moved.every(({ field }) => names.get(field) === fields.get(field)) ? "before" : "other";
}
