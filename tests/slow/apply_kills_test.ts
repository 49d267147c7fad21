/** `secrets apply`, killed at any moment: a value may lie twice, never nowhere; the next one goes on. */

import assert from "node:assert/strict";
import { makeAuditPlace } from "../support/audit_place.ts";
import { rollDice, say } from "../support/dice.ts";
import { killWithin } from "../support/kill_within.ts";

const ROUNDS = 40;
/** Between storing and binding a run is short: some rounds may miss it. */
const MOST_ROUNDS = 200;
const SECRETS = 12;

Deno.test("Killed at any moment, apply loses nothing, and the next one ends what was begun", async () => {
  const run = killWithin(rollDice("apply killed"));
  const ends = { before: 0, between: 0, after: 0 };
  const isEnough = (): boolean => ends.before > 0 && ends.between > 1 && ends.after > 0;
  for (let round = 0; round < ROUNDS || (round < MOST_ROUNDS && !isEnough()); round++) {
    using place = makeAuditPlace();
    const { machine, config } = place;
    const names = Array.from({ length: SECRETS }, (_, at) => `key_${at}_token`);
    const valueOf = (name: string): string => `value-of-${name}-${round}`;
    place.write(`[x]\n${names.map((name) => `${name} = "${valueOf(name)}"\n`).join("")}`);
    Deno.writeTextFileSync(`${config}.bak.1`, Deno.readTextFileSync(config), { mode: 0o600 });
    const plan = `${machine.home}/plan.json`;
    await machine.succeed(["secrets", "plan", "--out", plan]);
    await run(() => machine.spawn(["secrets", "apply", plan]));
    const text = Deno.readTextFileSync(config);
    const listed = await machine.run(["secrets", "list", "--json"]);
    const stored: string[] = listed.status === 0
      ? JSON.parse(listed.stdout).secrets.map(({ ref }: { ref: string }) => ref)
      : [];
    const found = stored.length === 0
      ? {}
      : JSON.parse((await machine.succeed(["resolve", "--json", ...stored])).stdout).values;
    for (const name of names) {
      const isThere = text.includes(valueOf(name)) || found[`global/${name}`] === valueOf(name);
      assert.ok(isThere, `round ${round}: ${name} is nowhere`);
    }
    const isBound = !text.includes("value-of-");
    ends[isBound ? "after" : stored.length > 0 ? "between" : "before"]++;
    const again = await machine.run(["secrets", "apply", plan]);
    assert.equal(again.status, 0, `round ${round}: ${again.stderr}`);
    assert.deepEqual(await place.codes(), [], `round ${round}`);
    const { values } = JSON.parse((await machine.succeed(["resolve", "--all", "--json"])).stdout);
    for (const name of names) assert.equal(values[`x.${name}`], valueOf(name));
    assert.throws(() => Deno.statSync(`${config}.bak.1`), Deno.errors.NotFound);
    const third = await machine.run(["secrets", "apply", plan, "--json"]);
    assert.equal(JSON.parse(third.stdout).changed, false);
  }
  say(`apply killed: ${JSON.stringify(ends)}`);
  assert.ok(isEnough(), JSON.stringify(ends));
});
