/** The real ssh-add: a key for which it will ask, and a passphrase that is not the right one. */

import assert from "node:assert/strict";
import { writeProgram } from "../../support/program_file.ts";
import { type RealClient, testWithClient } from "../../support/real_client.ts";

const SECRET = "s3cr3t value";
const LIMIT_SECONDS = 10;

interface Added {
  readonly status: number;
  readonly out: string;
  readonly prompts: readonly string[];
  readonly shown: string;
}

/** Makes a key of this passphrase, which palyra is to give; what it is asked is written down. */
async function add(real: RealClient, passphrase: string, flag: string): Promise<Added> {
  const { client, home, program, run } = real;
  client.rules(`[[helper.askpass.map]]\nmatch = "ssh:${home}/key"\nref = "global/secret"\n`);
  await client.store("global/secret", SECRET);
  const wrapper = await real.install("askpass");
  const made = ["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f"];
  assert.equal((await run([...made, `${home}/key`])).status, 0);
  const [spy, prompts] = [`${home}/spy`, `${home}/prompts`];
  Deno.writeTextFileSync(prompts, "");
  writeProgram(spy, `#!/bin/sh\necho "$1" >>${prompts}\nexec ${wrapper} "$1"\n`);
  const script = `timeout ${LIMIT_SECONDS} ${program} ${flag} ${home}/key </dev/null; ` +
    `status=$?; ${program} -l; exit $status`;
  const env = { SSH_ASKPASS: spy, SSH_ASKPASS_REQUIRE: "force" };
  const { status, out, err } = await run(["/usr/bin/ssh-agent", "/bin/sh", "-c", script], { env });
  const asked = Deno.readTextFileSync(prompts).split("\n").filter((line) => line !== "");
  return { status, out, prompts: asked, shown: out + err };
}

testWithClient("ssh-add with -c", { program: "ssh-add", version: ["-h"] }, "", async (real) => {
  const { status, out, prompts, shown } = await add(real, SECRET, "-c");
  assert.equal(status, 0, shown);
  assert.match(out, /ED25519/);
  assert.deepEqual(prompts, [`Enter passphrase for ${real.home}/key (will confirm each use): `]);
});

testWithClient(
  "ssh-add with a wrong passphrase",
  { program: "ssh-add", version: ["-h"] },
  "",
  async (real) => {
    const { status, prompts, shown } = await add(real, "another one", "");
    assert.equal(status, 1, `it ends by itself: ${shown}`);
    assert.deepEqual(prompts.map((prompt) => prompt.split(" for ")[0]), [
      "Enter passphrase",
      "Bad passphrase, try again",
    ]);
    assert.doesNotMatch(shown, new RegExp(SECRET));
  },
);
