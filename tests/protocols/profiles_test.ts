/** Auth profiles behind helpers: what a rule names is given, good now; what none names is not. */

import assert from "node:assert/strict";
import { type ClientMachine, makeClientMachine } from "../support/clients.ts";
import { assertRefused } from "../support/cli_run.ts";
import { jsonOf } from "../support/pairing_machines.ts";
import { loginBy } from "../support/token_profile.ts";
import { startTokenServer } from "../support/token_server.ts";

const RULES = `
[helper.git]
store_scope = "skill:git"
[[helper.git.map]]
match = "https://git.example.org/*"
ref = "auth:work"
username = "x-access-token"
[helper.openclaw]
allow = ["auth:work", "auth:off", "auth:bots", "auth:gone"]
[helper.token]
allow = ["auth:work", "global/plain"]
[[helper.token.map]]
match = "claude"
ref = "auth:work"
[[helper.token.map]]
match = "other"
ref = "auth:other"
`;
const GIT = "protocol=https\nhost=git.example.org\n";
const CROWD = 6;

/** A profile with a key, which is `key-of-ID`. */
async function keyProfile(
  { machine, store }: ClientMachine,
  id: string,
  ...more: string[]
): Promise<void> {
  await store(`global/${id}_key`, `key-of-${id}`);
  const set = ["auth", "profiles", "set", id, "--provider", "openai"];
  await machine.succeed([...set, "--api-key-ref", `global/${id}_key`, ...more]);
}

const batch = (...ids: string[]): string => JSON.stringify({ protocolVersion: 1, ids });

Deno.test("git, openclaw and token get a token that is good now: of all that ask, one refreshes it", async () => {
  await using server = startTokenServer();
  using client = makeClientMachine(RULES);
  await loginBy(client.machine, server);
  server.wish.delayMs = 300;
  const answers = await Promise.all([
    ...Array.from({ length: CROWD }, () => client.ask("git", ["get"], `${GIT}\n`)),
    ...Array.from({ length: CROWD }, () => client.ask("token", ["--profile", "work"])),
    client.ask("openclaw", [], batch("auth:work")),
  ]);
  assert.deepEqual([...new Set(answers.map(({ stdout, stderr }) => stdout + stderr))], [
    "username=x-access-token\npassword=access-1\n",
    "access-1\n",
    '{"protocolVersion":1,"values":{"auth:work":"access-1"},"errors":{}}',
  ]);
  assert.deepEqual([server.requests, server.reuses], [1, 0]);
  for (const args of [["auth:work"], ["claude"], ["--prefix", "", "--profile", "work"]]) {
    assert.equal((await client.ask("token", args)).stdout, "access-1\n", args.join(" "));
  }
  const prefixed = await client.ask("token", ["--profile", "work", "--prefix", "Bearer "]);
  assert.equal(prefixed.stdout, "Bearer access-1\n");
  assert.equal(server.requests, 1);
});

Deno.test("git stores and erases nothing where a profile answers", async () => {
  await using server = startTokenServer();
  using client = makeClientMachine(RULES);
  await loginBy(client.machine, server, 600_000);
  const told = `${GIT}username=x-access-token\npassword=access-old\n\n`;
  for (const operation of ["store", "erase", "store"]) {
    const { status, stdout, stderr } = await client.ask("git", [operation], told);
    assert.deepEqual([status, stdout, stderr], [0, "", ""], operation);
  }
  const { secrets } = await jsonOf(client.machine, ["secrets", "list", "skill:git"]);
  assert.deepEqual(secrets, []);
  assert.match((await client.ask("git", ["get"], `${GIT}\n`)).stdout, /password=access-old\n/);
});

Deno.test("an id gets its own profile alone: spelt as allowed, switched on, and for everybody", async () => {
  await using server = startTokenServer();
  using client = makeClientMachine(RULES);
  await loginBy(client.machine, { endpoint: server.endpoint, refreshToken: "stolen" });
  await keyProfile(client, "off", "--disable");
  await keyProfile(client, "bots", "--scope", "agent:bot");
  await keyProfile(client, "secretive");
  const errors = {
    "auth:off": "DENIED",
    "auth:bots": "DENIED",
    "auth:work": "AUTH",
    "auth:gone": "NOT_FOUND",
    "auth:secretive": "NOT_FOUND",
    "auth:work#1": "NOT_FOUND",
    "AUTH:work": "NOT_FOUND",
    "auth:Work": "NOT_FOUND",
    "auth:": "NOT_FOUND",
    "auth:*": "NOT_FOUND",
    "vault://auth:work": "NOT_FOUND",
  };
  const { status, stdout, stderr } = await client.ask(
    "openclaw",
    [],
    batch(...Object.keys(errors)),
  );
  assert.deepEqual([status, stderr], [0, ""]);
  const codes = Object.fromEntries(
    Object.entries(errors).map(([id, code]) => [id, { code }]),
  );
  assert.deepEqual(JSON.parse(stdout), { protocolVersion: 1, values: {}, errors: codes });
  assertRefused(await client.ask("token", ["--profile", "secretive"]), 8, "not allowed");
  assertRefused(await client.ask("token", ["other"]), 8, "mapped to no profile");
  assertRefused(await client.ask("token", ["auth:work"]), 3, "ended");
});

Deno.test("explain, list, validate and audit know of profiles in rules, and read no value", async () => {
  await using server = startTokenServer();
  using client = makeClientMachine(RULES);
  const { machine } = client;
  await loginBy(machine, server);
  const explain = async (...args: string[]): Promise<unknown[]> => {
    const { source, rule, ref, username } = await jsonOf(machine, ["helper", "explain", ...args]);
    return [source, rule, ref, username];
  };
  assert.deepEqual(await explain("git", "https://git.example.org/a"), [
    ...["map", "helper.git.map[0]", "auth:work", "x-access-token"],
  ]);
  assert.deepEqual(await explain("openclaw", "auth:work"), [
    ...["allow", "helper.openclaw.allow", "auth:work", undefined],
  ]);
  assert.deepEqual((await explain("token", "auth:other"))[0], "none");
  const { stdout } = await machine.succeed(["helper", "list"]);
  assert.match(stdout, /^token .*2 mapped; allowed: auth:work, global\/plain$/m);
  await machine.succeed(["config", "validate", "--config", client.config]);
  await machine.succeed(["secrets", "audit", "--config", client.config]);
  assert.equal(server.requests, 0);
});

Deno.test("rules that name profiles in another way are wrong, whatever is asked for", async () => {
  using client = makeClientMachine("");
  await client.store("global/plain", "value");
  const map = (ref: string): string =>
    `[[helper.token.map]]\nmatch = "x"\nref = "${ref}"\n[helper.token]\nallow = ["global/plain"]\n`;
  const rows: [string, string][] = [
    ...["auth:*", "auth:wo*", "auth:", "auth:Work", "auth:work#1", "auth:a/b", "auth:work "]
      .map((entry): [string, string] => [
        `[helper.token]\nallow = ["global/plain", "${entry}"]\n`,
        "global/plain",
      ]),
    ...["auth:", "auth:*", "auth:Work", "auth:work#1", "env:HOME", "file:/etc/hostname"]
      .map((ref): [string, string] => [map(ref), "x"]),
  ];
  for (const [rules, label] of rows) {
    client.rules(rules);
    assertRefused(await client.ask("token", [label]), 2, rules);
  }
});
