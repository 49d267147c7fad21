/** Completion, as a person sees it: keys typed into real shells in a real terminal. */

import assert from "node:assert/strict";
import { type Machine, makeMachine } from "./support/cli_run.ts";
import { ownWords } from "./support/cli_words.ts";
import { writeProgram } from "./support/program_file.ts";
import { whyNoFish, whyNoTmux, whyNoZsh } from "./support/requirements.ts";
import { unlessSkipped } from "./support/skip.ts";
import { openScreen, type Screen } from "./support/tmux.ts";

interface Shell {
  readonly name: "bash" | "zsh" | "fish";
  readonly argv: readonly string[];
  /** Typed first, so that completion is on and the prompt is `> `. */
  readonly setUp: readonly string[];
  readonly clear: string;
}

const SHELLS: readonly Shell[] = [
  {
    name: "bash",
    argv: ["/bin/bash", "--norc", "--noprofile"],
    setUp: ["PS1='> '", 'eval "$(palyra completions bash)"'],
    clear: "C-u",
  },
  {
    name: "zsh",
    argv: ["/usr/bin/zsh", "-f"],
    setUp: [
      "PS1='> '; unsetopt zle_bracketed_paste; autoload -U compinit && compinit -u -D",
      'eval "$(palyra completions zsh)"',
    ],
    clear: "C-u",
  },
  {
    name: "fish",
    argv: ["/usr/bin/fish", "--no-config"],
    setUp: [
      "function fish_prompt; echo -n '> '; end; set -g fish_autosuggestion_enabled 0",
      "palyra completions fish | source",
    ],
    clear: "C-u",
  },
];

/** What is typed, and what the line is after Tab. */
const COMPLETED: readonly (readonly [string, string])[] = [
  ["palyra secr", "palyra secrets"],
  ["palyra secrets rollb", "palyra secrets rollback"],
  ["palyra secrets get global/open", "palyra secrets get global/openai_api_key"],
  ["palyra secrets get principal:al", "palyra secrets get principal:alice/db_password"],
  ["palyra secrets get principal:alice d", "palyra secrets get principal:alice db_password"],
  ["palyra resolve KEY=global/o", "palyra resolve KEY=global/openai_api_key"],
  ["palyra resolve vault://glo", "palyra resolve vault://global/openai_api_key"],
  ["palyra resolve --allow", "palyra resolve --allow-unmasked"],
  ["palyra resolve --format systemd", "palyra resolve --format systemd-env"],
  ["palyra resolve --format=systemd", "palyra resolve --format=systemd-env"],
  ["palyra --json secrets configure open", "palyra --json secrets configure openai-api-key"],
  ["palyra secrets get --config a_fi", "palyra secrets get --config a_file.toml"],
  ["palyra vault rotate scope princ", "palyra vault rotate scope principal:alice"],
];

async function stocked(): Promise<Machine> {
  const machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/openai_api_key"], { stdin: "hidden-value" });
  await machine.succeed(["secrets", "set", "principal:alice/db_password"], {
    stdin: "hidden-value",
  });
  const { words } = await ownWords();
  Deno.mkdirSync(`${machine.home}/bin`);
  const line = words.map((word) => `'${word}'`).join(" ");
  writeProgram(`${machine.home}/bin/palyra`, `#!/bin/sh\nexec ${line} "$@"\n`);
  Deno.writeTextFileSync(`${machine.home}/a_file.toml`, "");
  return machine;
}

async function open(machine: Machine, argv: readonly string[]): Promise<Screen> {
  const { env } = await ownWords();
  const PATH = `${machine.home}/bin:/usr/bin:/bin`;
  const more = { PATH, HISTFILE: "/dev/null" }; // a shell that ends must not write into the home
  return await openScreen(argv, { cwd: machine.home, env: { ...machine.env, ...env, ...more } });
}

function lastLine(screen: string): string {
  return screen.slice(screen.lastIndexOf("\n") + 1);
}

for (const { name, argv, setUp, clear } of SHELLS) {
  const lacks = name === "zsh" ? whyNoZsh() : name === "fish" ? whyNoFish() : undefined;
  const test = lacks === undefined
    ? unlessSkipped("no-tmux", whyNoTmux())
    : unlessSkipped(name === "zsh" ? "no-zsh" : "no-fish", lacks);
  test(`${name} completes commands, flags, values, names of secrets and files`, async () => {
    using machine = await stocked();
    await using screen = await open(machine, argv);
    for (const line of setUp) await screen.type(line, "Enter");
    await screen.type("echo ready", "Enter");
    await screen.waitFor(/^ready\n> $|^ready\n>$/m);
    for (const [typed, wanted] of COMPLETED) {
      await screen.type(typed, "Tab");
      const pattern = new RegExp(`> ${wanted.replaceAll(/[/.=+?]/g, "\\$&")} ?$`);
      const shown = await screen.waitFor(pattern);
      assert.match(lastLine(shown), pattern, `${name}: ${typed}`);
      assert.ok(!shown.includes("hidden-value"));
      await screen.type("", clear);
      await screen.waitFor(/> ?$/);
    }
  });
}
