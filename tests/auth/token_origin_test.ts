/** Tokens go to the server that gave them, for the client that got them, and to no other. */

import assert from "node:assert/strict";
import { assertRefused, type CliResult, type Machine, makeMachine } from "../support/cli_run.ts";
import { FRESH, refreshes } from "../support/held_refresh.ts";
import { jsonOf } from "../support/pairing_machines.ts";
import { pasteLogin, type ScriptedServer, startScriptedServer } from "../support/scripted_login.ts";
import { PROFILE } from "../support/token_profile.ts";

async function login(
  machine: Machine,
  server: ScriptedServer,
  { profile = PROFILE, change = () => {} }: { profile?: string; change?: () => void } = {},
): Promise<CliResult> {
  const words = ["custom:test", "--issuer", server.issuer, "--client-id", "client"];
  const { issuer } = server;
  return (await pasteLogin(machine, [...words, "--profile", profile], { issuer, change })).result;
}

async function tokensRefOf(machine: Machine, profile = PROFILE): Promise<string> {
  const { secrets } = await jsonOf(machine, ["auth", "profiles", "show", profile]);
  return (secrets as string[])[0]!;
}

const USES: readonly (readonly string[])[] = [
  ["auth", "token", PROFILE],
  ["auth", "token", PROFILE, "--min-ttl", "10d"],
  ["auth", "token", "--provider", "custom:test"],
  ["auth", "refresh", PROFILE],
  ["auth", "revoke", PROFILE],
  ["resolve", `auth:${PROFILE}`],
];

/** Nobody gets these tokens, and neither server sees any of them. */
async function assertNoUse(machine: Machine, servers: readonly ScriptedServer[]): Promise<void> {
  const seen = servers.map((server) => server.seen.length);
  for (const use of USES) {
    const refused = await machine.run(use);
    assertRefused(refused, 3, use.join(" "));
    assert.equal(refused.stdout, "");
    assert.match(refused.stderr, /another server or client\n.*Log in again/s);
  }
  assert.deepEqual(servers.map((server) => server.seen.length), seen);
}

Deno.test("after an edit of server or client the tokens of before are for nobody, until the next login", async () => {
  await using own = startScriptedServer(FRESH);
  await using other = startScriptedServer(FRESH);
  using machine = makeMachine();
  assert.equal((await login(machine, own)).status, 0);
  const set = (...edit: string[]): Promise<CliResult> =>
    machine.succeed(["auth", "profiles", "set", PROFILE, ...edit]);
  const endpoint = (server: ScriptedServer): string[] => [
    ...["--token-endpoint", `${server.issuer}/token`],
    ...["--revocation-endpoint", `${server.issuer}/revoke`],
  ];
  await set(...endpoint(other));
  await assertNoUse(machine, [own, other]);
  await set(...endpoint(own), "--client-id", "another");
  await assertNoUse(machine, [own, other]);
  await set("--client-id", "client");
  await machine.succeed(["auth", "refresh", PROFILE]);
  await set(...endpoint(other));
  await assertNoUse(machine, [own, other]); // also what a refresh has given
  assert.equal((await login(machine, other)).status, 0);
  await machine.succeed(["auth", "refresh", PROFILE]);
  assert.deepEqual([refreshes(own), refreshes(other)], [["refresh-2"], ["refresh-2"]]);
});

Deno.test("a login that was killed before it stored its profile gives no token to the server of before", async () => {
  await using own = startScriptedServer(FRESH);
  await using other = startScriptedServer(FRESH);
  using machine = makeMachine();
  assert.equal((await login(machine, own)).status, 0);
  assert.equal((await login(machine, other, { profile: "later" })).status, 0);
  // What the kill leaves: the tokens of the later login in the place of those before.
  const { stdout } = await machine.succeed(["resolve", await tokensRefOf(machine, "later")]);
  await machine.succeed(["secrets", "set", await tokensRefOf(machine)], { stdin: stdout });
  await machine.succeed(["auth", "profiles", "delete", "later"]);
  await assertNoUse(machine, [own, other]);
});

Deno.test("a login whose profile cannot be stored leaves the one before as it was", async () => {
  await using own = startScriptedServer({ ...FRESH, access_token: "own" });
  await using other = startScriptedServer(FRESH);
  using machine = makeMachine();
  assert.equal((await login(machine, own)).status, 0);
  const path = `${machine.stateRoot}/auth_profiles.toml`;
  const before = Deno.readTextFileSync(path);
  const change = (): void => Deno.writeTextFileSync(path, `${before}mistake = 1\n`);
  const failed = await login(machine, other, { change });
  assert.deepEqual([failed.status, failed.stdout], [2, ""], failed.stderr);
  Deno.writeTextFileSync(path, before);
  assert.equal((await machine.succeed(["auth", "token", PROFILE])).stdout, "own");
  await machine.succeed(["auth", "refresh", PROFILE]);
  assert.deepEqual([refreshes(own), refreshes(other)], [["refresh-2"], []]);
});
