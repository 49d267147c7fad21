/** Fifty processes that need a token at the moment when it has ended, again and again: the server is asked once. */

import assert from "node:assert/strict";
import { makeMachine } from "../support/cli_run.ts";
import { say } from "../support/dice.ts";
import { loginBy, PROFILE, storeTokens } from "../support/token_profile.ts";
import { startTokenServer } from "../support/token_server.ts";

const ROUNDS = Number(Deno.env.get("PALYRA_TEST_ROUNDS") ?? "8");
const CROWD = 50;

Deno.test("however many ask when a token has ended, the server is asked once, and its rotation never takes it for theft", async () => {
  await using server = startTokenServer();
  using machine = makeMachine();
  await loginBy(machine, server);
  let waited = 0;
  for (let round = 0; round < ROUNDS; round++) {
    await storeTokens(machine, {
      access_token: "ended",
      refresh_token: server.refreshToken,
      expires_at: Date.now() - 1,
    });
    server.wish.delayMs = round % 3 === 0 ? 400 : 0;
    const before = server.requests;
    const all = await Promise.all(
      Array.from({ length: CROWD }, () => machine.run(["auth", "token", PROFILE])),
    );
    const told = new Set(all.map(({ status, stdout }) => `${status} ${stdout}`));
    assert.deepEqual([...told], [`0 access-${round + 1}`], `round ${round}`);
    assert.equal(server.requests - before, 1, `round ${round}`);
    waited += CROWD - 1;
  }
  assert.equal(server.reuses, 0);
  say(`token crowds: ${ROUNDS} rounds, ${server.requests} requests, ${waited} got another's token`);
});
