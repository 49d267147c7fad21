/** The directory that palyra writes for a service of systemd: whose it is, what stays in it, and when none is written. */

import assert from "node:assert/strict";
import { makeClientMachine } from "../support/clients.ts";
import { eachOf } from "../support/cli_run.ts";

const RULES = '[helper.systemd]\nallow = ["global/*"]\n';
/** Named as what a killed writer of the same file leaves behind. */
const ABANDONED = ".tok.palyra-0b8f6a52-6d7c-4c0e-9e39-5a4f0d1c2b3a";

const filled = async (): Promise<ReturnType<typeof makeClientMachine>> => {
  const client = makeClientMachine(RULES, "nobody");
  await client.store("global/tok", "first");
  return client;
};

Deno.test("a directory that others may read, a link to one, and one of somebody else get nothing", async () => {
  using client = await filled();
  const { home } = client.machine;
  const { uid } = Deno.statSync(home);
  const make = (name: string, mode: number, owner: number): void => {
    Deno.mkdirSync(`${home}/${name}`);
    Deno.chmodSync(`${home}/${name}`, mode);
    Deno.chownSync(`${home}/${name}`, owner, owner);
  };
  make("open", 0o755, uid!);
  make("foreign", 0o777, 0);
  make("own", 0o700, uid!);
  Deno.symlinkSync(`${home}/own`, `${home}/link`);
  for (const name of ["open", "foreign", "link"]) {
    const result = await client.ask("systemd", ["--directory", `${home}/${name}`, "a=global/tok"]);
    assert.equal(result.status, 6, `${name}: ${result.stderr}`);
    assert.equal(result.stdout, "");
    assert.doesNotMatch(result.stderr, /first/);
    assert.deepEqual([...Deno.readDirSync(`${home}/${name}`)], [], name);
  }
});

Deno.test("what a killed writer has left goes with the next, although nobody may write it", async () => {
  using client = await filled();
  const { home } = client.machine;
  const { uid, gid } = Deno.statSync(home);
  const directory = `${home}/creds`;
  const args = ["--directory", directory, "tok=global/tok"];
  assert.equal((await client.ask("systemd", args)).status, 0);
  Deno.writeTextFileSync(`${directory}/${ABANDONED}`, "half", { mode: 0o400 });
  Deno.chownSync(`${directory}/${ABANDONED}`, uid!, gid!);
  assert.equal((await client.ask("systemd", args)).status, 0);
  assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), ["tok"]);
  assert.equal(Deno.statSync(`${directory}/tok`).mode! & 0o777, 0o400);
});

Deno.test("twelve writers of one credential leave it whole, and nothing beside it", async () => {
  using client = await filled();
  await client.store("global/long", "x".repeat(100_000));
  const directory = `${client.machine.home}/creds`;
  const refs = Array.from({ length: 12 }, (_, at) => at % 2 === 0 ? "global/tok" : "global/long");
  await eachOf(refs, async (ref) => {
    const { status, stderr } = await client.ask("systemd", [
      "--directory",
      directory,
      `tok=${ref}`,
    ]);
    assert.equal(status, 0, stderr);
  }, 6);
  assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), ["tok"]);
  assert.ok([5, 100_000].includes(Deno.readTextFileSync(`${directory}/tok`).length));
});

Deno.test("where one cannot be written none is: what stood there stays, and nothing is left beside it", async () => {
  using client = await filled();
  await client.store("global/new", "second");
  const directory = `${client.machine.home}/creds`;
  const write = (...pairs: string[]): ReturnType<typeof client.ask> =>
    client.ask("systemd", ["--directory", directory, ...pairs]);
  assert.equal((await write("one=global/tok", "two=global/tok")).status, 0);
  Deno.mkdirSync(`${directory}/busy`);
  Deno.symlinkSync(`${directory}/one`, `${directory}/link`);
  const before = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  for (const bad of ["busy", "link"]) {
    for (const at of [0, 1, 2]) {
      const names = ["one", "two"].toSpliced(at, 0, bad);
      const { status, stderr } = await write(...names.map((name) => `${name}=global/new`));
      assert.equal(status, 2, stderr);
      assert.equal(Deno.readTextFileSync(`${directory}/one`), "first", `${bad} at ${at}`);
      assert.equal(Deno.readTextFileSync(`${directory}/two`), "first", `${bad} at ${at}`);
      assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name).sort(), before);
    }
  }
});

Deno.test("two names alike, a name that is a path, and one credential that is missing: nothing is made", async () => {
  using client = await filled();
  const directory = `${client.machine.home}/none`;
  for (
    const [pairs, status] of [
      [["a=global/tok", "a=global/tok"], 2],
      [["../a=global/tok"], 2],
      [["a/b=global/tok"], 2],
      [["..=global/tok"], 2],
      [["=global/tok"], 2],
      [["a="], 2],
      [["a"], 2],
      [[], 2],
      [["a=global/tok", "b=global/gone"], 8],
      [["a=skill:x/tok"], 8],
      [["a=env:HOME"], 8],
      [["a=file:/etc/passwd"], 8],
    ] as const
  ) {
    const result = await client.ask("systemd", ["--directory", directory, ...pairs]);
    assert.equal(result.status, status, `${pairs.join(" ")}: ${result.stderr}`);
    assert.throws(() => Deno.statSync(directory), Deno.errors.NotFound);
  }
});
