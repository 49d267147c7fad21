/** The time limit of a request, in full: ten seconds over everything, and no policy lifts it. */

import assert from "node:assert/strict";
import { WEB_NAME } from "../support/web_certificate.ts";
import { clientOf, failureOf, rawServer, readRequest } from "../support/web_servers.ts";

Deno.test("a server that sends a byte now and then is given up after ten seconds", async () => {
  await using server = rawServer(async (connection, write) => {
    await readRequest(connection);
    await write("HTTP/1.1 200 OK\r\n\r\n");
    for (;;) {
      await write("x");
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  });
  for (const policy of [{}, { timeoutMs: 60_000 }]) {
    const start = performance.now();
    const { code, reason } = await failureOf(clientOf(server, policy)(`https://${WEB_NAME}/`));
    assert.deepEqual([code, reason], ["connectivity", "timeout"]);
    const took = performance.now() - start;
    // The server would go on for ever, the policy for a minute; a busy machine may be late.
    assert.ok(took > 9_900 && took < 20_000, `${took} ms`);
  }
});
