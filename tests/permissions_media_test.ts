/** Media that are full or read-only, and what stands in files that palyra writes for its user. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { assertRefused, makeMachine } from "./support/cli_run.ts";
import { NOBODY } from "./support/cli_words.ts";
import { differenceOf, pathsBelow, pictureOf } from "./support/file_trees.ts";
import { openMounts, registerAsRoot, registerWithMounts } from "./support/whole_machine.ts";

const testAsRoot = registerAsRoot();
const testWithMounts = registerWithMounts();
const SET = ["secrets", "set", "global/a"];
const RESOLVE = ["resolve", "global/a"];
const WRITERS: readonly string[][] = [
  SET,
  ["secrets", "set", "skill:new/a"],
  ["secrets", "delete", "global/a"],
  ["secrets", "rollback", "global/a", "--to", "1"],
  ["vault", "rotate", "kek"],
  ["vault", "rotate", "scope", "global"],
];
const READERS: readonly string[][] = [
  RESOLVE,
  ["secrets", "get", "global/a"],
  ["secrets", "list"],
  ["secrets", "history", "global/a"],
  ["vault", "status"],
  ["vault", "check"],
  ["init"],
];

testWithMounts(
  "On a full medium a write fails, the old value stays, and space makes it work again",
  async () => {
    using machine = makeMachine("nobody");
    await using mounts = await openMounts(machine);
    await mounts.shell("mkdir disk; mount -t tmpfs -o size=1m,mode=700,uid=65534 none disk");
    const env = { PALYRA_STATE_ROOT: `${machine.directory}/disk/state` };
    assert.equal((await mounts.run(SET, { stdin: "old value", env })).status, 0);
    await mounts.shell("cat /dev/zero > disk/filler 2> /dev/null || true");
    const large = crypto.getRandomValues(new Uint8Array(60_000));
    for (const args of WRITERS.slice(0, 2)) {
      assertRefused(await mounts.run([...args, "--raw"], { stdin: large, env }), 5, args.join(" "));
    }
    assert.equal((await mounts.run(RESOLVE, { env })).stdout, "old value");
    assert.equal((await mounts.run(["vault", "check"], { env })).status, 0);
    await mounts.shell("rm disk/filler");
    assert.equal((await mounts.run(RESOLVE, { env })).stdout, "old value");
    assert.equal((await mounts.run([...SET, "--raw"], { stdin: large, env })).status, 0);
    assert.deepEqual((await mounts.run(RESOLVE, { env })).bytes, large);
    const check = await mounts.run(["vault", "check", "--strict", "--json"], { env });
    assert.equal(check.status, 0, check.stderr);
    assert.deepEqual(JSON.parse(check.stdout).bad, []);
  },
);

testWithMounts(
  "On a full medium nothing half-made stands in the way of the first write after it",
  async () => {
    using machine = makeMachine("nobody");
    await using mounts = await openMounts(machine);
    for (const kibibytes of [4, 12, 20, 40, 60, 80]) {
      const disk = `disk${kibibytes}`;
      await mounts.shell(
        `mkdir ${disk}; mount -t tmpfs -o size=${kibibytes}k,mode=700,uid=65534 none ${disk}`,
      );
      const env = { PALYRA_STATE_ROOT: `${machine.directory}/${disk}/state` };
      const first = await mounts.run(SET, { stdin: "value", env });
      assert.ok([0, 5].includes(first.status), `${kibibytes} KiB: ${first.stderr}`);
      if (first.status === 5) assert.doesNotMatch(first.stderr, /internal error/i);
      await mounts.shell(`mount -o remount,size=4m ${disk}`);
      const second = await mounts.run(SET, { stdin: "value", env });
      assert.equal(second.status, 0, `${kibibytes} KiB, then more: ${second.stderr}`);
      assert.equal((await mounts.run(RESOLVE, { env })).stdout, "value");
      const check = await mounts.run(["vault", "check", "--strict"], { env });
      assert.equal(check.status, 0, `${kibibytes} KiB: ${check.stderr}`);
    }
  },
);

testWithMounts(
  "On a read-only medium readers work, and each writer says that it cannot write",
  async () => {
    using machine = makeMachine("nobody");
    await machine.succeed(SET, { stdin: "older" });
    await machine.succeed(SET, { stdin: "old value" });
    await using mounts = await openMounts(machine);
    await mounts.shell("mount --bind state state; mount -o remount,bind,ro state");
    const before = pictureOf(machine.stateRoot);
    for (const args of READERS) {
      const result = await mounts.run(args);
      assert.equal(result.status, 0, `${args.join(" ")}: ${result.stderr}`);
      if (args === RESOLVE) assert.equal(result.stdout, "old value");
    }
    for (const args of WRITERS) {
      assertRefused(await mounts.run(args, { stdin: "another" }), 5, args.join(" "));
    }
    assert.equal(differenceOf(before, pictureOf(machine.stateRoot)), undefined);
  },
);

testWithMounts(
  "A journal to be rolled back on a read-only medium makes the vault unavailable",
  async () => {
    using machine = makeMachine("nobody");
    await machine.succeed(SET, { stdin: "old value" });
    leaveHotJournal(`${machine.stateRoot}/vault`);
    await using mounts = await openMounts(machine);
    await mounts.shell("mount --bind state state; mount -o remount,bind,ro state");
    for (const args of [...READERS, ...WRITERS]) {
      assertRefused(await mounts.run(args, { stdin: "another" }), 5, args.join(" "));
    }
    await mounts.shell("umount state");
    const journal = `${machine.stateRoot}/vault/vault.db-journal`;
    assert.ok(Deno.statSync(journal).size > 512);
    assert.equal((await mounts.run(RESOLVE)).stdout, "old value"); // rolled back, where it can be
    assert.equal((await mounts.run(["vault", "check", "--strict"])).status, 0);
  },
);

testAsRoot("--out writes a file of mode 0600 in place of any other, in one step", async () => {
  using machine = makeMachine("nobody");
  await machine.succeed(SET, { stdin: "value of the vault" });
  const path = `${machine.home}/out`;
  Deno.writeTextFileSync(path, "what was there before");
  Deno.chmodSync(path, 0o644);
  Deno.linkSync(path, `${machine.home}/second`);
  await machine.succeed([...RESOLVE, "--out", "out"]);
  const { mode, uid, nlink } = Deno.lstatSync(path);
  assert.deepEqual([mode! & 0o7777, uid, nlink], [0o600, NOBODY, 1]);
  assert.equal(Deno.readTextFileSync(path), "value of the vault");
  assert.equal(Deno.readTextFileSync(`${machine.home}/second`), "what was there before");
  Deno.writeTextFileSync(`${machine.home}/other`, "behind a link");
  Deno.symlinkSync("other", `${machine.home}/link`);
  assertRefused(await machine.run([...RESOLVE, "--out", "link"]), 2, "a link");
  assert.ok(Deno.lstatSync(`${machine.home}/link`).isSymlink);
  assert.equal(Deno.readTextFileSync(`${machine.home}/other`), "behind a link");
});

testAsRoot("A reader of an --out file sees the old value or the new one, whole", async () => {
  using machine = makeMachine("nobody");
  const values = ["a", "b"].map((letter) => letter.repeat(500_000));
  for (const [at, stdin] of values.entries()) {
    await machine.succeed(["secrets", "set", `global/v${at}`], { stdin });
  }
  const path = `${machine.home}/out`;
  Deno.writeTextFileSync(path, values[1]!);
  let running = true;
  const writing = (async () => {
    for (let at = 0; at < 12; at++) {
      await machine.succeed(["resolve", `global/v${at % 2}`, "--out", "out"]);
    }
  })().finally(() => running = false);
  let seen = 0;
  for (; running; seen++) {
    assert.ok(values.includes(await Deno.readTextFile(path)), "a half-written file was seen");
  }
  await writing;
  assert.ok(seen > 20);
  assert.deepEqual(pathsBelow(machine.home), ["out"]);
});

testAsRoot(
  "What a killed --out left is removed by the next run; that of a living one is not",
  async () => {
    using machine = makeMachine("nobody");
    await machine.succeed(SET, { stdin: "value" });
    const [dead, alive, other] = [
      `.out.palyra-${crypto.randomUUID()}`,
      `.out.palyra-${crypto.randomUUID()}`,
      `.another.palyra-${crypto.randomUUID()}`,
    ].map((name) => `${machine.home}/${name}`);
    for (const path of [dead!, alive!, other!]) own(path, "half a value");
    using held = Deno.openSync(alive!, { write: true });
    held.lockSync(true);
    await machine.succeed([...RESOLVE, "--out", "out"]);
    const left = pathsBelow(machine.home).map((name) => `${machine.home}/${name}`);
    assert.deepEqual(left, [other!, alive!, `${machine.home}/out`].sort());
  },
);

testWithMounts(
  "--out on a full medium leaves the file as it was, and nothing beside it",
  async () => {
    using machine = makeMachine("nobody");
    await machine.succeed(["secrets", "set", "global/a"], { stdin: "x".repeat(100_000) });
    await using mounts = await openMounts(machine);
    await mounts.shell("mkdir disk; mount -t tmpfs -o size=64k,mode=700,uid=65534 none disk");
    await mounts.shell("echo before > disk/out; chown 65534:65534 disk/out");
    const out = `${machine.directory}/disk/out`;
    assertRefused(await mounts.run([...RESOLVE, "--out", out]), 5, "--out");
    await mounts.shell('test "$(cat disk/out)" = before; test "$(ls -A disk)" = out');
  },
);

/** Leaves database and journal as a writer does that is killed after it spilled half a change. */
function leaveHotJournal(directory: string): void {
  const path = `${directory}/vault.db`;
  const copies = [path, `${path}-journal`];
  using database = new DatabaseSync(path);
  database.exec("PRAGMA cache_size = 1; PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
  database.exec("UPDATE versions SET ciphertext = randomblob(300000)");
  database.exec("CREATE TABLE spilled AS SELECT randomblob(300000) AS a");
  const bytes = copies.map((copy) => Deno.readFileSync(copy));
  database.exec("ROLLBACK");
  database.close();
  copies.forEach((copy, at) => Deno.writeFileSync(copy, bytes[at]!, { mode: 0o600 }));
  Deno.chownSync(`${path}-journal`, NOBODY, NOBODY);
}

function own(path: string, text: string): void {
  Deno.writeTextFileSync(path, text, { mode: 0o600 });
  Deno.chownSync(path, NOBODY, NOBODY);
}
