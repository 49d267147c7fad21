/** A profile that is edited, or logged in anew, while its token is refreshed: the refresh takes nothing back. */

import assert from "node:assert/strict";
import { assertRefused, type CliResult, type Machine, makeMachine } from "../support/cli_run.ts";
import { jsonOf } from "../support/pairing_machines.ts";
import {
  json,
  pasteLogin,
  type ScriptedServer,
  startScriptedServer,
} from "../support/scripted_login.ts";
import { FRESH, hold, refreshes, waitingAsk } from "../support/held_refresh.ts";
import { loginBy, PROFILE, storeTokens, TOKENS_REF } from "../support/token_profile.ts";

async function tokensIn(machine: Machine, ref: string): Promise<Record<string, unknown>> {
  return JSON.parse((await machine.succeed(["resolve", ref])).stdout);
}

/** What is known of profiles; empty when nothing was ever written down. */
function stateOf({ stateRoot }: Machine): string {
  try {
    return Deno.readTextFileSync(`${stateRoot}/auth_profile_runtime_state.toml`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

async function begin(
  machine: Machine,
  server: ScriptedServer,
): Promise<void> {
  await loginBy(machine, { endpoint: `${server.issuer}/token`, refreshToken: "refresh-1" });
}

const EDITS: Readonly<Record<string, readonly string[]>> = {
  "another client": ["--client-id", "another"],
  "another endpoint": ["--token-endpoint", "https://elsewhere.example/token"],
  "another place for tokens": ["--tokens-ref", "global/other"],
};
const ANSWERS = [
  json(FRESH),
  json({ error: "invalid_grant" }, 400),
  json({ error: "server_error" }, 503),
];

for (const [what, edit] of Object.entries(EDITS)) {
  Deno.test(`an edit that comes while a token is refreshed stays, with all that is known: ${what}`, async () => {
    for (const answer of ANSWERS) {
      await using server = startScriptedServer(FRESH);
      using machine = makeMachine();
      await begin(machine, server);
      await machine.succeed(["secrets", "set", "global/other"], { stdin: "not to be touched" });
      const held = hold(server);
      const refreshing = machine.run(["auth", "token", PROFILE]);
      await held.asked;
      await machine.succeed(["auth", "profiles", "set", PROFILE, ...edit]);
      const profile = Deno.readTextFileSync(`${machine.stateRoot}/auth_profiles.toml`);
      held.answer(answer);
      const { status, stdout } = await refreshing;
      const isGood = answer === ANSWERS[0];
      assert.deepEqual([status === 0, stdout], [isGood, isGood ? FRESH.access_token : ""]);
      assert.equal(Deno.readTextFileSync(`${machine.stateRoot}/auth_profiles.toml`), profile);
      const other = await machine.succeed(["resolve", "global/other"]);
      assert.equal(other.stdout, "not to be touched");
      // The rotated token belongs to where the old one was: to drop it would end that login.
      const { refresh_token } = await tokensIn(machine, TOKENS_REF);
      assert.equal(refresh_token, isGood ? "refresh-2" : "refresh-1");
      assert.equal(stateOf(machine), "", "what became of the old one says nothing of the new one");
    }
  });
}

Deno.test("a login that comes while the old token is refused, or refreshed, is the one that counts", async () => {
  for (const answer of ANSWERS) {
    await using server = startScriptedServer(FRESH);
    using machine = makeMachine();
    const held = hold(server);
    const login = (client: string): ReturnType<typeof pasteLogin> =>
      pasteLogin(
        machine,
        ["custom:test", "--issuer", server.issuer, "--client-id", client, "--profile", PROFILE],
        server,
      );
    assert.equal((await login("first")).result.status, 0);
    const { secrets } = await jsonOf(machine, ["auth", "profiles", "show", PROFILE]);
    const [ref] = secrets as string[];
    const set = await tokensIn(machine, ref!);
    const old = { ...set, access_token: "old", expires_at: Date.now() - 1, refresh_token: "old" };
    await machine.succeed(["secrets", "set", ref!], { stdin: JSON.stringify(old) });
    const refreshing = machine.run(["auth", "token", PROFILE]);
    await held.asked;
    const again = login("second");
    await new Promise((resolve) => setTimeout(resolve, 700)); // it is about to store, or has stored
    held.answer(answer);
    const [{ result }, refreshed] = await Promise.all([again, refreshing]);
    assert.equal(result.status, 0, result.stderr);
    assert.ok([0, 3, 4].includes(refreshed.status), refreshed.stderr);
    assert.equal((await machine.succeed(["auth", "token", PROFILE])).stdout, "new");
    assert.equal((await tokensIn(machine, ref!))["refresh_token"], FRESH.refresh_token);
    const shown = await jsonOf(machine, ["auth", "profiles", "show", PROFILE]);
    assert.deepEqual([shown["state"], shown["failures"], shown["failure"]], ["ok", 0, undefined]);
  }
});

Deno.test("tokens that are stored while a refresh is refused are given, and nothing bad is known of them", async () => {
  for (const answer of ANSWERS) {
    await using server = startScriptedServer(FRESH);
    using machine = makeMachine();
    await begin(machine, server);
    const held = hold(server);
    const refreshing = machine.run(["auth", "token", PROFILE]);
    await held.asked;
    const good = { access_token: "stored", refresh_token: "r", expires_at: Date.now() + 3_600_000 };
    await storeTokens(machine, good);
    held.answer(answer);
    assert.deepEqual(await refreshing.then(({ status, stdout }) => [status, stdout]), [
      0,
      "stored",
    ]);
    const shown = await jsonOf(machine, ["auth", "profiles", "show", PROFILE]);
    assert.deepEqual([shown["failures"], shown["failure"]], [0, undefined]);
    assert.equal((await machine.succeed(["auth", "token", PROFILE])).stdout, "stored");
  }
});

Deno.test("who has waited for a refresh does not send tokens of a new login to the old server", async () => {
  await using old = startScriptedServer(FRESH);
  await using other = startScriptedServer({ ...FRESH, access_token: "access-of-other" });
  using machine = makeMachine();
  await begin(machine, old);
  const held = hold(old);
  const first = machine.run(["auth", "token", PROFILE]);
  await held.asked;
  const waiting = await waitingAsk(machine);
  const endpoint = `${other.issuer}/token`;
  await machine.succeed(["auth", "profiles", "set", PROFILE, "--token-endpoint", endpoint]);
  await storeTokens(machine, { access_token: "x", refresh_token: "of-other", expires_at: 1 });
  held.answer(json(FRESH));
  await first;
  assert.equal((await waiting.result).stdout, "access-of-other");
  assert.deepEqual([refreshes(old), refreshes(other)], [["refresh-1"], ["of-other"]]);
});

Deno.test("a login that would wait no longer for a revocation is stored, and stays", async () => {
  await using server = startScriptedServer(FRESH);
  using machine = makeMachine();
  const { issuer } = server;
  const login = async (change = (): void | Promise<void> => {}): Promise<number> => {
    const words = [
      "custom:test",
      "--issuer",
      issuer,
      "--client-id",
      "client",
      "--profile",
      PROFILE,
    ];
    return (await pasteLogin(machine, words, { issuer, change })).result.status;
  };
  assert.equal(await login(), 0);
  server.talks.set("/revoke", async () => {
    server.talks.delete("/revoke");
    await new Promise((resolve) => setTimeout(resolve, 9_000)); // and it is asked again, for as long
    return json({}, 503);
  });
  const revoking = Promise.withResolvers<CliResult>();
  const stored = Promise.withResolvers<void>();
  // Only storing is left of the login by then: it waits 15 of the 19 seconds that the requests may take.
  const revoke = async (): Promise<void> => {
    machine.run(["auth", "revoke", PROFILE]).then(revoking.resolve, revoking.reject);
    while (server.talks.has("/revoke")) await new Promise((resolve) => setTimeout(resolve, 20));
    server.talks.set("/revoke", async () => {
      await stored.promise;
      return json({});
    });
  };
  assert.equal(await login(revoke), 0);
  stored.resolve();
  assertRefused(await revoking.promise, 7, "another login by now");
  assert.equal((await machine.succeed(["auth", "token", PROFILE])).stdout, FRESH.access_token);
});

Deno.test("who has waited for a profile that is gone or switched off by now gets nothing", async () => {
  const disable = async (machine: Machine): Promise<void> => {
    await machine.succeed(["auth", "profiles", "set", PROFILE, "--disable"]);
  };
  const takeAway = (machine: Machine): Promise<void> =>
    Deno.writeTextFile(`${machine.stateRoot}/auth_profiles.toml`, "version = 1\n");
  for (const change of [disable, takeAway]) {
    await using server = startScriptedServer(FRESH);
    using machine = makeMachine();
    await begin(machine, server);
    const held = hold(server);
    const first = machine.run(["auth", "token", PROFILE]);
    await held.asked;
    const waiting = await waitingAsk(machine);
    await change(machine);
    held.answer(json(FRESH));
    await first;
    assertRefused(await waiting.result, 7, change.name);
    assert.deepEqual(refreshes(server), ["refresh-1"]);
  }
});
