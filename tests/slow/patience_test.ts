/** What waits: an answer for a busy vault, and a login by code for a server that has its moments. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { makeMachine } from "../support/cli_run.ts";
import { FRESH, hold } from "../support/held_refresh.ts";
import { json, type ScriptedServer, startScriptedServer } from "../support/scripted_login.ts";
import { loginBy, PROFILE } from "../support/token_profile.ts";

/** Longer than a writer waits for another one. */
const BUSY_MS = 12_000;
const CHALLENGE = 'www-authenticate: Bearer error="invalid_token"\r\n';

function byCode({ issuer }: ScriptedServer): string[] {
  const endpoints = [
    "--token-endpoint",
    `${issuer}/token`,
    "--device-endpoint",
    `${issuer}/device`,
  ];
  return ["auth", "login", "custom:test", ...endpoints, "--client-id", "client", "--device-code"];
}

const ANSWERS = [
  [json(FRESH), 0, FRESH.access_token],
  [json({ error: "invalid_grant" }, 400), 3, ""],
] as const;

Deno.test("an answer that a busy vault cannot take is stored when it can, and no ended token is given for it", async () => {
  await Promise.all(ANSWERS.map(async ([answer, status, stdout]) => {
    await using server = startScriptedServer(FRESH);
    using machine = makeMachine();
    await loginBy(machine, { endpoint: `${server.issuer}/token`, refreshToken: "refresh-1" });
    const held = hold(server);
    const refreshing = machine.run(["auth", "token", PROFILE]);
    await held.asked;
    using database = new DatabaseSync(`${machine.stateRoot}/vault/vault.db`);
    database.exec("BEGIN IMMEDIATE");
    held.answer(answer);
    await new Promise((resolve) => setTimeout(resolve, BUSY_MS));
    database.exec("ROLLBACK");
    const result = await refreshing;
    assert.deepEqual([result.status, result.stdout], [status, stdout], result.stderr);
  }));
});

Deno.test("a login by code goes on where a server answers with 200, is busy, or breaks a connection", async () => {
  const rows: [(string | undefined)[], number][] = [
    [[
      json({ error: "authorization_pending" }),
      json({ error: "authorization_pending" }, 400, CHALLENGE),
      json(FRESH),
    ], 0],
    [[json({}, 503), undefined, json(FRESH)], 0],
    [[json({ error: "access_denied" })], 3],
  ];
  await Promise.all(rows.map(async ([answers, status]) => {
    await using server = startScriptedServer(FRESH);
    const waiting = [...answers];
    server.talks.set("/token", () => waiting.shift());
    using machine = makeMachine();
    const result = await machine.run([...byCode(server), "--profile", PROFILE]);
    assert.equal(result.status, status, result.stderr);
    assert.equal(waiting.length, 0);
    const token = await machine.run(["auth", "token", PROFILE]);
    assert.equal(token.stdout, status === 0 ? FRESH.access_token : "");
  }));
});
