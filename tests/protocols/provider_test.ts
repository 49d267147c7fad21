/** `helper token --provider`: of the profiles that the rules allow, the one to use now. */

import assert from "node:assert/strict";
import { makeClientMachine } from "../support/clients.ts";
import { assertRefused, type CliResult } from "../support/cli_run.ts";
import { storeKeyProfiles } from "../support/key_profiles.ts";

const RULES = `
[helper.token]
allow = ["auth:a", "auth:b", "auth:bots"]
[[helper.token.map]]
match = "claude"
ref = "auth:mapped"
[[helper.token.map]]
match = "auth:renamed"
ref = "auth:a"
`;
const PROVIDER = ["--provider", "anthropic"];

Deno.test("profiles that the rules allow take turns; no other one is ever given", async () => {
  using client = makeClientMachine(RULES);
  const { machine } = client;
  // Those that no rule names come before the others by their ids.
  await storeKeyProfiles(machine, "a", "b", "a-not-allowed", "mapped", "renamed");
  const next = async (): Promise<string> => {
    const { status, stdout, stderr } = await client.ask("token", PROVIDER);
    assert.deepEqual([status, stderr], [0, ""]);
    return stdout;
  };
  const seen = [];
  for (let turn = 0; turn < 4; turn++) seen.push(await next());
  assert.deepEqual(seen, ["key-of-a\n", "key-of-b\n", "key-of-a\n", "key-of-b\n"]);
  await machine.succeed(["auth", "profiles", "order-set", "a-not-allowed", "b", "a"]);
  assert.deepEqual([await next(), await next()], ["key-of-b\n", "key-of-b\n"]);
  await machine.succeed(["auth", "profiles", "set", "b", "--disable"]);
  assert.equal(await next(), "key-of-a\n");
  const prefixed = await client.ask("token", ["--prefix", "Bearer ", ...PROVIDER]);
  assert.equal(prefixed.stdout, "Bearer key-of-a\n");
  await machine.succeed(["auth", "profiles", "set", "a", "--disable"]);
  assertNothing(await client.ask("token", PROVIDER));
  client.rules('[helper.token]\nallow = ["global/*"]\n');
  assertNothing(await client.ask("token", PROVIDER));
});

Deno.test("an agent's profile is chosen for that agent alone", async () => {
  using client = makeClientMachine(RULES);
  const { machine } = client;
  await storeKeyProfiles(machine, "bots", "bots-too");
  for (const id of ["bots", "bots-too"]) {
    await machine.succeed(["auth", "profiles", "set", id, "--scope", "agent:bot"]);
  }
  assertNothing(await client.ask("token", PROVIDER));
  assertNothing(await client.ask("token", [...PROVIDER, "--agent", "another"]));
  for (const _ of [1, 2]) {
    const given = await client.ask("token", [...PROVIDER, "--agent", "bot"]);
    assert.equal(given.stdout, "key-of-bots\n");
  }
  assertRefused(await client.ask("token", ["--profile", "bots"]), 6, "no agent is named");
});

Deno.test("what is asked for in another way is refused, and makes nothing", async () => {
  using client = makeClientMachine(RULES);
  const rows: [number, string[]][] = [
    [2, ["--provider"]],
    [2, ["--provider", "toaster"]],
    [2, ["--provider", "custom"]],
    [2, ["--provider", "anthropic", "claude"]],
    [2, ["--provider", "anthropic", "--profile", "a"]],
    [2, ["--provider", "anthropic", "--provider", "openai"]],
    [2, ["--provider", "anthropic", "--agent"]],
    [2, ["--provider", "anthropic", "--agent", "Not An Agent"]],
    [2, ["--profile"]],
    [2, ["--profile", "a", "claude"]],
    [2, ["--profile", "a", "--agent", "bot"]],
    [2, ["--agent", "bot"]],
    [2, ["--agent", "bot", "claude"]],
    [2, ["claude", "--provider", "anthropic"]],
    [2, ["--prefix", "a\nb", "--profile", "a"]],
    [8, ["--profile", "no-such"]],
    [8, ["--profile", "No Such"]],
    [8, ["--profile", ""]],
    [8, ["--provider", "anthropic"]],
    [8, ["--provider", "custom:acme", "--agent", "bot"]],
  ];
  for (const [status, args] of rows) {
    assertRefused(await client.ask("token", args), status, args.join(" "));
  }
  assert.throws(() => Deno.statSync(client.machine.stateRoot), Deno.errors.NotFound);
});

function assertNothing(result: CliResult): void {
  assertRefused(result, 8, "nothing may be used");
  assert.match(result.stderr, /^hint: .*palyra auth profiles explain-selection/m);
  assert.doesNotMatch(result.stderr, /key-of/);
}
