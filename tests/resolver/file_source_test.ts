/** `file:` references, from outside: which files are read, and why others are not. */

import assert from "node:assert/strict";
import { assertRefused, type Machine, makeMachine } from "../support/cli_run.ts";
import { NOBODY } from "../support/cli_words.ts";
import { whyNoSetpriv } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";

const SECRET = "value of the file 0b77";
const testAsNobody = unlessSkipped("no-setpriv", whyNoSetpriv());

/** A directory of the machine's user with a file in it. */
function plant(machine: Machine, { text = `${SECRET}\n`, mode = 0o600 } = {}): {
  directory: string;
  file: string;
} {
  const directory = `${machine.home}/secrets`;
  const file = `${directory}/key`;
  Deno.mkdirSync(directory, { recursive: true, mode: 0o755 });
  Deno.writeTextFileSync(file, text);
  Deno.chmodSync(file, mode);
  const { uid, gid } = Deno.statSync(machine.home);
  for (const path of [directory, file]) Deno.chownSync(path, uid!, gid!);
  return { directory, file };
}

function configure(machine: Machine, table: string): string {
  const config = `${machine.home}/palyra.toml`;
  Deno.writeTextFileSync(config, `[a]\nb_secret_ref = { kind = "file", ${table} }\n`);
  const { uid, gid } = Deno.statSync(machine.home);
  Deno.chownSync(config, uid!, gid!);
  return config;
}

/** What is done to the file or its directory, and what palyra then says. */
const REFUSED: readonly (readonly [
  what: string,
  change: (place: { directory: string; file: string }) => void,
  status: number,
  why: RegExp,
])[] = [
  ["no file", ({ file }) => Deno.removeSync(file), 8, /there is no such file/],
  [
    "no directory",
    ({ directory }) => Deno.removeSync(directory, { recursive: true }),
    8,
    /there is no such file/,
  ],
  ["an empty file", ({ file }) => Deno.truncateSync(file), 8, /the file is empty/],
  ["a line end alone", ({ file }) => Deno.writeTextFileSync(file, "\n"), 8, /the file is empty/],
  ["a group that may write", ({ file }) => Deno.chmodSync(file, 0o620), 6, /other users can write/],
  ["others who may write", ({ file }) => Deno.chmodSync(file, 0o602), 6, /other users can write/],
  [
    "a directory that others may write to",
    ({ directory }) => Deno.chmodSync(directory, 0o777),
    6,
    /secrets: other users can write/,
  ],
  [
    "a directory that the group may write to",
    ({ directory }) => Deno.chmodSync(directory, 0o770),
    6,
    /secrets: other users can write/,
  ],
  ["another hard link", ({ file }) => Deno.linkSync(file, `${file}2`), 6, /another hard link/],
  ["a directory", ({ file }) => (Deno.removeSync(file), Deno.mkdirSync(file)), 6, /no.* regular/],
  ["a pipe", ({ file }) => (Deno.removeSync(file), run("mkfifo", file)), 6, /no.* regular/],
  [
    "a file of 65,537 bytes",
    ({ file }) => Deno.writeTextFileSync(file, "x".repeat(65_537)),
    2,
    /larger/,
  ],
];

async function refuseAll(machine: Machine): Promise<void> {
  for (const [what, change, status, why] of REFUSED) {
    const place = plant(machine);
    change(place);
    const result = await machine.run(["resolve", `file:${place.file}`], {
      through: ["/usr/bin/timeout", "--signal=KILL", "20"],
    });
    assertRefused(result, status, what);
    assert.match(result.stderr, why, what);
    run("rm", "-rf", place.directory);
  }
}

function run(program: string, ...args: string[]): void {
  const { success } = new Deno.Command(`/usr/bin/${program}`, { args }).outputSync();
  assert.ok(success, program);
}

Deno.test("a file gives its bytes without the one line end, or as they are", async () => {
  using machine = makeMachine();
  const { directory, file } = plant(machine, { text: "one\ntwo\n\n" });
  assert.equal((await machine.succeed(["resolve", `file:${file}`])).stdout, "one\ntwo\n");
  Deno.writeTextFileSync(file, "one\r\n");
  assert.equal((await machine.succeed(["resolve", `file:${file}`])).stdout, "one");
  const table = `path = "${file}", trusted_dirs = ["${directory}"]`;
  const resolve = ["resolve", "config:a.b", "--config", configure(machine, table)];
  assert.equal((await machine.succeed(resolve)).stdout, "one");
  configure(machine, `${table}, raw = true`);
  assert.equal((await machine.succeed(resolve)).stdout, "one\r\n");
  configure(machine, `${table}, max_bytes = 4`);
  assertRefused(await machine.run(resolve), 2, "too large");
  Deno.writeTextFileSync(`${directory}/a\\b`, "a name with a backslash", { mode: 0o600 });
  const odd = await machine.succeed(["resolve", `file:${directory}/a\\b`]);
  assert.equal(odd.stdout, "a name with a backslash");
  configure(machine, `${table}, max_bytes = 9007199254740991`);
  assert.equal((await machine.succeed(resolve)).stdout, "one", "the largest limit");
  configure(machine, `path = "secrets/key", trusted_dirs = ["secrets"]`);
  assert.equal((await machine.succeed(resolve)).stdout, "one", "relative to the config");
});

Deno.test("root's files are refused for what others could have done to them", async () => {
  using machine = makeMachine();
  await refuseAll(machine);
  for (const path of ["/dev/null", "/dev/zero", "/dev/tty", "/proc/self"]) {
    assertRefused(await machine.run(["resolve", `file:${path}`]), 6, path);
  }
  const long = `/${"d".repeat(200)}`.repeat(20);
  assertRefused(await machine.run(["resolve", `file:${long}`]), 8, "a path of 4,020 characters");
  assertRefused(await machine.run(["resolve", `file:/${"n".repeat(300)}`]), 2, "a name too long");
  assertRefused(
    await machine.run(["resolve", `file:/${"n/".repeat(2_100)}`]),
    2,
    "a path too long",
  );
});

testAsNobody(
  "an ordinary user's files are refused for the same reasons, and for two more",
  async () => {
    using machine = makeMachine("nobody");
    await refuseAll(machine);
    const { directory, file } = plant(machine);
    const read = ["resolve", `file:${file}`];
    assert.equal((await machine.succeed(read)).stdout, SECRET);
    Deno.chownSync(file, 1_234, 1_234);
    assert.match((await machine.run(read)).stderr, /key: it belongs to another user/);
    Deno.chownSync(file, 0, 0);
    Deno.chmodSync(file, 0o644);
    assert.equal((await machine.succeed(read)).stdout, SECRET, "root's file");
    Deno.chmodSync(file, 0o600);
    assertRefused(await machine.run(read), 6, "root's file, closed");
    Deno.chownSync(directory, 1_234, 1_234);
    assertRefused(await machine.run(read), 6, "a directory of somebody else");
    Deno.chownSync(directory, 0, 0);
    Deno.chmodSync(directory, 0o700);
    const closed = await machine.run(read);
    assertRefused(closed, 6, "what cannot be looked at is not missing");
    assert.match(closed.stderr, /permission denied/);
  },
);

testAsNobody("in a directory with the sticky bit nobody can exchange another's file", async () => {
  using machine = makeMachine("nobody");
  const { directory, file } = plant(machine);
  Deno.chmodSync(directory, 0o1777);
  assert.equal((await machine.succeed(["resolve", `file:${file}`])).stdout, SECRET);
  Deno.chownSync(directory, 1_234, 1_234); // its owner can
  assertRefused(await machine.run(["resolve", `file:${file}`]), 6, "a sticky directory of another");
});

testAsNobody(
  "links are followed where they are allowed or root's, and never out of the trusted directories",
  async () => {
    using machine = makeMachine("nobody");
    const { directory, file } = plant(machine);
    const outside = `${machine.home}/outside`;
    Deno.writeTextFileSync(outside, "OUTSIDE", { mode: 0o600 });
    Deno.chownSync(outside, NOBODY, NOBODY);
    const link = (target: string, name: string, owner = NOBODY): void => {
      run("ln", "-sfn", target, `${directory}/${name}`);
      run("chown", "-h", `${owner}:${owner}`, `${directory}/${name}`);
    };
    link("key", "link");
    link("../outside", "out");
    link("link", "twice");
    link("loop", "loop");
    link(directory, "here");
    const resolve = async (name: string, more = ""): ReturnType<Machine["run"]> => {
      const table = `path = "${directory}/${name}", trusted_dirs = ["${directory}"]${more}`;
      return await machine.run(["resolve", "config:a.b", "--config", configure(machine, table)]);
    };
    const allowed = ", allow_symlinks = true";
    assertRefused(await resolve("link"), 6, "a link");
    assertRefused(await resolve("here/key"), 6, "a link in the middle");
    for (const name of ["link", "twice", "here/key", "here/here/twice"]) {
      assert.equal((await resolve(name, allowed)).stdout, SECRET, name);
    }
    for (const name of ["out", "here/out"]) {
      const result = await resolve(name, allowed);
      assertRefused(result, 6, name);
      assert.match(result.stderr, /not inside a trusted directory/);
    }
    assertRefused(await resolve("loop", allowed), 6, "a loop");
    link("key", "roots", 0); // root's link in a directory of another user proves nothing
    assertRefused(await resolve("roots"), 6, "root's link in a directory that is not root's");
    link("key", "anothers", 1_234);
    assertRefused(await resolve("anothers", allowed), 6, "a link of somebody else");
    Deno.chownSync(directory, 0, 0);
    Deno.chmodSync(directory, 0o755);
    link("key", "roots", 0);
    assert.equal((await resolve("roots")).stdout, SECRET, "root's link in root's directory");
    link("../outside", "roots", 0);
    assertRefused(await resolve("roots"), 6, "root's link out of the trusted directory");
    assert.equal((await machine.succeed(["resolve", `file:${file}`])).stdout, SECRET);
  },
);

Deno.test("a file is read from any working directory, and palyra stays in its own", async () => {
  using machine = makeMachine();
  const { file } = plant(machine);
  const print = ["run", "--env", `A=file:${file}`, "--", "/bin/sh", "-c", 'pwd; printf %s "$A"'];
  const { stdout } = await machine.succeed(print, {
    through: ["/usr/bin/env", "-C", `${machine.home}/secrets`],
  });
  assert.equal(stdout, `${machine.home}/secrets\n${SECRET}`);
});

testAsNobody("an optional file that cannot be looked at is no missing one", async () => {
  using machine = makeMachine("nobody");
  const { directory, file } = plant(machine);
  const table = `path = "${file}", trusted_dirs = ["${directory}"], required = false`;
  const all = ["resolve", "--all", "--json", "--config", configure(machine, table)];
  Deno.removeSync(file);
  assert.deepEqual(JSON.parse((await machine.succeed(all)).stdout).values, {});
  Deno.chownSync(directory, 0, 0);
  Deno.chmodSync(directory, 0o700);
  const { status, stdout } = await machine.run(all);
  assert.deepEqual([status, stdout], [6, ""]);
});
