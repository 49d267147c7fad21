/** `exec` sources, from outside: what the program gets, and how palyra gets rid of it. */

import assert from "node:assert/strict";
import { assertRefused, type CliResult, type Machine, makeMachine } from "../support/cli_run.ts";
import { NOBODY } from "../support/cli_words.ts";
import { testWithStrace } from "../support/config_watch.ts";
import { pause } from "../support/dice.ts";
import { writeProgram } from "../support/program_file.ts";
import { whyNoSetpriv } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";
import { STRACE } from "../support/strace.ts";

const SECRET = "value of the program 55c9";

/** A program of the machine's user. */
function plant(machine: Machine, body: string, name = "program"): string {
  const path = `${machine.home}/${name}`;
  writeProgram(path, `#!/bin/sh\n${body}\n`);
  giveTo(machine, path);
  return path;
}

function giveTo(machine: Machine, path: string): void {
  const { uid, gid } = Deno.statSync(machine.home);
  Deno.chownSync(path, uid!, gid!);
}

/** Resolves `a.b` of a config with this exec table. */
async function resolve(
  machine: Machine,
  table: string,
  env: Record<string, string> = {},
): Promise<CliResult> {
  const config = `${machine.home}/palyra.toml`;
  Deno.writeTextFileSync(config, `[a]\nb_secret_ref = { kind = "exec", ${table} }\n`);
  giveTo(machine, config);
  return await machine.run(["resolve", "config:a.b", "--config", config], { env });
}

Deno.test("a program gets the documented environment, its arguments, and nothing else", async () => {
  using machine = makeMachine();
  const program = plant(machine, 'env | sort; echo "stdin: $(cat)"; pwd; printf "<%s>" "$@"');
  const env = {
    ...{ SECRET_OF_PARENT: "canary 1f", LANG: "C.UTF-8", LC_ALL: "C", TMPDIR: "/tmp", EXTRA: "x" },
    ...{ LD_PRELOAD: "", NODE_OPTIONS: "canary", GIT_DIR: "canary", PALYRA_CONFIG: "" },
  };
  const command = `command = ["${program}", "", "a b", "$HOME;*", "é'\\\""]`;
  const { stdout, status, stderr } = await resolve(
    machine,
    `${command}, inherited_env = ["EXTRA", "NOT_SET"]`,
    env,
  );
  assert.equal(status, 0, stderr);
  assert.deepEqual(stdout.split("\n"), [
    "EXTRA=x",
    `HOME=${machine.home}`,
    "LANG=C.UTF-8",
    "LC_ALL=C",
    "PATH=/usr/bin:/bin",
    "PWD=/",
    "TMPDIR=/tmp",
    "stdin: ",
    "/",
    "<><a b><$HOME;*><é'\">",
  ]);
  const elsewhere = await resolve(machine, `command = ["/bin/pwd"], cwd = "${machine.home}"`);
  assert.equal(elsewhere.stdout, machine.home);
});

Deno.test("a program gets the PATH of the user, and nothing of a runtime's before it", async () => {
  using machine = makeMachine();
  const command = 'command = ["/usr/bin/env"]';
  for (const PATH of [machine.home, "/nowhere:/usr/sbin"]) { // no `node` is there
    const { stdout } = await resolve(machine, command, { PATH });
    assert.match(stdout, new RegExp(`^PATH=${PATH}$`, "m"));
    assert.doesNotMatch(stdout, /node_compat_bin/);
  }
});

Deno.test("output loses one line end or none; none at all counts as missing", async () => {
  using machine = makeMachine();
  const program = plant(machine, `printf '${SECRET}\\n\\n'`);
  const command = `command = ["${program}"]`;
  assert.equal((await resolve(machine, command)).stdout, `${SECRET}\n`);
  assert.equal((await resolve(machine, `${command}, raw = true`)).stdout, `${SECRET}\n\n`);
  assertRefused(await resolve(machine, `${command}, max_bytes = 5`), 2, "more than max_bytes");
  plant(machine, "echo");
  assertRefused(await resolve(machine, command), 8, "a line end alone");
  plant(machine, "exit 0");
  assertRefused(await resolve(machine, command), 8, "nothing");
});

Deno.test("a program that fails is told by its status, and what it says goes nowhere", async () => {
  using machine = makeMachine();
  const program = plant(machine, `echo '${SECRET}' >&2; echo '${SECRET}'; exit 3`);
  const failed = await resolve(machine, `command = ["${program}"]`);
  assertRefused(failed, 5, "status 3");
  assert.match(failed.stderr, /program: it ended with status 3/);
  assert.doesNotMatch(failed.stderr, /55c9/);
  plant(machine, "kill -9 $$");
  const killed = await resolve(machine, `command = ["${program}"]`);
  assert.match(killed.stderr, /status 137/);
  for (const path of [`${machine.home}/none`, machine.home, "/dev/null"]) {
    const { status, stdout } = await resolve(machine, `command = ["${path}"]`);
    assert.ok([5, 6].includes(status), `${path}: ${status}`);
    assert.equal(stdout, "");
  }
  Deno.chmodSync(program, 0o644);
  assertRefused(await resolve(machine, `command = ["${program}"]`), 6, "not executable");
});

Deno.test("a program that ignores SIGTERM is gone after its time, with all that it started", async () => {
  using machine = makeMachine();
  const mark = `${machine.directory}/7153`;
  // It ends after half a minute: a defect must not leave it behind for ever.
  const stay = `trap '' TERM INT HUP; echo $$ >> ${mark}; for n in 1 2 3; do sleep 10; done`;
  const program = plant(machine, `(${stay}) & (${stay.replace("$$", "deep")} & wait) & ${stay}`);
  const started = performance.now();
  const result = await resolve(machine, `command = ["${program}"], exec_timeout_ms = 2000`);
  const took = performance.now() - started;
  assertRefused(result, 5, "time over");
  assert.match(result.stderr, /it took more than 2000 milliseconds/);
  assert.ok(took >= 2_000, `${took} ms`);
  assert.ok(Deno.readTextFileSync(mark).split("\n").length >= 3, "they all ran");
  const left = async (): Promise<string> => {
    const { stdout } = await new Deno.Command("/usr/bin/pgrep", { args: ["-f", program] }).output();
    return new TextDecoder().decode(stdout);
  };
  // They end by themselves after half a minute; who was killed may be seen for a moment.
  while (await left() !== "" && performance.now() - started < 20_000) await pause(50);
  assert.equal(await left(), "");
});

Deno.test("ten megabytes of output stop at the limit", async () => {
  using machine = makeMachine();
  const mark = `${machine.directory}/ended`;
  const program = plant(
    machine,
    `head -c 10000000 /dev/zero && head -c 10000000 /dev/zero >&2; : > ${mark}`,
  );
  for (const stream of ["", ' "2"']) {
    const result = await resolve(machine, `command = ["${program}"${stream && ","}${stream}]`);
    assertRefused(result, 2, "too much");
    assert.match(result.stderr, /larger than 65536 bytes/);
  }
  assert.throws(() => Deno.statSync(mark), Deno.errors.NotFound);
});

unlessSkipped("no-setpriv", whyNoSetpriv())(
  "a program that others could exchange is not started",
  async () => {
    using machine = makeMachine("nobody");
    const ran = `${machine.home}/ran`;
    const program = plant(machine, `: > ${ran}; echo value`);
    const start = (path = program): Promise<CliResult> => resolve(machine, `command = ["${path}"]`);
    const refuse = async (what: string, path?: string): Promise<void> => {
      assertRefused(await start(path), 6, what);
      assert.throws(() => Deno.statSync(ran), Deno.errors.NotFound, what);
    };
    Deno.chmodSync(program, 0o775);
    await refuse("its group may write to it");
    Deno.chmodSync(program, 0o757);
    await refuse("others may write to it");
    Deno.chmodSync(program, 0o755);
    Deno.chownSync(program, 1_234, 1_234);
    await refuse("it belongs to somebody else");
    Deno.chownSync(program, NOBODY, NOBODY);
    Deno.chmodSync(machine.home, 0o777);
    await refuse("others may write to its directory");
    Deno.chmodSync(machine.home, 0o755);
    Deno.chownSync(machine.directory, 1_234, 1_234);
    await refuse("a directory above belongs to somebody else");
    Deno.chownSync(machine.directory, NOBODY, NOBODY);
    const links = `${machine.directory}/links`;
    Deno.mkdirSync(links, { mode: 0o777 });
    Deno.chmodSync(links, 0o777);
    Deno.symlinkSync(program, `${links}/link`);
    await refuse("a link that others may exchange", `${links}/link`);
    assert.equal((await start()).stdout, "value");
    assert.equal((await start("/bin/echo")).status, 8, "root's links on the way of root's program");
  },
);

testWithStrace("programs that speak the protocol are started once for all their ids", async () => {
  using machine = makeMachine();
  const asked = `${machine.directory}/asked`;
  const answer = JSON.stringify({
    protocolVersion: 1,
    values: { "a/one": "1", "a/two": "2", "a/both": "x", "a/empty": "", "a/number": 7 },
    errors: { "a/both": { code: "NOT_FOUND" }, "a/bad": { code: "INTERNAL", message: SECRET } },
  });
  const program = plant(machine, `cat >> ${asked}; echo '${answer}'`);
  const table = (id: string): string =>
    `{ kind = "exec", command = ["${program}"], protocol = "openclaw", id = "${id}", required = false }`;
  const ids = ["a/one", "a/two", "a/both", "a/empty", "a/number", "a/none", "a/one"];
  const config = `${machine.home}/palyra.toml`;
  const lines = ids.map((id, at) => `k${at}_secret_ref = ${table(id)}`);
  Deno.writeTextFileSync(config, `${lines.join("\n")}\n`);
  const all = ["resolve", "--all", "--json", "--config", config];
  const log = `${machine.directory}/calls`;
  const through = [...STRACE, "-e", "trace=execve", "-o", log];
  const { values } = JSON.parse((await machine.succeed(all, { through })).stdout);
  assert.deepEqual(values, { k0: "1", k1: "2", k6: "1" });
  const started = Deno.readTextFileSync(log).split("\n")
    .filter((line) => line.includes(`execve("${program}"`));
  assert.equal(started.length, 1, started.join("\n"));
  assert.equal(
    Deno.readTextFileSync(asked),
    `{"protocolVersion":1,"provider":"palyra","ids":["a/one","a/two","a/both","a/empty","a/number","a/none"]}`,
  );
  Deno.writeTextFileSync(config, `k_secret_ref = ${table("a/bad")}\n`);
  const bad = await machine.run(["resolve", "config:k", "--config", config]);
  assertRefused(bad, 5, "an error of its own");
  assert.doesNotMatch(bad.stderr, /55c9/);
  for (const text of ["{}", "no json", '{"protocolVersion":2,"values":{}}', "[]", ""]) {
    plant(machine, `cat >> ${asked}; printf '%s' '${text}'`);
    assertRefused(await machine.run(["resolve", "config:k", "--config", config]), 5, text);
  }
});

testWithStrace("nothing of a program's output is written anywhere", async () => {
  using machine = makeMachine();
  const program = plant(machine, `echo '${SECRET}'`);
  const config = `${machine.home}/palyra.toml`;
  Deno.writeTextFileSync(config, `a_secret_ref = { kind = "exec", command = ["${program}"] }\n`);
  const log = `${machine.directory}/calls`;
  const trace = ["-s", "200", "-e", "trace=write,openat,creat,memfd_create", "-o", log];
  const { stdout } = await machine.succeed(["resolve", "config:a", "--config", config], {
    through: [...STRACE, ...trace],
  });
  assert.equal(stdout, SECRET);
  const written = Deno.readTextFileSync(log).split("\n").filter((line) =>
    line.includes("write(") && line.includes("55c9") && !/write\(1,/.test(line)
  );
  assert.deepEqual(written, []);
  const made = Deno.readTextFileSync(log).split("\n").filter((line) =>
    /O_CREAT|memfd_create/.test(line) && !line.includes("/deno")
  );
  assert.deepEqual(made.filter((line) => !line.includes("ENOENT")), []);
});
