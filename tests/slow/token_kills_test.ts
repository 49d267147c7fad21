/** Many processes that need a token while some of them are killed: nobody loops, and nobody prints a dead one. */

import assert from "node:assert/strict";
import { makeMachine, resultOf } from "../support/cli_run.ts";
import { rollDice, say } from "../support/dice.ts";
import { loginBy, PROFILE } from "../support/token_profile.ts";
import { startTokenServer } from "../support/token_server.ts";

const ROUNDS = Number(Deno.env.get("PALYRA_TEST_ROUNDS") ?? 16);
const CROWD = 25;
const KILLED = 5;
const SPAN_MS = 900;

Deno.test("with a fifth of the processes killed, each survivor has a working token or is told to log in", async () => {
  const dice = rollDice("token kills");
  const tally = { killed: 0, tokens: 0, ended: 0, lost: 0, requests: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    await using server = startTokenServer();
    using machine = makeMachine();
    await loginBy(machine, server);
    server.wish.delayMs = dice.next() * 300;
    const children = await Promise.all(
      Array.from({ length: CROWD }, () => machine.spawn(["auth", "token", PROFILE])),
    );
    const timers = children.slice(0, KILLED).map((child) =>
      setTimeout(() => {
        try {
          child.kill("SIGKILL");
        } catch { /* it has ended */ }
      }, dice.next() * SPAN_MS)
    );
    const results = await Promise.all(children.map((child) => resultOf(child)));
    timers.forEach(clearTimeout);
    const killed = results.filter(({ status }) => status === 137);
    const rest = results.filter(({ status }) => status !== 137);
    tally.killed += killed.length;
    tally.requests += server.requests;
    assert.ok(server.requests <= 1 + killed.length, `round ${round}: ${server.requests} requests`);
    const isEnded = server.reuses > 0;
    for (const { status, stdout, stderr } of rest) {
      if (status === 0) {
        assert.ok(server.given.has(stdout), `round ${round}: a token that nobody gave`);
        tally.tokens++;
      } else {
        assert.equal(status, 3, `round ${round}: ${stderr}`);
        assert.ok(isEnded, `round ${round}: told to log in although the login was good`);
        tally.ended++;
      }
    }
    if (isEnded) tally.lost++;
    const after = await machine.run(["auth", "token", PROFILE]);
    assert.equal(after.status, isEnded ? 3 : 0, `round ${round}: afterwards: ${after.stderr}`);
  }
  say(`token kills: ${JSON.stringify(tally)}`);
  assert.ok(tally.killed >= ROUNDS && tally.tokens > 5 * ROUNDS, JSON.stringify(tally));
});
