/** What a palyra process starts and which files it names, seen from outside through strace. */

import type { CliOptions, CliResult } from "./cli_run.ts";
import { whyNoStrace } from "./requirements.ts";
import { type RegisterTest, unlessSkipped } from "./skip.ts";
import { STRACE } from "./strace.ts";

/** Registers tests that look at system calls. */
export const testWithStrace: RegisterTest = unlessSkipped("no-strace", whyNoStrace());

/** A command that was watched. */
export interface WatchedCommand {
  readonly result: CliResult;
  /** The lines that start a program; the first one starts palyra itself. */
  readonly started: readonly string[];
  /** All calls with the name of a file in them, and those that open a connection. */
  readonly calls: readonly string[];
}

/** Runs something through strace, with all of its threads and children. */
export async function watchCommand(
  run: (options: CliOptions) => Promise<CliResult>,
  options: CliOptions = {},
): Promise<WatchedCommand> {
  const log = Deno.makeTempFileSync({ prefix: "palyra-watch-" });
  try {
    const trace = ["-s", "4096", "-e", "trace=%file,connect", "-o", log];
    const result = await run({ ...options, through: [...STRACE, ...trace] });
    const calls = Deno.readTextFileSync(log).split("\n");
    return { result, started: calls.filter((call) => /\bexecve(?:at)?\(/.test(call)), calls };
  } finally {
    Deno.removeSync(log);
  }
}
