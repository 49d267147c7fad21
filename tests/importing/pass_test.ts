/** Importing from the real `pass`, whose entries a real gpg has encrypted. */

import assert from "node:assert/strict";
import { assertRefused, type Machine, makeMachine } from "../support/cli_run.ts";
import { runProcess } from "../support/process.ts";
import { whyNoPass } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";

const withPass = unlessSkipped("no-pass", whyNoPass());

const ENTRIES: Readonly<Record<string, string>> = {
  "Web/Example.com": "first-password-1\n",
  "api/open ai": "sk-second-2",
  "multi": "password-3\nuser: me\nurl: https://example.com\n",
};

/** A machine with a password store of its own; its gpg agents are ended with it. */
async function stocked(): Promise<
  Machine & { readonly store: string; shell(line: string): Promise<string> }
> {
  const machine = makeMachine();
  const store = `${machine.home}/.password-store`;
  Deno.mkdirSync(`${machine.home}/.gnupg`, { mode: 0o700 });
  const shell = async (line: string, stdin = ""): Promise<string> => {
    const { out, err, status } = await runProcess({
      argv: ["/bin/sh", "-c", line],
      env: { ...machine.env, PASSWORD_STORE_DIR: store },
      stdin,
      timeoutMs: 60_000,
    });
    assert.equal(status, 0, `${line}: ${err}`);
    return out;
  };
  await shell(
    "gpg --batch -q --passphrase '' --quick-generate-key test@example.com default default never",
  );
  await shell("pass init test@example.com");
  for (const [name, text] of Object.entries(ENTRIES)) await shell(`pass insert -m '${name}'`, text);
  const end = machine[Symbol.dispose];
  return {
    ...machine,
    store,
    shell,
    [Symbol.dispose]: () => {
      for (const name of [".gnupg", "other"]) {
        new Deno.Command("/usr/bin/gpgconf", {
          args: ["--homedir", `${machine.home}/${name}`, "--kill", "all"],
        }).outputSync();
      }
      end();
    },
  };
}

withPass("Entries are stored and read back, and only then removed from the store", async () => {
  using machine = await stocked();
  const { store, shell } = machine;
  const args = ["secrets", "import", "--from", "pass", store, "--scope", "global", "--json"];
  const { stdout } = await machine.succeed([...args, "--scrub"]);
  const { items, left, scrubbed } = JSON.parse(stdout);
  assert.deepEqual(items.map(({ key, ref }: Record<string, string>) => [key, ref]), [
    ["Web/Example.com", "global/web/example.com"],
    ["api/open ai", "global/api/open_ai"],
  ]);
  assert.deepEqual([left.map(({ key }: { key: string }) => key), scrubbed], [["multi"], 2]);
  const resolve = async (name: string): Promise<string> =>
    (await machine.succeed(["resolve", `global/${name}`])).stdout;
  assert.equal(await resolve("web/example.com"), "first-password-1");
  assert.equal(await resolve("api/open_ai"), "sk-second-2");
  assert.equal(await shell("find $PASSWORD_STORE_DIR -name '*.gpg' -printf '%P\n'"), "multi.gpg\n");
  assertRefused(
    await machine.run([...args.slice(0, -1), "--scrub", "--lines", "first"]),
    2,
    "lines would be lost",
  );
  await machine.succeed([...args, "--lines", "first"]);
  assert.equal(await resolve("multi"), "password-3");
  assert.equal(await shell("pass show multi"), ENTRIES["multi"]);
  await machine.succeed([...args, "--lines", "all", "--replace", "--scrub"]);
  assert.equal(await resolve("multi"), ENTRIES["multi"]!.trimEnd());
  assert.equal(await shell("find $PASSWORD_STORE_DIR -name '*.gpg'"), "");
});

withPass(
  "An entry of whose last segment nothing can stay is refused, not given its folder's name",
  async () => {
    using machine = await stocked();
    const { store, shell } = machine;
    await shell("printf secret-4 | pass insert -m 'Web Site/ä'");
    const args = ["secrets", "import", "--from", "pass", store];
    assertRefused(await machine.run([...args, "--scope", "global", "--scrub"]), 2, "no name");
    assert.equal(await shell("pass show 'Web Site/ä'"), "secret-4");
    await machine.succeed([...args, "api/open ai", "--scope", "global"]);
  },
);

withPass("Without the key nothing is imported, and nobody is asked", async () => {
  using machine = await stocked();
  const { store } = machine;
  const env = { GNUPGHOME: `${machine.home}/other` };
  Deno.mkdirSync(env.GNUPGHOME, { mode: 0o700 });
  const args = ["secrets", "import", "--from", "pass", store, "--scope", "global", "--scrub"];
  assertRefused(await machine.run(args, { env }), 5, "no key");
  assert.equal([...Deno.readDirSync(`${store}/Web`)].length, 1);
  assertRefused(
    await machine.run([...args.slice(0, 4), machine.home, "--scope", "global"]),
    2,
    "no store",
  );
});
