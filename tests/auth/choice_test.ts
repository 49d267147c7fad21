/** `auth token --provider` and `--agent`: who gets which profile, and what is written down of it. */

import assert from "node:assert/strict";
import { assertRefused, type Machine, makeMachine, resultOf } from "../support/cli_run.ts";
import { hasOpen } from "../support/config_held_up.ts";
import { pause } from "../support/dice.ts";
import { storeKeyProfiles } from "../support/key_profiles.ts";
import { loginBy, PROFILE } from "../support/token_profile.ts";
import { startTokenServer } from "../support/token_server.ts";

const CROWD = 12;
const PROVIDER = ["auth", "token", "--provider", "anthropic"];

/** Less than what palyra waits for the lock. */
const HELD_MS = 3_000;

const lockOf = (machine: Machine): string => `${machine.stateRoot}/auth_profiles.lock`;
const stateOf = (machine: Machine): string =>
  `${machine.stateRoot}/auth_profile_runtime_state.toml`;

/** What so many get who have all looked, and wait for the lock, before one of them takes its turn. */
async function heldUp(machine: Machine, count: number): Promise<string[]> {
  const path = lockOf(machine);
  using file = Deno.openSync(path, { write: true });
  file.lockSync(true);
  const children = await Promise.all(
    Array.from({ length: count }, () => machine.spawn(PROVIDER)),
  );
  const answers = Promise.all(children.map((child) => resultOf(child)));
  let first = Infinity;
  for (let waiting = 0; waiting < count && performance.now() - first < HELD_MS;) {
    await pause(20);
    waiting = children.filter(({ pid }) => hasOpen(pid, path)).length;
    if (waiting > 0) first = Math.min(first, performance.now());
  }
  await pause(100); // from opening it to waiting for it
  file.unlockSync();
  return (await answers).map(({ stdout }) => stdout);
}

Deno.test("--provider lets profiles take turns, also when many ask at once", async () => {
  using machine = makeMachine();
  await storeKeyProfiles(machine, "a", "b", "c");
  const turns = [];
  for (let turn = 0; turn < 4; turn++) turns.push((await machine.succeed(PROVIDER)).stdout);
  assert.deepEqual(turns, ["key-of-a", "key-of-b", "key-of-c", "key-of-a"]);
  assert.deepEqual((await heldUp(machine, 3)).sort(), ["key-of-a", "key-of-b", "key-of-c"]);
  const all = await Promise.all(Array.from({ length: CROWD }, () => machine.run(PROVIDER)));
  const counts = ["a", "b", "c"].map((id) =>
    all.filter(({ stdout }) => stdout === `key-of-${id}`).length
  );
  assert.deepEqual(counts, [CROWD / 3, CROWD / 3, CROWD / 3]);
});

Deno.test("a profile that is named is given without a note; one that rests or ended is passed over", async () => {
  await using server = startTokenServer();
  using machine = makeMachine();
  await loginBy(machine, server, 600_000);
  await storeKeyProfiles(machine, "spare");
  await machine.succeed(["auth", "profiles", "set", "spare", "--provider", "custom:test"]);
  await machine.succeed(["auth", "token", PROFILE]);
  assert.throws(() => Deno.statSync(stateOf(machine)), Deno.errors.NotFound);
  await machine.succeed(["auth", "profiles", "order-set", PROFILE, "spare"]);
  const choose = ["auth", "token", "--provider", "custom:test"];
  assert.equal((await machine.succeed(choose)).stdout, "access-old");
  assert.equal((await machine.succeed([...choose, "--min-ttl", "30m"])).stdout, "access-1");
  server.wish.answer = () => new Response("busy", { status: 503 });
  assertRefused(await machine.run(["auth", "refresh", PROFILE]), 4, "503");
  assert.equal((await machine.succeed(choose)).stdout, "key-of-spare");
  await machine.succeed(["auth", "profiles", "cooldown-clear", PROFILE]);
  assert.equal((await machine.succeed(choose)).stdout, "access-1");
});

Deno.test("a note of use that cannot be written keeps nobody from a key", async () => {
  using machine = makeMachine();
  await storeKeyProfiles(machine, "a", "b");
  using file = Deno.openSync(lockOf(machine), { write: true });
  file.lockSync(true);
  assert.equal((await machine.succeed(PROVIDER)).stdout, "key-of-a");
});

Deno.test("an agent's profile is given with --agent and its id, and in no other way", async () => {
  using machine = makeMachine();
  await storeKeyProfiles(machine, "bots", "common");
  await machine.succeed(["auth", "profiles", "set", "bots", "--scope", "agent:bot"]);
  const token = ["auth", "token", "bots"];
  assert.equal((await machine.succeed([...token, "--agent", "bot"])).stdout, "key-of-bots");
  Deno.writeTextFileSync(`${machine.home}/template`, "{{ auth:bots }}");
  const refused = [
    token,
    [...token, "--agent", "bo"],
    ["resolve", "auth:bots"],
    ["resolve", "A=auth:bots", "B=auth:common", "--format", "json"],
    ["inject", "-i", `${machine.home}/template`, "-o", `${machine.home}/out`],
    ["redact", "auth:bots"],
  ];
  for (const args of refused) assertRefused(await machine.run(args), 6, args.join(" "));
  const run = await machine.run(["run", "--env", "TOKEN=auth:bots", "--", "printenv", "TOKEN"]);
  assertRefused(run, 125, "run");
  const wide = ["auth", "token", "common", "--agent", "bot"];
  assert.equal((await machine.succeed(wide)).stdout, "key-of-common");
  for (const _ of [1, 2]) {
    assert.equal((await machine.succeed(PROVIDER)).stdout, "key-of-common");
  }
  assert.equal((await machine.succeed([...PROVIDER, "--agent", "bot"])).stdout, "key-of-bots");
});

Deno.test("a question that is none is refused, and nothing is made for it", async () => {
  using machine = makeMachine();
  const rows: [number, string[]][] = [
    [2, []],
    [2, ["a", "--provider", "anthropic"]],
    [2, ["--provider", "toaster"]],
    [2, ["--provider", ""]],
    [2, ["--provider", "anthropic", "--agent", ""]],
    [2, ["--provider", "anthropic", "--agent", "agent:bot"]],
    [2, ["--provider", "anthropic", "--min-ttl", "soon"]],
    [2, ["--agent", "bot"]],
    [2, ["a", "--agent", "../bot"]],
    [8, ["--provider", "anthropic"]],
    [8, ["--provider", "custom:acme", "--agent", "bot"]],
    [8, ["a", "--agent", "bot"]],
  ];
  for (const [status, args] of rows) {
    assertRefused(await machine.run(["auth", "token", ...args]), status, args.join(" "));
  }
  const { stderr } = await machine.run([...PROVIDER, "--agent", "bot"]);
  assert.match(stderr, /explain-selection --provider anthropic --agent bot tells why/);
  assert.throws(() => Deno.statSync(machine.stateRoot), Deno.errors.NotFound);
});
