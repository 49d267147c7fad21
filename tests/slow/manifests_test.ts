/** Twenty manifests at once on one config and one vault: each is applied whole, and none is lost. */

import assert from "node:assert/strict";
import { parse } from "smol-toml";
import {
  applyAtOnce,
  assertNothingLeft,
  type CrowdEntry,
  type CrowdPlace,
  openCrowdPlace,
  runIn,
  succeedIn,
} from "../support/config_crowd.ts";
import { say } from "../support/dice.ts";

const CROWD = 20;
const PAIRS = CROWD * (CROWD - 1) / 2;
/** Processes that came one after the other would prove nothing. */
const LEAST_OVERLAPS = PAIRS / 2;
/** Times that a reader may say that the config keeps changing: as often as manifests can do so. */
const MOST_READS = 5;
const COMMENTS = ["# kept at the top", "# kept beside a value", "# kept at the end"];
const TEXT = `${COMMENTS[0]}
[services.s0]
url = "https://example.org/" ${COMMENTS[1]}

[services.s1]
${COMMENTS[2]}
`;

Deno.test("twenty different manifests at once are all applied, from nothing, and once more with new values", async () => {
  using place = openCrowdPlace();
  for (
    const [round, prepare] of [() => {}, () => Deno.writeTextFileSync(place.config, TEXT)].entries()
  ) {
    prepare();
    const manifests = Array.from({ length: CROWD }, (_, at) => ownEntries(at, round));
    const { overlaps, repeated } = await applyAtOnce(place, manifests);
    say(`manifests: ${CROWD}, ${overlaps} of ${PAIRS} pairs at once, ${repeated} repeated`);
    assert.ok(overlaps >= LEAST_OVERLAPS, `only ${overlaps} pairs were alive at once`);
    await assertNothingLeft(place);
    const wanted = Object.fromEntries(manifests.flat().map(({ field, value }) => [field, value]));
    const { out } = await succeedIn(place, ["resolve", "--all", "--json"]);
    assert.deepEqual(JSON.parse(out).values, wanted);
    assert.deepEqual(await versionsOf(place), versionsAfter(manifests.flat(), round + 1));
  }
  const text = Deno.readTextFileSync(place.config);
  for (const comment of COMMENTS) assert.equal(text.split(comment).length, 2, comment);
  assert.equal(Object.keys(parse(text)["services"]!).length, CROWD);
});

Deno.test("of twenty manifests for the same fields one is there in the end, and a reader never sees two mixed", async () => {
  using place = openCrowdPlace();
  const manifests = Array.from({ length: CROWD }, (_, at) => sharedEntries(at));
  await applyAtOnce(place, manifests.slice(0, 1));
  let running = true;
  const seen: string[] = [];
  const reading = (async () => {
    while (running) seen.push(await assertOneManifest(place));
  })();
  const { overlaps, repeated } = await applyAtOnce(place, manifests)
    .finally(() => running = false);
  await reading;
  seen.push(await assertOneManifest(place));
  const different = new Set(seen).size;
  say(
    `manifests: ${CROWD} for the same fields, ${overlaps} of ${PAIRS} pairs at once, ` +
      `${repeated} repeated, ${seen.length} reads of ${different} of them`,
  );
  assert.ok(overlaps >= LEAST_OVERLAPS, `only ${overlaps} pairs were alive at once`);
  assert.ok(seen.length >= 3 && different >= 2, `${seen.length} reads, ${different} manifests`);
  await assertNothingLeft(place);
  assert.deepEqual(await versionsOf(place), versionsAfter(manifests.flat(), 1));
});

/** Fields and secrets that no other manifest has. */
function ownEntries(at: number, round: number): CrowdEntry[] {
  return ["one", "two", "three"].map((name) => ({
    field: `services.s${at}.${name}`,
    ref: `global/${name}_${at}`,
    value: `value ${name} of ${at} in round ${round}`,
  }));
}

/** Fields that all manifests have, secrets that no other has. */
function sharedEntries(at: number): CrowdEntry[] {
  return ["one", "two", "three"].map((name) => ({
    field: `shared.${name}`,
    ref: `global/${name}_${at}`,
    value: `value of ${at}`,
  }));
}

/** Reads all shared fields; they hold the values of one manifest, which is told. */
async function assertOneManifest(place: CrowdPlace, tries = MOST_READS): Promise<string> {
  const { status, out, err } = await runIn(place, ["resolve", "--all", "--json"]);
  // It has read ten times, each time another config: nothing was mixed, and nothing given.
  const isChanging = status === 7 && out === "" && /: the config keeps changing\n/.test(err);
  if (isChanging && tries > 1) return await assertOneManifest(place, tries - 1);
  assert.equal(status, 0, err);
  const values: string[] = Object.values(JSON.parse(out).values);
  assert.equal(values.length, 3, out);
  assert.equal(new Set(values).size, 1, `mixed: ${out}`);
  return values[0]!;
}

async function versionsOf(place: CrowdPlace): Promise<Record<string, number>> {
  const { out } = await succeedIn(place, ["secrets", "list", "--json"]);
  const { secrets }: { secrets: { ref: string; version: number }[] } = JSON.parse(out);
  return Object.fromEntries(secrets.map(({ ref, version }) => [ref, version]));
}

function versionsAfter(entries: readonly CrowdEntry[], version: number): Record<string, number> {
  return Object.fromEntries(entries.map(({ ref }) => [ref, version]));
}
