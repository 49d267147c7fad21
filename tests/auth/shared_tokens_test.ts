/** One token set, many hands: two profiles that share it; commands that take it away; logins that come between. */

import assert from "node:assert/strict";
import { assertRefused, type Machine, makeMachine } from "../support/cli_run.ts";
import { FRESH, hold, refreshes, waitingAsk } from "../support/held_refresh.ts";
import { jsonOf } from "../support/pairing_machines.ts";
import { json, type ScriptedServer, startScriptedServer } from "../support/scripted_login.ts";
import { loginBy, PROFILE, storeTokens, TOKENS_REF } from "../support/token_profile.ts";

const GOOD_FOR_MS = 3_600_000;

async function begin(machine: Machine, server: ScriptedServer): Promise<void> {
  await loginBy(machine, { endpoint: `${server.issuer}/token`, refreshToken: "refresh-1" });
}

Deno.test("two profiles with one token set: one refresh, whose tokens both get", async () => {
  await using server = startScriptedServer(FRESH);
  using machine = makeMachine();
  await begin(machine, server);
  await machine.succeed([
    ...["auth", "profiles", "set", "twin", "--provider", "custom:test", "--tokens-ref", TOKENS_REF],
    ...["--client-id", "client", "--token-endpoint", `${server.issuer}/token`],
  ]);
  const held = hold(server);
  const first = machine.run(["auth", "token", PROFILE]);
  await held.asked;
  const waiting = await waitingAsk(machine, ["auth", "token", "twin"]);
  held.answer(json(FRESH));
  assert.equal((await first).stdout, FRESH.access_token);
  assert.equal((await waiting.result).stdout, FRESH.access_token);
  assert.deepEqual(refreshes(server), ["refresh-1"]);
});

Deno.test("who revokes one of two profiles with one token set is told that the other has ended too", async () => {
  await using server = startScriptedServer(FRESH);
  using machine = makeMachine();
  await begin(machine, server);
  const set = ["auth", "profiles", "set"];
  await machine.succeed([...set, PROFILE, "--revocation-endpoint", `${server.issuer}/revoke`]);
  await machine.succeed([
    ...[...set, "twin", "--provider", "custom:test", "--tokens-ref", TOKENS_REF],
    ...["--client-id", "client", "--token-endpoint", `${server.issuer}/token`],
  ]);
  const { ended, kept } = await jsonOf(machine, ["auth", "revoke", PROFILE]);
  assert.deepEqual([ended, kept], [["twin"], [TOKENS_REF]]);
  await machine.succeed([...set, "twin", "--revocation-endpoint", `${server.issuer}/revoke`]);
  assert.doesNotMatch((await machine.succeed(["auth", "revoke", "twin"])).stdout, /^ended/m);
});

Deno.test("a profile is deleted after the refresh that is under way, and its tokens with it", async () => {
  await using server = startScriptedServer(FRESH);
  using machine = makeMachine();
  const words = ["openai", "oauth-start", "--issuer", server.issuer, "--client-id", "client"];
  const begun = await jsonOf(machine, [
    "auth",
    ...words,
    "--oauth-scope",
    "x",
    "--profile",
    "work",
  ]);
  const page = new URL(String(begun["authorization_url"]));
  const query = new URLSearchParams({ code: "c", state: page.searchParams.get("state")! });
  const answer = `http://127.0.0.1/callback?${query}&iss=${encodeURIComponent(server.issuer)}`;
  const end = ["auth", "openai", "oauth-state", String(begun["attempt_id"]), "--answer-stdin"];
  await machine.succeed(end, { stdin: answer });
  const { secrets } = await jsonOf(machine, ["auth", "profiles", "show", "work"]);
  const [ref] = secrets as string[];
  const held = hold(server);
  const refreshing = machine.run(["auth", "refresh", "work"]);
  await held.asked;
  const removing = await waitingAsk(machine, ["auth", "profiles", "delete", "work", "--json"], ref);
  held.answer(json({ ...FRESH, access_token: "access-of-refresh" }));
  assert.equal((await refreshing).status, 0);
  const removed = await removing.result;
  assert.equal(removed.status, 0, removed.stderr);
  assert.deepEqual(JSON.parse(removed.stdout).secrets, [ref]);
  assertRefused(await machine.run(["resolve", ref!]), 8, "the tokens are gone");
});

Deno.test("the token that is revoked is the one that a refresh under way has given", async () => {
  await using server = startScriptedServer(FRESH);
  using machine = makeMachine();
  await begin(machine, server);
  const endpoint = ["--revocation-endpoint", `${server.issuer}/revoke`];
  await machine.succeed(["auth", "profiles", "set", PROFILE, ...endpoint]);
  const held = hold(server);
  const refreshing = machine.run(["auth", "token", PROFILE]);
  await held.asked;
  const revoking = await waitingAsk(machine, ["auth", "revoke", PROFILE]);
  held.answer(json(FRESH));
  await refreshing;
  assert.equal((await revoking.result).status, 0);
  const [sent] = server.seen.filter(({ path }) => path === "/revoke");
  assert.equal(sent!.form.get("token"), FRESH.refresh_token);
});

Deno.test("what a profile has got while its tokens were revoked stays", async () => {
  const changes = [
    (machine: Machine) => storeTokens(machine, { access_token: "new", refresh_token: "new" }),
    async (machine: Machine) => {
      await machine.succeed(["secrets", "set", "global/key"], { stdin: "new" });
      const words = ["auth", "profiles", "set", PROFILE, "--api-key-ref", "global/key"];
      await machine.succeed(words);
    },
  ];
  for (const change of changes) {
    await using server = startScriptedServer(FRESH);
    using machine = makeMachine();
    await begin(machine, server);
    const endpoint = ["--revocation-endpoint", `${server.issuer}/revoke`];
    await machine.succeed(["auth", "profiles", "set", PROFILE, ...endpoint]);
    server.talks.set("/revoke", async () => {
      await change(machine);
      return json({});
    });
    const refused = await machine.run(["auth", "revoke", PROFILE]);
    assertRefused(refused, 7, "other tokens");
    assert.match(refused.stderr, /meanwhile\nhint: .*was revoked; .*stays/);
    assert.deepEqual(server.seen.map(({ form }) => form.get("token")), ["refresh-1"]);
    assert.equal((await machine.succeed(["auth", "token", PROFILE])).stdout, "new");
  }
});

Deno.test("a revocation is tried again where the server is busy; who refuses the client is exit 3", async () => {
  await using server = startScriptedServer(FRESH);
  using machine = makeMachine();
  await begin(machine, server);
  const endpoint = ["--revocation-endpoint", `${server.issuer}/revoke`];
  await machine.succeed(["auth", "profiles", "set", PROFILE, ...endpoint]);
  server.talks.set("/revoke", () => json({ error: "invalid_client" }, 401));
  assertRefused(await machine.run(["auth", "revoke", PROFILE]), 3, "the client");
  let asked = 0;
  server.talks.set("/revoke", () => asked++ === 0 ? json({}, 503) : json({}));
  assert.equal((await machine.run(["auth", "revoke", PROFILE])).status, 0);
  assert.equal(asked, 2);
});

Deno.test("a server elsewhere leads no revocation to this machine", async () => {
  await using here = startScriptedServer(FRESH);
  using machine = makeMachine();
  await loginBy(machine, { endpoint: "https://a.example/token", refreshToken: "refresh-1" });
  const endpoint = ["--revocation-endpoint", `${here.issuer}/revoke`];
  await machine.succeed(["auth", "profiles", "set", PROFILE, ...endpoint]);
  assertRefused(await machine.run(["auth", "revoke", PROFILE]), 6, "loopback");
  assert.equal(here.seen.length, 0);
});

Deno.test("a secret that the config names outlives the profile that it was stored for", async () => {
  await using server = startScriptedServer(FRESH);
  using machine = makeMachine();
  const store = ["auth", "openai", "api-key", "--value-stdin", "--base-url", `${server.issuer}/v1`];
  const { secret } = await jsonOf(machine, store, "sk-of-the-test");
  const bind = ["secrets", "configure", "openai-api-key", String(secret), "--no-value"];
  await machine.succeed(bind);
  const removed = await jsonOf(machine, ["auth", "profiles", "delete", "openai"]);
  assert.deepEqual([removed["secrets"], removed["kept"]], [[], [secret]]);
  const field = "config:model_provider.openai_api_key";
  assert.equal((await machine.succeed(["resolve", field])).stdout, "sk-of-the-test");
});

Deno.test("nothing bad is known of tokens that somebody else has stored", async () => {
  await using server = startScriptedServer(FRESH);
  using machine = makeMachine();
  await begin(machine, server);
  server.talks.set("/token", () => json({ error: "invalid_grant" }, 400));
  assertRefused(await machine.run(["auth", "token", PROFILE]), 3, "ended");
  const state = async (): Promise<unknown> =>
    (await jsonOf(machine, ["auth", "profiles", "show", PROFILE]))["state"];
  assert.equal(await state(), "revoked");
  const expires_at = Date.now() + GOOD_FOR_MS;
  await storeTokens(machine, { access_token: "new", refresh_token: "refresh-9", expires_at });
  assert.equal(await state(), "ok");
  server.talks.delete("/token");
  await machine.succeed(["auth", "refresh", PROFILE]);
  assert.equal(refreshes(server).at(-1), "refresh-9");
});

Deno.test("a rest that somebody has ended while the server was asked begins anew", async () => {
  await using server = startScriptedServer(FRESH);
  using machine = makeMachine();
  await begin(machine, server);
  const fail = async (during: () => Promise<unknown>): Promise<void> => {
    const held = hold(server);
    const refreshing = machine.run(["auth", "token", PROFILE]);
    await held.asked;
    await during();
    held.answer(json({ error: "server_error" }, 503));
    assertRefused(await refreshing, 4, "503");
  };
  const clear = (): Promise<unknown> =>
    machine.succeed(["auth", "profiles", "cooldown-clear", PROFILE]);
  const file = `${machine.stateRoot}/auth_profile_runtime_state.toml`;
  await fail(() => Promise.resolve());
  const text = Deno.readTextFileSync(file);
  // Six failures, and a rest that is over.
  const six = text.replace("failures = 1", "failures = 6").replace(
    /cooldown_until = \d+/,
    "cooldown_until = 1",
  );
  assert.notEqual(six, text);
  Deno.writeTextFileSync(file, six);
  await fail(clear);
  assert.equal((await jsonOf(machine, ["auth", "profiles", "show", PROFILE]))["failures"], 1);
});

const SIGNALS = [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129], ["SIGQUIT", 131]] as const;

Deno.test("signals that come while the server is asked end palyra after the answer was stored", async () => {
  const defaults = ["/usr/bin/env", "--default-signal"];
  const rows = [
    ...SIGNALS.map(([signal, status]) => ({ signal, status, through: defaults })),
    { signal: "SIGHUP", status: 0, through: ["/usr/bin/env", "--ignore-signal=HUP"] },
  ] as const;
  for (const { signal, status, through } of rows) {
    await using server = startScriptedServer(FRESH);
    using machine = makeMachine();
    await begin(machine, server);
    const held = hold(server);
    const child = await machine.spawn(["auth", "token", PROFILE], { through });
    await held.asked;
    child.kill(signal);
    await new Promise((resolve) => setTimeout(resolve, 200));
    held.answer(json(FRESH));
    const ended = await child.output();
    const isSo = ended.code === status || (status !== 0 && ended.signal === signal);
    assert.ok(isSo, `${signal}, ${status}: ${ended.code}`);
    const stored = JSON.parse((await machine.succeed(["resolve", TOKENS_REF])).stdout);
    assert.equal(stored.refresh_token, FRESH.refresh_token, signal);
    assert.equal((await machine.succeed(["auth", "token", PROFILE])).stdout, FRESH.access_token);
    assert.equal(refreshes(server).length, 1);
  }
});

Deno.test("that a refresh has begun is written before the server is asked, also where it says so already", async () => {
  await using server = startScriptedServer(FRESH);
  using machine = makeMachine();
  await begin(machine, server);
  const left = { access_token: "x", refresh_token: "refresh-1", expires_at: 1, refreshing: true };
  await storeTokens(machine, left);
  const before = Number((await jsonOf(machine, ["secrets", "get", TOKENS_REF]))["version"]);
  const held = hold(server);
  const refreshing = machine.run(["auth", "token", PROFILE]);
  await held.asked;
  const during = Number((await jsonOf(machine, ["secrets", "get", TOKENS_REF]))["version"]);
  held.answer(json(FRESH));
  assert.equal((await refreshing).status, 0);
  assert.equal(during, before + 1);
});
