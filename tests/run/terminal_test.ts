/** `palyra run` in a real terminal: job control, Ctrl-C, and a terminal that stays one while masked. */

import assert from "node:assert/strict";
import { type Machine, makeMachine } from "../support/cli_run.ts";
import { ownWords } from "../support/cli_words.ts";
import { writeProgram } from "../support/program_file.ts";
import { whyNoTmux } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";
import { openScreen, type Screen } from "../support/tmux.ts";

const test = unlessSkipped("no-tmux", whyNoTmux());
const VALUE = "hunter2-hunter2";

async function openShell(machine: Machine): Promise<Screen> {
  const { words, env } = await ownWords();
  Deno.mkdirSync(`${machine.home}/bin`);
  const line = words.map((word) => `'${word}'`).join(" ");
  writeProgram(`${machine.home}/bin/palyra`, `#!/bin/sh\nexec ${line} "$@"\n`);
  const PATH = `${machine.home}/bin:/usr/bin:/bin`;
  const screen = await openScreen(["/bin/bash", "--norc", "--noprofile"], {
    cwd: machine.home,
    env: { ...machine.env, ...env, PATH, HISTFILE: "/dev/null", SHELL: "/bin/bash" },
  });
  await screen.type("PS1='> '; clear", "Enter");
  await screen.waitFor(/^>$/m);
  return screen;
}

/** Runs a line on a screen that is seen to be empty: nothing of the one before is taken for its own. */
async function runAlone(screen: Screen, line: string): Promise<void> {
  await screen.type("clear", "Enter");
  await screen.waitFor(/^>$/);
  await screen.type(`clear; ${line}`, "Enter");
}

test("Ctrl-C ends the command once, the status is 130, and a shell's loop ends", async () => {
  using machine = makeMachine();
  await using screen = await openShell(machine);
  // It goes on for a second after Ctrl-C, so that a second one would be seen.
  const script = (turns: number): string =>
    `trap "echo got; n=20" INT; echo ready; n=${turns}; ` +
    "while test $n -gt 0; do sleep 0.05; n=$((n-1)); done; exit 5";
  const run = (before: string, turns: number): string =>
    `palyra run -- ${before}sh -c '${script(turns)}'; echo status=$?`;
  await screen.type(run("", 600), "Enter");
  await screen.waitFor(/^ready$/m);
  await screen.type("", "C-c");
  const shown = await screen.waitFor(/status=\d+$/m);
  assert.match(shown, /^status=5$/m);
  assert.equal(shown.match(/got$/gm)?.length, 1, shown);
  // One that has left the terminal gets nothing: what the terminal does not send, palyra does not add.
  await runAlone(screen, run("setsid ", 60));
  await screen.waitFor(/^ready$/m);
  await screen.type("", "C-c");
  assert.doesNotMatch(await screen.waitFor(/status=\d+$/m), /got/);
  await runAlone(
    screen,
    "for i in 1 2 3; do palyra run -- sh -c 'echo ready; exec sleep 20'; echo after $i; done",
  );
  await screen.waitFor(/^ready$/m);
  await screen.type("", "C-c");
  await screen.waitFor(/\n>$/); // before that the keys are for the command
  await screen.type("echo status=$?", "Enter");
  const ended = await screen.waitFor(/status=\d+$/m);
  assert.match(ended, /^status=130$/m);
  assert.doesNotMatch(ended, /^after/m, "the loop went on");
});

test("Ctrl-\\ ends the command with 131; a command that takes Ctrl-C goes on", async () => {
  using machine = makeMachine();
  await using screen = await openShell(machine);
  await screen.type(
    "ulimit -c 0; palyra run -- sh -c 'echo ready; exec sleep 20'; echo s=$?",
    "Enter",
  );
  await screen.waitFor(/^ready$/m);
  await screen.type("", "C-\\");
  assert.match(await screen.waitFor(/s=\d+$/m), /s=131$/m);
  const script = "trap '' INT; echo armed; sleep 3; echo done";
  await runAlone(screen, `palyra run -- sh -c "${script}"; echo s=$?`);
  await screen.waitFor(/^armed$/m);
  await screen.type("", "C-c");
  assert.match(await screen.waitFor(/s=\d+$/m), /done\ns=0$/m);
});

test("Ctrl-Z stops both, fg goes on, and what is typed reaches the command", async () => {
  using machine = makeMachine();
  await using screen = await openShell(machine);
  await screen.type(`palyra run -- sh -c 'echo ready; read a; echo "read:$a"'; echo s=$?`, "Enter");
  await screen.waitFor(/^ready$/m);
  await screen.type("", "C-z");
  await screen.waitFor(/Stopped/);
  await screen.type("jobs; fg", "Enter");
  await screen.waitFor(/fg\n[^>]*palyra run/);
  await screen.type("typed line", "Enter");
  assert.match(await screen.waitFor(/^read:.*$/m), /^read:typed line$/m);
});

test("the command has the terminal: size, colours, no echo, the foreground", async () => {
  using machine = makeMachine();
  await using screen = await openShell(machine);
  const script =
    "stty size; test -t 0 -a -t 1 -a -t 2 && echo all; ps -o stat= -p \\$\\$ | tr -d ' \\n'";
  await screen.type(`palyra run -- sh -c "${script}; echo; stty -echo"; echo end`, "Enter");
  const shown = await screen.waitFor(/^end$/m);
  assert.match(shown, /^200 180$/m);
  assert.match(shown, /^all$/m);
  assert.match(shown, /^[A-Z][sN<]*\+$/m, "in the foreground group");
});

test("masked, a terminal stays a terminal, and the value is not seen", async () => {
  using machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/key"], { stdin: VALUE });
  await using screen = await openShell(machine);
  const script = "stty size; test -t 0 -a -t 1 -a -t 2 && echo all; echo key:$KEY $SHELL; exit 7";
  const run = "palyra run --mask --env KEY=global/key --";
  await screen.type(`${run} sh -c '${script}'; echo s=$?`, "Enter");
  const shown = await screen.waitFor(/s=\d+$/m);
  assert.match(shown, /^200 180\nall\nkey:<redacted> \/bin\/bash\ns=7$/m);
  await runAlone(
    screen,
    `${run} sh -c 'printf "name? "; read a; echo "it is $a"; kill -TERM $$'; echo s=$?`,
  );
  await screen.waitFor(/^name\?/m);
  await screen.type(`it's "me" $x`, "Enter");
  const answered = await screen.waitFor(/s=\d+$/m);
  assert.match(answered, /^it is it's "me" \$x\ns=143$/m);
  await runAlone(
    screen,
    `for i in 1 2; do ${run} sh -c 'echo ready; exec sleep 20'; echo after $i; done`,
  );
  await screen.waitFor(/^ready$/m);
  await screen.type("", "C-c");
  await screen.waitFor(/\n>$/); // before that the keys are for the command
  await screen.type("echo s=$?", "Enter");
  const ended = await screen.waitFor(/^s=\d+$/m);
  assert.match(ended, /^s=130$/m);
  assert.doesNotMatch(ended, /^after/m, "the loop went on");
  await runAlone(screen, "stty -a | grep -o -w -e -echo -e -icanon; echo end");
  assert.match(await screen.waitFor(/^end\n>$/m), /^end\n>$/, "the terminal is as it was");
  assert.ok(!(await screen.read()).includes(VALUE));
});

test("masked, quotes and odd words reach the command as they are", async () => {
  using machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/key"], { stdin: VALUE });
  await using screen = await openShell(machine);
  const words = `"a'b" '"' '\\' '$HOME' '\`id\`' 'x y' '' ';' '&' '*'`;
  await screen.type(
    `clear; for m in '' --mask; do palyra run $m --env K=global/key -- printf '[%s]' ${words}; echo; done; echo end`,
    "Enter",
  );
  const shown = await screen.waitFor(/^end$/m);
  const lines = shown.split("\n").filter((line) => line.startsWith("["));
  assert.equal(lines.length, 2, shown);
  assert.equal(lines[0], lines[1]);
  assert.equal(lines[0], `[a'b]["][\\][$HOME][\`id\`][x y][][;][&][*]`);
});

test("without a terminal on one side masking goes through pipes", async () => {
  using machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/key"], { stdin: VALUE });
  await using screen = await openShell(machine);
  const script = "test -t 1 || echo pipe; test -t 0 && echo terminal; echo $K; echo $K >&2";
  await screen.type(
    `clear; palyra run --mask --env K=global/key -- sh -c '${script}' | cat; echo end`,
    "Enter",
  );
  const shown = await screen.waitFor(/^end$/m);
  assert.match(shown, /^pipe$/m);
  assert.match(shown, /^terminal$/m);
  assert.equal(shown.match(/^<redacted>$/gm)?.length, 2);
  assert.ok(!shown.includes(VALUE));
});
