/** Many `configure` commands at once: each of them changes what the one before has left. */

import assert from "node:assert/strict";
import { runAtOnce } from "./cli_run.ts";
import { changeOfOne, sideOf } from "./configure_change.ts";
import { assertSettled } from "./configure_judge.ts";
import {
  type Entry,
  FIELDS,
  manifestOf,
  namesIn,
  openPlace,
  type Place,
  run,
  succeed,
  textOf,
} from "./configure_place.ts";

const CROWD = 12;
const APPLIERS = 5;

/** Each binds a field of its own: none is lost. */
export async function crowdOnFields(): Promise<void> {
  using place = await openPlace("searched");
  const entries = FIELDS.slice(0, CROWD).map((field, at): Entry => {
    return { field, ref: `global/crowd_${at}`, value: `crowd ${at}` };
  });
  await atOnce(place, entries.map(changeOfOne));
  place.fields = namesIn(textOf(place)!);
  const { out } = await succeed(place, ["resolve", "--all", "--json"]);
  const { values } = JSON.parse(out);
  for (const { field, ref, value } of entries) {
    assert.equal(place.fields.get(field), ref);
    assert.equal(values[field], value);
  }
  await assertSettled(place);
}

/** Each binds all fields: the config is that of one of them, as a whole. */
export async function crowdOnAll(): Promise<void> {
  using place = await openPlace("named");
  const crowd = Array.from({ length: APPLIERS }, (_, by) =>
    FIELDS.map((field, at): Entry => {
      return { field, ref: `global/by_${by}_${at}`, value: `by ${by}, ${at}` };
    }));
  const changes = crowd.map((entries, by) => {
    const { args, stdin } = manifestOf(place, entries, `manifest_${by}.toml`);
    return { kind: "apply" as const, args, stdin, entries };
  });
  await atOnce(place, changes);
  const names = namesIn(textOf(place)!);
  const last = changes.filter((change) => sideOf(place, change, names) === "after");
  assert.equal(last.length, 1);
  place.fields = names;
  const { out } = await succeed(place, ["resolve", "--all", "--json"]);
  for (const { field, value } of last[0]!.entries) {
    assert.equal(JSON.parse(out).values[field], value);
  }
  await assertSettled(place);
}

/** Runs all of them at once; all succeed. */
async function atOnce(
  place: Place,
  commands: readonly { readonly args: readonly string[]; readonly stdin: string | undefined }[],
): Promise<void> {
  const results = await runAtOnce(commands.length, async (at) => {
    const { args, stdin } = commands[at]!;
    const { status, out, err } = await run(place, args, { stdin });
    return { status, stdout: out, stderr: err };
  });
  for (const { status, stderr } of results) assert.equal(status, 0, stderr);
}
