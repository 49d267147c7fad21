/** What servers say in their own ways: refusals with odd statuses and headers, hiccups, and what is not known of them. */

import assert from "node:assert/strict";
import { assertRefused, type Machine, makeMachine } from "../support/cli_run.ts";
import { FRESH } from "../support/held_refresh.ts";
import { jsonOf } from "../support/pairing_machines.ts";
import {
  json,
  metadataOf,
  pasteLogin,
  plain,
  type ScriptedServer,
  startScriptedServer,
} from "../support/scripted_login.ts";
import { loginBy, PROFILE } from "../support/token_profile.ts";

const CHALLENGE = 'www-authenticate: Bearer error="invalid_token"\r\n';
const DAY_MS = 86_400_000;

async function begin(machine: Machine, server: ScriptedServer): Promise<void> {
  await loginBy(machine, { endpoint: `${server.issuer}/token`, refreshToken: "refresh-1" });
}

Deno.test("a refusal is one with any status, beside any header, in any type of answer", async () => {
  const rows: [string, string, number][] = [
    ["GitHub's status", json({ error: "bad_refresh_token", error_description: "x" }), 3],
    ["status 200", json({ error: "invalid_grant" }), 3],
    ["a challenge", json({ error: "invalid_grant" }, 400, CHALLENGE), 3],
    ["a challenge with 401", json({ error: "invalid_client" }, 401, CHALLENGE), 3],
    ["plain text", plain('{"error":"invalid_grant"}', 400, "content-type: text/plain\r\n"), 3],
    ["GitHub's client", json({ error: "incorrect_client_credentials" }), 3],
    ["an unknown word", json({ error: "slowly" }), 3],
    ["a challenge alone", plain("", 401, CHALLENGE), 3],
  ];
  for (const [what, answer, status] of rows) {
    await using server = startScriptedServer(FRESH);
    using machine = makeMachine();
    await begin(machine, server);
    server.talks.set("/token", () => answer);
    assertRefused(await machine.run(["auth", "token", PROFILE]), status, what);
    const { failure } = await jsonOf(machine, ["auth", "profiles", "show", PROFILE]);
    const wanted = /invalid_grant|bad_refresh/.test(answer)
      ? "auth_invalid"
      : /client/.test(answer)
      ? "config_missing"
      : "refresh_failed";
    assert.equal(failure, wanted, what);
  }
});

Deno.test("who is asked to wait for longer than a day waits for a day", async () => {
  await using server = startScriptedServer(FRESH);
  using machine = makeMachine();
  await begin(machine, server);
  server.talks.set("/token", () => json({}, 503, "retry-after: 99999999999\r\n"));
  assertRefused(await machine.run(["auth", "token", PROFILE]), 4, "503");
  const shown = await jsonOf(machine, ["auth", "profiles", "show", PROFILE]);
  const rest = Date.parse(String(shown["cooldown_until"])) - Date.now();
  assert.ok(rest > DAY_MS - 60_000 && rest <= DAY_MS, `${rest}`);
});

Deno.test("of a server that did not describe itself no ID token is asked for or judged", async () => {
  await using server = startScriptedServer({ ...FRESH, id_token: "of.somebody.else" });
  using machine = makeMachine();
  const endpoints = ["--authorization-endpoint", `${server.issuer}/authorize`];
  const words = ["custom:test", ...endpoints, "--token-endpoint", `${server.issuer}/token`];
  const { result, asked } = await pasteLogin(
    machine,
    [...words, "--client-id", "client", "--oauth-scope", "openid", "--profile", PROFILE],
    { issuer: server.issuer },
  );
  assert.equal(result.status, 0, result.stderr);
  assert.equal(asked!.searchParams.get("nonce"), null);
});

Deno.test("metadata is looked for at the second place where the first one gives none", async () => {
  for (const status of [403, 404, 405, 500]) {
    await using server = startScriptedServer(FRESH);
    const { issuer } = server;
    server.talks.set("/.well-known/openid-configuration", () => plain("<html>", status));
    server.talks.set("/.well-known/oauth-authorization-server", () => json(metadataOf(issuer)));
    using machine = makeMachine();
    const words = ["custom:test", "--issuer", issuer, "--client-id", "client"];
    const { result } = await pasteLogin(machine, words, { issuer });
    assert.equal(result.status, 0, `${status}: ${result.stderr}`);
  }
});

Deno.test("what could not be stored in the end is told before anybody is asked", async () => {
  await using server = startScriptedServer(FRESH);
  const login = [
    "auth",
    "login",
    "custom:test",
    "--issuer",
    server.issuer,
    "--client-id",
    "client",
  ];
  const key = ["auth", "openai", "api-key", "--base-url", `${server.issuer}/v1`, "--value-stdin"];
  const start = ["auth", "openai", "oauth-start", "--issuer", server.issuer, "--client-id", "c"];
  using machine = makeMachine();
  for (const words of [login, key, start]) {
    const result = await machine.run([...words, "--name", " "], { stdin: "sk" });
    assertRefused(result, 2, words.join(" "));
    assert.match(result.stderr, /profile_name/);
  }
  const odd = await machine.run([...login, "--oauth-scope", "openid x"]);
  assertRefused(odd, 2, "two scopes in one word");
  assert.throws(() => Deno.statSync(machine.stateRoot), Deno.errors.NotFound);
  await machine.succeed(["secrets", "set", "global/a"], { stdin: "a" });
  Deno.writeTextFileSync(`${machine.stateRoot}/auth_profiles.toml`, "version = 1\n[profiles.x]\n", {
    mode: 0o600,
  });
  for (const words of [login, key, start]) {
    const result = await machine.run(words, { stdin: "sk" });
    assertRefused(result, 2, words.join(" "));
    assert.match(result.stderr, /auth_profiles\.toml: line 2/);
  }
  assert.equal(server.seen.length, 0);
});

Deno.test("a token from a time that the clock has not reached is refreshed", async () => {
  await using server = startScriptedServer(FRESH);
  using machine = makeMachine();
  await begin(machine, server);
  const ahead = Date.now() + DAY_MS;
  const set = { version: 1, access_token: "of-tomorrow", token_type: "bearer", refresh_token: "r" };
  const times = { obtained_at: ahead, expires_at: ahead + 3_600_000 };
  await machine.succeed(["secrets", "set", "global/tokens"], {
    stdin: JSON.stringify({ ...set, ...times }),
  });
  assert.equal((await machine.succeed(["auth", "token", PROFILE])).stdout, FRESH.access_token);
});
