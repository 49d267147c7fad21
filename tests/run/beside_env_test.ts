/** `palyra run` beside `env`: the same command has the same status, output and surroundings. */

import assert from "node:assert/strict";
import { beside, type Surroundings } from "../support/beside_env.ts";
import { eachOf, makeMachine } from "../support/cli_run.ts";
import { say } from "../support/dice.ts";

const sh = (script: string, ...args: string[]): string[] => ["sh", "-c", script, "sh", ...args];
const print = (...args: string[]): string[] => ["printf", "[%s]\\n", ...args];
const LARGE = crypto.getRandomValues(new Uint8Array(65_536));
const LARGE_INPUT = new Uint8Array(4_194_304).map((_, at) => LARGE[at % LARGE.length]!);
const TRAPS = `trap 'echo got; exit 3' TERM HUP INT QUIT USR1 USR2 WINCH; echo ready;
  while :; do sleep 0.05; done`;
const MADE =
  `cd "$(mktemp -d)"; HERE=$PWD; printf 'echo script "$1"' > plain; printf '#!/no/such' > lost; : > empty;
  printf '#!/bin/sh\\necho "$1 $#"' > first; mkdir -p one two; cp first two/tool; cp first one/tool;
  chmod 755 plain lost empty first two/tool; chmod 644 one/tool; "$@"`;

const ROWS: readonly (readonly [string, Surroundings])[] = [
  ["it succeeds", { argv: ["true"] }],
  ...[1, 2, 77, 125, 126, 127, 128, 137, 255].map((status) =>
    [`it exits ${status}`, { argv: sh(`exit ${status}`) }] as const
  ),
  ...["TERM", "KILL", "HUP", "USR1", "ALRM", "PIPE", "INT", "ABRT", "SEGV"].map((name) =>
    [`it ends by SIG${name}`, { argv: ["bash", "-c", `ulimit -c 0; kill -${name} $$`] }] as const
  ),
  ["it ends by a real-time signal", {
    argv: ["bash", "-c", "kill -RTMIN $$"],
    script: '{ "$@"; echo $?; } 2> /dev/null',
  }],
  ["both streams", { argv: sh("printf out; printf err >&2; exit 4") }],
  ["much input", { argv: ["sha256sum"], stdin: LARGE_INPUT }],
  ["much output", { argv: ["cat"], stdin: LARGE_INPUT }],
  ["input that is not read", { argv: ["true"], stdin: LARGE_INPUT }],
  ["no input", { argv: ["cat"] }],
  ["some input, the rest for the next", {
    argv: ["dd", "bs=1", "count=5", "status=none"],
    stdin: "first second",
    script: '"$@"; echo; cat',
  }],
  ["empty arguments", { argv: print("", "a", "") }],
  ["arguments that look like flags", {
    argv: print("--", "-h", "--help", "--json", "-v", "--version", "--config", "--", "--mask"),
  }],
  ["arguments with quotes, blanks and line ends", {
    argv: print("a b", "\t", "\n", "'", '"', "\\", "$HOME", "`id`", "*", "a\n'b\"c", " "),
  }],
  ["arguments with every byte that UTF-8 has", {
    argv: print(
      ...Array.from({ length: 127 }, (_, at) => `a${String.fromCharCode(at + 1)}b`),
      ...Array.from({ length: 64 }, (_, at) => String.fromCodePoint(0x80 + at)),
      ...Array.from({ length: 31 }, (_, at) => String.fromCodePoint(0x80 + at * 64)),
      ...Array.from({ length: 15 }, (_, at) => String.fromCodePoint(0x1000 * at + 0x700)),
      ...Array.from({ length: 5 }, (_, at) => String.fromCodePoint(0x10000 + at * 0x3ffff)),
    ),
  }],
  ["a large argument", { argv: ["printf", "%s", "x".repeat(120_000)] }],
  ["many arguments", { argv: sh('echo $#; printf %s "$@"', ...Array(9_000).fill("ab")) }],
  ["no such command", { argv: ["no-such-command-anywhere"] }],
  ["no such path", { argv: ["/nonexistent/command"] }],
  ["no such path from here", { argv: ["./nonexistent"] }],
  ["an empty name", { argv: [""] }],
  ["a directory", { argv: ["/usr"] }],
  ["a file that is not executable", { argv: ["/etc/passwd"] }],
  ["a path through a file", { argv: ["/etc/passwd/command"] }],
  ["a script without #!", { argv: ["./plain", "x"], script: MADE }],
  ["a script whose interpreter is gone", { argv: ["./lost"], script: MADE }],
  ["an empty file", { argv: ["./empty"], script: MADE }],
  ["a script by a relative path", { argv: ["./first", "x y"], script: MADE }],
  ["PATH: the working directory by an empty entry", {
    argv: ["first", "x"],
    script: `${MADE.slice(0, -4)}PATH=:$PATH; export PATH; "$@"`,
  }],
  ["PATH: a relative entry", {
    argv: ["tool", "x"],
    script: `${MADE.slice(0, -4)}PATH=two:$PATH; export PATH; "$@"`,
  }],
  ["PATH: what is not executable is passed over", {
    argv: ["tool", "x"],
    script: `${MADE.slice(0, -4)}PATH=$HERE/one:$HERE/two:$PATH; export PATH; "$@"`,
  }],
  ["PATH: only what is not executable", {
    argv: ["tool", "x"],
    script: `${MADE.slice(0, -4)}PATH=$HERE/one:/etc/passwd:$PATH; export PATH; "$@"`,
  }],
  ["PATH: nothing of a runtime's is in it", {
    argv: ["/usr/bin/env"],
    script:
      'unset OLDPWD _; PATH=$HOME; export PATH; "$@" | /usr/bin/grep -v ^PALYRA_ | /usr/bin/sort',
  }],
  ["PATH: none", { argv: ["printf", "found"], script: 'unset PATH; "$@"' }],
  ["the working directory", {
    argv: ["pwd"],
    script: 'mkdir -p "$HOME/x y"; cd "$HOME/x y"; "$@"',
  }],
  ["the mask of modes", { argv: sh("umask"), script: 'umask 027; "$@"' }],
  ["the priority", { argv: ["nice"], script: 'nice -n 7 "$@"' }],
  ["the limit of memory", { argv: sh("ulimit -s; ulimit -c"), script: 'ulimit -c 0; "$@"' }],
  ["the process group", {
    argv: sh("test $(ps -o pgid= -p $$) = $(ps -o pgid= -p $OUTER) && echo same"),
    script: 'OUTER=$$; export OUTER; "$@"',
  }],
  ["another open descriptor", {
    argv: sh("cat <&7"),
    script: 'echo seven > "$HOME/seven"; "$@" 7< "$HOME/seven"',
  }],
  ["a variable that is not UTF-8, one with an odd name, one that is empty", {
    argv: sh("env | grep -a -e ^BAD -e ^a[.]b -e ^EMPTY | LC_ALL=C sort"),
    env: { "a.b": "odd", EMPTY: "" },
    script: 'BAD=$(printf "\\377x") exec "$@"',
  }],
  ["signals that are ignored stay ignored", {
    argv: sh("kill -TERM $$; kill -HUP $$; kill -INT $$; kill -USR1 $$; echo alive"),
    script: "trap '' TERM HUP INT USR1; \"$@\"",
  }],
  ["a signal that is ignored and sent", {
    argv: sh("echo ready; sleep 0.3; echo alive"),
    script: "trap '' HUP; exec \"$@\"",
    signal: "SIGHUP",
  }],
  ["output that nobody reads", {
    argv: ["yes"],
    script: '{ "$@"; echo "status $?" >&2; } | head -c 1',
  }],
  ["in the background of a shell", { argv: sh("echo b; exit 9"), script: '"$@" & wait $!' }],
  ["what it starts may stay", { argv: sh("sleep 0.3 & echo gone"), script: '"$@"' }],
  ...(["TERM", "HUP", "INT", "QUIT", "USR1", "USR2", "WINCH"] as const).flatMap((name) => [
    [`SIG${name} reaches it`, { argv: sh(TRAPS), signal: `SIG${name}` }] as const,
    [`SIG${name} ends it, or does not`, {
      // Long where it ends by the signal, which a busy machine may bring late.
      argv: sh(`ulimit -c 0; echo ready; exec sleep ${name === "WINCH" ? 1.5 : 30}`),
      signal: `SIG${name}`,
    }] as const,
  ]),
];

/** Rows where nothing is started: who says so differs. */
const OWN_WORDS = /^(?:palyra: Cannot run the command: [^\n]+\n)$/;

Deno.test("palyra run gives what env gives", async () => {
  using machine = makeMachine();
  let same = 0;
  await eachOf(ROWS, async ([name, surroundings]) => {
    const { env, palyra } = await beside(machine, surroundings);
    assert.equal(palyra.status, env.status, `${name}: ${palyra.stderr}`);
    assert.equal(palyra.stdout, env.stdout, name);
    assert.deepEqual(palyra.bytes, env.bytes, name);
    const isRefused = env.stderr.startsWith("/usr/bin/env: ");
    if (isRefused) assert.match(palyra.stderr, OWN_WORDS, name);
    else assert.equal(palyra.stderr, env.stderr, name);
    same++;
  });
  say(`palyra run: ${same} commands behave as with env`);
  assert.ok(same >= 60, `only ${same} rows`);
});

Deno.test("a command that Ctrl-C ends, ends palyra in the same way", async () => {
  using machine = makeMachine();
  const { env, palyra } = await beside(machine, { argv: sh("kill -INT $$") });
  assert.deepEqual([env.signal, palyra.signal], ["SIGINT", "SIGINT"]);
  const other = await beside(machine, { argv: sh("kill -TERM $$") });
  assert.deepEqual(
    [other.palyra.status, other.palyra.signal],
    [143, null],
    "a status, as documented",
  );
});

Deno.test("what differs from env is what the documentation says", async () => {
  using machine = makeMachine();
  const differs = async (surroundings: Surroundings): Promise<readonly [string, string]> => {
    const { env, palyra } = await beside(machine, surroundings);
    assert.equal(palyra.status, env.status, palyra.stderr);
    return [env.stdout, palyra.stdout];
  };
  const open = sh("readlink /proc/$$/fd/0 || echo closed");
  assert.deepEqual(
    await differs({ argv: open, script: '"$@" <&-' }),
    ["closed\n", "/dev/null\n"],
    "a closed stream is the null device",
  );
  const ignored = sh("kill -PIPE $$; echo alive");
  const pipe = await beside(machine, { argv: ignored, script: "trap '' PIPE; \"$@\"" });
  assert.deepEqual(
    [pipe.env.stdout, pipe.palyra.status],
    ["alive\n", 141],
    "SIGPIPE is not ignored",
  );
  const [limit, raised] = await differs({
    argv: sh("ulimit -Sn; ulimit -Hn"),
    script: 'ulimit -Sn 256; "$@"',
  });
  assert.equal(limit.split("\n")[0], "256");
  assert.equal(raised.split("\n")[0], raised.split("\n")[1], "the file limit is the hard one");
  const removed = 'mkdir "$HOME/$$"; cd "$HOME/$$"; rmdir "$HOME/$$"; "$@"';
  const nowhere = await beside(machine, { argv: ["true"], script: removed });
  assert.deepEqual([nowhere.env.status, nowhere.palyra.status], [0, 1], "no working directory");
  const name = ["bash", "-c", "read -r -d '' first < /proc/$$/cmdline; echo $first"];
  assert.deepEqual(await differs({ argv: name }), ["bash\n", "/usr/bin/bash\n"], "argv[0]");
});
