/** The hidden prompt as a person sees it, in a shell in a real terminal: no echo, and the echo returns. */

import assert from "node:assert/strict";
import { type Machine, makeMachine } from "./support/cli_run.ts";
import { ownWords } from "./support/cli_words.ts";
import { runProcess } from "./support/process.ts";
import { writeProgram } from "./support/program_file.ts";
import { whyNoTmux } from "./support/requirements.ts";
import { unlessSkipped } from "./support/skip.ts";
import { openScreen, type Screen } from "./support/tmux.ts";

const TYPED = "typed-secret-7d1";
const test = unlessSkipped("no-tmux", whyNoTmux());

async function openShell(machine: Machine): Promise<Screen> {
  const { words, env } = await ownWords();
  Deno.mkdirSync(`${machine.home}/bin`);
  const line = words.map((word) => `'${word}'`).join(" ");
  writeProgram(`${machine.home}/bin/palyra`, `#!/bin/sh\nexec ${line} "$@"\n`);
  const PATH = `${machine.home}/bin:/usr/bin:/bin`;
  const screen = await openScreen(["/bin/bash", "--norc", "--noprofile"], {
    cwd: machine.home,
    env: { ...machine.env, ...env, PATH, HISTFILE: "/dev/null" },
  });
  await screen.type("PS1='> '", "Enter");
  return screen;
}

/** Asserts that the shell is back, and that what is typed is shown again. */
async function assertEchoes(screen: Screen): Promise<void> {
  await screen.type("echo back; stty -a | grep -o -w -e -echo -e -icanon", "Enter");
  const shown = await screen.waitFor(/^back\n> ?$/m);
  assert.match(shown, /> echo back; stty/);
  assert.match(shown, /^back\n>$/m, "the terminal is as it was");
  assert.ok(!shown.includes(TYPED), "the value was shown");
}

test("a value that is typed is never shown, and stored as it was typed", async () => {
  using machine = makeMachine();
  await using screen = await openShell(machine);
  await screen.type("palyra secrets set global/typed", "Enter");
  await screen.waitFor(/global\/typed.*: ?$/);
  await screen.type(TYPED, "Enter");
  await screen.waitFor(/again: ?$/);
  await screen.type(TYPED, "Enter");
  await screen.waitFor(/version 1\n/);
  await assertEchoes(screen);
  assert.equal((await machine.succeed(["resolve", "global/typed"])).stdout, TYPED);
});

test("after Ctrl-C at the prompt a shell's loop ends, and the terminal shows again what is typed", async () => {
  using machine = makeMachine();
  await using screen = await openShell(machine);
  await screen.type(
    "for i in 1 2; do palyra secrets set global/typed; echo after $i; done",
    "Enter",
  );
  await screen.waitFor(/global\/typed.*: ?$/);
  await screen.type(TYPED);
  await screen.type("", "C-c");
  await screen.waitFor(/\n> ?$/);
  await screen.type("echo status=$?", "Enter");
  const shown = await screen.waitFor(/^status=\d+$/m);
  assert.match(shown, /^status=130$/m);
  assert.doesNotMatch(shown, /^after/m, "the shell's loop went on");
  await screen.type("clear", "Enter");
  await assertEchoes(screen);
});

for (const signal of ["TERM", "HUP"]) {
  test(`after SIG${signal} at the prompt the terminal shows again what is typed`, async () => {
    using machine = makeMachine();
    await using screen = await openShell(machine);
    const name = `global/typed_${crypto.randomUUID()}`; // no other test's process is meant
    await screen.type(`palyra secrets set ${name}; echo status=$?`, "Enter");
    await screen.waitFor(/global\/typed.*: ?$/);
    await screen.type(TYPED);
    const argv = ["/usr/bin/pkill", `-${signal}`, "-f", "--", `main.*secrets set ${name}`];
    const env = { PATH: "/usr/bin:/bin" };
    const { status } = await runProcess({ argv, env, cwd: machine.home });
    assert.equal(status, 0, "there was a process to signal");
    assert.match(await screen.waitFor(/status=\d+\n/), /status=(?:129|143)\n/);
    await assertEchoes(screen);
  });
}
