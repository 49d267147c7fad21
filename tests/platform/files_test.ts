/** Private files and directories, user files and locks, on the real file system. */

import assert from "node:assert/strict";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import { say } from "../support/dice.ts";
import { assertFails } from "../support/failures.ts";
import { runProcess } from "../support/process.ts";

const { files, directories, userFiles, locks } = denoPlatform;
const PLATFORM = new URL("../../src/platform/deno/platform.ts", import.meta.url).href;

function inTempDirectory(name: string, body: (path: string) => Promise<void> | void): void {
  Deno.test(name, async () => {
    const path = Deno.makeTempDirSync();
    try {
      await body(path);
    } finally {
      Deno.chmodSync(path, 0o700);
      Deno.removeSync(path, { recursive: true });
    }
  });
}

function mode(path: string): string {
  return (Deno.lstatSync(path).mode! & 0o777).toString(8);
}

function exists(path: string): boolean {
  try {
    return Deno.lstatSync(path).isFile;
  } catch {
    return false;
  }
}

const content = new TextEncoder().encode("content");
/** How often a lock is tried at least, and on until children held so many of another one. */
const TRIES = 5_000;
const HELD = 20;
const MOST_TRIES = 500_000;

inTempDirectory("a private file comes back, and an absent one is undefined", (path) => {
  files.replace(`${path}/file`, content);
  assert.deepEqual(files.read(`${path}/file`, 7), content);
  assert.equal(mode(`${path}/file`), "600");
  assert.equal(files.read(`${path}/none`, 7), undefined);
  assert.deepEqual([...Deno.readDirSync(path)].map(({ name }) => name), ["file"]);
});

inTempDirectory("a private file that is too large is refused", async (path) => {
  files.replace(`${path}/file`, content);
  await assertFails("integrity", /larger/, () => files.read(`${path}/file`, 6));
});

inTempDirectory("create() lets the first writer win and leaves nothing else", (path) => {
  assert.equal(files.create(`${path}/file`, content), true);
  assert.equal(files.create(`${path}/file`, new Uint8Array(1)), false);
  assert.deepEqual(files.read(`${path}/file`, 7), content);
  assert.deepEqual([...Deno.readDirSync(path)].map(({ name }) => name), ["file"]);
});

inTempDirectory(
  "a private file that others can open, a link, a FIFO or a directory is denied",
  async (path) => {
    files.replace(`${path}/file`, content);
    Deno.symlinkSync(`${path}/file`, `${path}/link`);
    Deno.mkdirSync(`${path}/directory`);
    await new Deno.Command("/usr/bin/mkfifo", { args: [`${path}/fifo`] }).output();
    for (
      const [name, why] of [["link", /symbolic/], ["directory", /regular/], [
        "fifo",
        /regular/,
      ]] as const
    ) {
      await assertFails("denied", why, () => files.read(`${path}/${name}`, 7));
    }
    for (const bits of [0o640, 0o604, 0o620, 0o602, 0o644, 0o666, 0o610]) {
      Deno.chmodSync(`${path}/file`, bits);
      await assertFails("denied", /other users/, () => files.read(`${path}/file`, 7));
    }
  },
);

inTempDirectory(
  "a hard link elsewhere is denied, one that a killed create() left is not",
  async (path) => {
    files.replace(`${path}/file`, content);
    Deno.linkSync(`${path}/file`, `${path}/.${crypto.randomUUID()}.tmp`);
    assert.deepEqual(files.read(`${path}/file`, 7), content);
    Deno.linkSync(`${path}/file`, `${path}/elsewhere`);
    await assertFails("denied", /hard link/, () => files.read(`${path}/file`, 7));
  },
);

inTempDirectory(
  "a private directory is made with its parents and closed to others",
  async (path) => {
    directories.ensure(`${path}/a/b/c`);
    for (const made of ["a", "a/b", "a/b/c"]) assert.equal(mode(`${path}/${made}`), "700");
    directories.ensure(`${path}/a/b/c`);
    assert.equal(directories.check(`${path}/none/deeper`), false);
    Deno.symlinkSync(`${path}/a`, `${path}/link`);
    await assertFails("denied", /symbolic/, () => directories.ensure(`${path}/link`));
    files.replace(`${path}/file`, content);
    await assertFails("denied", /not a directory/, () => directories.check(`${path}/file`));
    Deno.chmodSync(`${path}/a`, 0o770);
    await assertFails("denied", /write to it/, () => directories.check(`${path}/a`));
    Deno.chmodSync(`${path}/a`, 0o755);
    assert.equal(directories.check(`${path}/a`), true);
  },
);

inTempDirectory(
  "a lock that was let go is free, although a child that is being started has a copy",
  async (path) => {
    const spawn = `self.onmessage = () => {
      for (;;) new Deno.Command("/bin/true").outputSync();
    };
    self.postMessage("ready");`;
    const url = URL.createObjectURL(new Blob([spawn], { type: "text/javascript" }));
    const workers = [1, 2].map(() => new Worker(url, { type: "module" }));
    let [tries, refusals, held] = [0, 0, 0];
    try {
      await Promise.all(workers.map((worker) => new Promise((done) => worker.onmessage = done)));
      for (const worker of workers) worker.postMessage("start");
      for (; tries < MOST_TRIES && (tries < TRIES || held < HELD); tries++) {
        const lock = locks.tryAcquire(`${path}/lock`);
        if (lock === undefined) refusals++;
        lock?.[Symbol.dispose]();
        // Closed and not let go: what a child has of it holds it on.
        using closed = Deno.openSync(`${path}/closed`, { write: true, create: true });
        if (!closed.tryLockSync(true)) held++;
      }
    } finally {
      for (const worker of workers) worker.terminate();
      URL.revokeObjectURL(url);
    }
    say(`locks beside children: ${tries} tries, one that is only closed was held ${held} times`);
    assert.ok(held >= HELD, "too seldom did a child have a copy just then");
    assert.equal(refusals, 0);
  },
);

/** A program of its own: tests of other files run in threads of this process, and have the same umask. */
const UNDER_UMASK = `
import { denoPlatform } from ${JSON.stringify(PLATFORM)};
const { files, directories, locks } = denoPlatform;
const [path] = Deno.args;
const before = Deno.umask(0o777);
directories.ensure(path);
files.replace(path + "/file", new Uint8Array(1));
locks.tryAcquire(path + "/lock")[Symbol.dispose]();
Deno.umask(before); // what the runtime writes at its end is for everybody's use
`;

inTempDirectory("a umask that leaves nothing to the owner changes no mode", async (path) => {
  const program = `${path}/program.ts`;
  Deno.writeTextFileSync(program, UNDER_UMASK);
  const words = ["run", "-A", "--no-prompt", "--no-check", "--quiet", program, `${path}/a`];
  const { status, err } = await runProcess({
    argv: [Deno.execPath(), ...words],
    env: Deno.env.toObject(),
  });
  assert.equal(status, 0, err);
  assert.deepEqual(["a", "a/file", "a/lock"].map((name) => mode(`${path}/${name}`)), [
    "700",
    "600",
    "600",
  ]);
});

inTempDirectory("a user's file is replaced in one step with mode 0600", async (path) => {
  Deno.writeTextFileSync(`${path}/out`, "old", { mode: 0o644 });
  userFiles.replace(`${path}/out`, content);
  assert.equal(Deno.readTextFileSync(`${path}/out`), "content");
  assert.equal(mode(`${path}/out`), "600");
  assert.deepEqual([...Deno.readDirSync(path)].map(({ name }) => name), ["out"]);
  await assertFails("usage", /directory/, () => userFiles.replace(path, content));
  await assertFails("usage", /no such/, () => userFiles.replace(`${path}/none/out`, content));
});

inTempDirectory(
  "what a killed writer of a user's file left is removed, a living one's is not",
  (path) => {
    const dead = `${path}/.out.palyra-${crypto.randomUUID()}`;
    const alive = `${path}/.out.palyra-${crypto.randomUUID()}`;
    const other = `${path}/.other.palyra-${crypto.randomUUID()}`;
    const notes = `${path}/.out.palyra-notes`; // somebody's own file
    for (const name of [dead, alive, other, notes]) Deno.writeTextFileSync(name, "secret");
    using held = Deno.openSync(alive, { write: true });
    held.lockSync(true);
    userFiles.replace(`${path}/out`, content);
    assert.deepEqual(
      [dead, alive, other, notes, `${path}/out`].map((name) => exists(name)),
      [false, true, true, true, true],
    );
  },
);

inTempDirectory("a user's file is read to its limit and not further", async (path) => {
  Deno.writeFileSync(`${path}/in`, new Uint8Array(100_000).fill(7));
  assert.equal((await userFiles.read(`${path}/in`, 100_000)).length, 100_000);
  await assertFails("usage", /larger than 99999/, () => userFiles.read(`${path}/in`, 99_999));
  await assertFails("usage", /no such/, () => userFiles.read(`${path}/none`, 10));
  await assertFails("usage", /directory/, () => userFiles.read(path, 10));
  await assertFails("usage", /larger/, () => userFiles.read("/dev/zero", 1_000)); // endless
});

inTempDirectory(
  "a lock is exclusive between processes, and free when its holder has died",
  async (path) => {
    const lock = `${path}/lock`;
    const child = new Deno.Command("/usr/bin/flock", {
      args: [lock, "sh", "-c", "echo locked; exec sleep 30"],
      stdout: "piped",
    });
    Deno.writeTextFileSync(lock, "", { mode: 0o600 });
    const holder = child.spawn();
    const reader = holder.stdout.getReader();
    await reader.read();
    assert.equal(locks.tryAcquire(lock), undefined);
    const waiting = locks.acquire(lock, 20_000);
    // flock's child holds the descriptor too
    await new Deno.Command("/usr/bin/pkill", { args: ["-KILL", "-P", `${holder.pid}`] }).output();
    try {
      holder.kill("SIGKILL");
    } catch { /* it ended with its child */ }
    using _held = await waiting;
    assert.equal(locks.tryAcquire(lock), undefined);
    await reader.cancel();
    await holder.status;
  },
);

inTempDirectory("a lock file that is a link is denied", async (path) => {
  Deno.symlinkSync(`${path}/target`, `${path}/lock`);
  await assertFails("denied", /symbolic/, () => locks.acquire(`${path}/lock`, 100));
  await assertFails("denied", /symbolic/, () => void locks.tryAcquire(`${path}/lock`));
});

Deno.test({
  name: "a lock that is not freed in time is a precondition failure",
  // The kernel's wait cannot be called off: it ends when the holder lets go.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const path = Deno.makeTempDirSync();
    const held = locks.tryAcquire(`${path}/lock`)!;
    await assertFails("precondition", /too long/, () => locks.acquire(`${path}/lock`, 50));
    held[Symbol.dispose]();
    Deno.removeSync(path, { recursive: true });
  },
});

inTempDirectory("a link, pipe or device is never replaced by a file", async (path) => {
  Deno.writeTextFileSync(`${path}/target`, "old");
  Deno.symlinkSync(`${path}/target`, `${path}/link`);
  Deno.symlinkSync(`${path}/none`, `${path}/dangling`);
  await new Deno.Command("/usr/bin/mkfifo", { args: [`${path}/fifo`] }).output();
  for (const name of ["link", "dangling"]) {
    await assertFails(
      "usage",
      /symbolic link/,
      () => userFiles.replace(`${path}/${name}`, content),
    );
    assert.equal(Deno.lstatSync(`${path}/${name}`).isSymlink, true);
  }
  await assertFails("usage", /regular/, () => userFiles.replace(`${path}/fifo`, content));
  await assertFails("usage", /regular/, () => userFiles.replace("/dev/null", content));
  await assertFails("usage", /symbolic/, () => userFiles.replace("/dev/stdout", content));
});

inTempDirectory(
  "of several files none takes its name where one cannot be written",
  async (path) => {
    const files = (...names: string[]): Map<string, Uint8Array> =>
      new Map(names.map((name) => [`${path}/${name}`, content]));
    Deno.writeTextFileSync(`${path}/a`, "old");
    Deno.mkdirSync(`${path}/busy`);
    for (const bad of ["busy", "none/out"]) {
      for (const names of [[bad, "a", "b"], ["a", bad, "b"], ["a", "b", bad]]) {
        await assertFails("usage", /./, () => userFiles.replaceAll(files(...names), 0o400));
        assert.equal(Deno.readTextFileSync(`${path}/a`), "old", names.join());
        assert.deepEqual([...Deno.readDirSync(path)].map(({ name }) => name).sort(), ["a", "busy"]);
      }
    }
    userFiles.replaceAll(files("a", "b"), 0o400);
    for (const name of ["a", "b"]) {
      assert.equal(Deno.readTextFileSync(`${path}/${name}`), "content");
      assert.equal(Deno.statSync(`${path}/${name}`).mode! & 0o777, 0o400);
    }
  },
);

inTempDirectory("a name of the greatest length can be written", (path) => {
  userFiles.replace(`${path}/${"n".repeat(255)}`, content);
  assert.equal(Deno.readTextFileSync(`${path}/${"n".repeat(255)}`), "content");
});
