/** `secrets import --scrub`, killed at any moment: a value is in the file or in the vault, never nowhere. */

import assert from "node:assert/strict";
import { makeMachine } from "../support/cli_run.ts";
import { rollDice, say } from "../support/dice.ts";
import { killWithin } from "../support/kill_within.ts";

const ROUNDS = 40;
/** On a busy machine the moment between storing and scrubbing is short beside the rest. */
const MOST_ROUNDS = 160;
const SECRETS = 400;

Deno.test("Killed at any moment, import loses nothing, and a second one ends it", async () => {
  const run = killWithin(rollDice("import killed"));
  const ends = { before: 0, between: 0, after: 0 };
  const isMissed = (): boolean => Object.values(ends).includes(0);
  for (let round = 0; round < ROUNDS || (round < MOST_ROUNDS && isMissed()); round++) {
    using machine = makeMachine();
    const names = Array.from({ length: SECRETS }, (_, at) => `key_${at}`);
    const file = `${machine.home}/.env`;
    const text = names.map((name) => `${name.toUpperCase()}=value-of-${name}-${round}\n`).join("");
    Deno.writeTextFileSync(file, `${text}# kept\n`);
    const args = ["secrets", "import", "--from", "dotenv", file, "--scope", "global", "--scrub"];
    await run(() => machine.spawn(args));
    const now = Deno.readTextFileSync(file);
    const refs = names.map((name) => `${name}=global/${name}`);
    const read = await machine.run(["resolve", "--json", ...refs]);
    const isStored = read.status === 0;
    const isScrubbed = now.includes("vault://");
    assert.ok(isStored || now === `${text}# kept\n`, `round ${round}: lost`);
    assert.ok(!isScrubbed || isStored, `round ${round}: scrubbed before it was stored`);
    ends[isScrubbed ? "after" : isStored ? "between" : "before"]++;
    await machine.succeed(args);
    const { values } = JSON.parse((await machine.succeed(["resolve", "--json", ...refs])).stdout);
    for (const name of names) assert.equal(values[name], `value-of-${name}-${round}`);
    const scrubbed = names.map((name) => `${name.toUpperCase()}=vault://global/${name}\n`).join("");
    assert.equal(Deno.readTextFileSync(file), `${scrubbed}# kept\n`);
    assert.deepEqual([...Deno.readDirSync(machine.home)].map(({ name }) => name), [".env"]);
  }
  say(`import killed: ${JSON.stringify(ends)}`);
  assert.ok(!isMissed(), JSON.stringify(ends));
});
