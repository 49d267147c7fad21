/** What a program has stored and erased again: nothing of it can be read afterwards. */

import assert from "node:assert/strict";
import { type ClientMachine, makeClientMachine } from "../support/clients.ts";

const RULES =
  '[helper.git]\nstore_scope = "skill:git"\n[helper.keyring]\nstore_scope = "skill:git"\n';
const SECRETS = ["first canary", "second canary", "third canary"] as const;

async function refsOf({ machine }: ClientMachine): Promise<string[]> {
  const { stdout } = await machine.succeed(["secrets", "list", "skill:git", "--json"]);
  return JSON.parse(stdout).secrets.map(({ ref }: { ref: string }) => ref);
}

Deno.test("what a program erases, or replaces, is in no older version", async () => {
  using client = makeClientMachine(RULES);
  const git = (operation: string, user: string, secret?: string): ReturnType<typeof client.ask> =>
    client.ask(
      "git",
      [operation],
      `protocol=https\nhost=h.org\nusername=${user}\n` +
        `${secret === undefined ? "" : `password=${secret}\n`}\n`,
    );
  await git("store", "al", SECRETS[0]);
  await git("store", "al", SECRETS[1]);
  await git("store", "zoe", SECRETS[2]);
  assert.equal((await git("erase", "al")).status, 0);
  assert.match((await git("get", "zoe")).stdout, /third canary/);
  const [ref, ...more] = await refsOf(client);
  assert.deepEqual(more, []);
  const { stdout } = await client.machine.succeed(["secrets", "history", ref!, "--json"]);
  const versions: { version: number }[] = JSON.parse(stdout).versions;
  assert.deepEqual(versions.map(({ version }) => version), [4]);
  for (let version = 1; version <= 4; version++) {
    const args = ["secrets", "get", `${ref}#${version}`, "--reveal"];
    const got = await client.machine.run(args);
    assert.equal(got.status, version === 4 ? 0 : 8, got.stderr);
    assert.doesNotMatch(got.stdout, /first canary|second canary/);
  }
  await git("erase", "zoe");
  assert.deepEqual(await refsOf(client), [], "the last one takes the secret with it");
});

Deno.test("git's lines end with LF alone: a password keeps its CR, and a host with one is none", async () => {
  using client = makeClientMachine(RULES);
  const git = (operation: string, host: string, secret: string): ReturnType<typeof client.ask> =>
    client.ask(
      "git",
      [operation],
      `protocol=https\nhost=${host}\nusername=al\npassword=${secret}\n\n`,
    );
  await git("store", "h.org", "canary\r");
  const [ref] = await refsOf(client);
  const { stdout } = await client.machine.succeed(["secrets", "get", ref!, "--reveal"]);
  assert.ok(stdout.includes(JSON.stringify("canary\r")), stdout);
  const got = await client.ask("git", ["get"], "protocol=https\nhost=h.org\n\n");
  // Git would cut it without a word.
  assert.deepEqual([got.status, got.stdout], [1, ""]);
  assert.match(got.stderr, /Cannot give the value/);
  await git("erase", "h.org", "canary");
  assert.deepEqual(await refsOf(client), [ref], "another password");
  await git("erase", "h.org", "canary\r");
  assert.deepEqual(await refsOf(client), []);
  await git("store", "h.org\r", "canary");
  assert.deepEqual(await refsOf(client), []);
});

Deno.test("protocols that share a scope do not read each other, nor what a person has put there", async () => {
  using client = makeClientMachine(RULES);
  await client.ask("keyring", ["set", "https://h.org/", "al"], `${SECRETS[0]}\n`);
  const get = (): ReturnType<typeof client.ask> =>
    client.ask("git", ["get"], "protocol=https\nhost=h.org\npath=\n\n");
  assert.deepEqual([(await get()).status, (await get()).stdout], [0, ""]);
  await client.ask("git", ["store"], "protocol=https\nhost=h.org\nusername=al\npassword=x\n\n");
  const ref = (await refsOf(client)).find((one) => one.startsWith("skill:git/git/"))!;
  for (
    const value of [
      "a person's own text",
      "{}",
      '{"version":1,"address":"https://evil.org:443","accounts":[]}',
    ]
  ) {
    await client.store(ref, value);
    const { status, stdout, stderr } = await get();
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, /^palyra: Cannot read a stored credential: it was not stored by a helper/);
    assert.doesNotMatch(stderr, /person|evil/);
  }
});
