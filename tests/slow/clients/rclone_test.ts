/** The real rclone: it encrypts its config with a password, and opens it with what palyra prints. */

import assert from "node:assert/strict";
import { testWithClient } from "../../support/real_client.ts";

const SECRET = "s3cr3t value";
const RULES = '[[helper.token.map]]\nmatch = "rclone"\nref = "global/secret"\n';

testWithClient(
  "rclone with an encrypted config",
  {
    program: "rclone",
    version: ["version"],
  },
  RULES,
  async (real) => {
    const { client, home, program, run } = real;
    await client.store("global/secret", SECRET);
    await client.store("global/other", "another value");
    const config = `${home}/rclone.conf`;
    const plain = { RCLONE_CONFIG: config };
    assert.equal(
      (await run([program, "config", "create", "loc", "local"], { env: plain })).status,
      0,
    );
    // "s"et a password, "a"dd it, twice; "q"uit both menus.
    const keys = ["s", "a", SECRET, SECRET, "q", "q", ""].join("\n");
    // A terminal gives it a line at a time; from a pipe it takes more than it asks for.
    const typed = ["/usr/bin/script", "-qec", `${program} config`, "/dev/null"];
    const set = await run(typed, { env: plain, stdin: keys });
    assert.equal(set.status, 0, set.err);
    assert.match(Deno.readTextFileSync(config), /RCLONE_ENCRYPT_V0/);
    const env = { ...plain, RCLONE_PASSWORD_COMMAND: await real.install("rclone") };
    const list = [program, "listremotes", "--ask-password=false"];
    const opened = await run(list, { env });
    assert.deepEqual([opened.status, opened.out], [0, "loc:\n"], opened.err);
    client.rules(RULES.replace("global/secret", "global/other"));
    const wrong = await run(list, { env, stdin: "" });
    assert.notEqual(wrong.status, 0, "another password opens nothing");
    assert.equal(wrong.out, "");
    client.rules("");
    assert.match((await run(list, { env })).err, /password command failed/);
  },
);
