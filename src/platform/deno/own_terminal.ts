/**
 * A terminal of its own for a command whose output is filtered: `script` of util-linux makes one and
 * connects it with the terminal that palyra has. Without it the command would write to a pipe, and
 * many programs then show no colours and ask nothing.
 */

import { processes } from "./processes.ts";

const SCRIPT = "script";
const DIRECTORIES = "/usr/bin:/bin";
const SHELL = "/bin/sh";

/** `script`, where it is of use: standard input and output are terminals. */
export function terminalMaker(): string | undefined {
  if (Deno.build.os !== "linux") return undefined; // the BSDs' own takes other arguments
  if (!Deno.stdin.isTerminal() || !Deno.stdout.isTerminal()) return undefined;
  return processes.find(SCRIPT, DIRECTORIES);
}

/**
 * Arguments for `script`, and the shell that it must use. The command line is text for that shell:
 * every word is in single quotes, where nothing has a meaning.
 */
export function inOwnTerminal(
  program: string,
  args: readonly string[],
  shell: string | undefined,
): { readonly args: string[]; readonly shell: string } {
  const restore = shell === undefined ? "unset SHELL" : `export SHELL=${quoted(shell)}`;
  const words = [program, ...args].map(quoted).join(" ");
  return {
    args: ["--quiet", "--return", "--command", `${restore}; exec ${words}`, "/dev/null"],
    shell: SHELL,
  };
}

/** The command itself, which `script` has started: signals are for it. */
export function commandWithin(script: number): number {
  try {
    const children = Deno.readTextFileSync(`/proc/${script}/task/${script}/children`);
    return Number(children.trim().split(" ")[0]) || script;
  } catch {
    return script;
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
