/**
 * Completion: what may come next on a command line. Neither asks nor changes anything, and opens no
 * value; the shells' scripts call it as `palyra __complete -- WORDS…`, the last word unfinished.
 */

import { proposeCompletions } from "@stricli/core";
import { App } from "./app.ts";
import type { CommandContext } from "./command.ts";
import { application } from "./framework.ts";
import { GLOBAL_FLAGS, splitGlobalFlags } from "./global_flags.ts";

/** The shell completes names of files or directories itself. */
const FILES = ":files";
const FILE_FLAGS: readonly string[] = [
  "--config",
  "--state-root",
  "--out",
  "--in",
  "--env-file",
  "-i",
  "-o",
  "--from-file",
  "--passphrase-file",
  "--scan",
  "--new-passphrase-file",
];
const FORMATS = ["text", "json", "ndjson"];

/** One candidate a line, with a tab and its meaning where there is one; or only `:files`. */
export async function complete(app: App, words: readonly string[]): Promise<string> {
  const typed = words.slice(0, -1);
  const current = words.at(-1) ?? "";
  const [, flag, value] = /^(--[a-z-]+)=(.*)$/s.exec(current) ?? [];
  const found = flag === undefined
    ? await candidates(app, typed, current)
    : (await candidates(app, [...typed, flag], value!)).map((one) =>
      one === FILES ? one : `${flag}=${one}`
    );
  return [...new Set(found)].map((line) => `${line}\n`).join("");
}

async function candidates(app: App, typed: readonly string[], current: string): Promise<string[]> {
  const last = typed.at(-1) ?? "";
  if (typed.includes("--")) return [];
  if (FILE_FLAGS.includes(last) || isFileArgument(typed)) return [FILES];
  if (last === "--output-format") return FORMATS.filter((format) => format.startsWith(current));
  const { options, rest } = splitGlobalFlags(typed);
  const helped = rest[0] === "help" ? rest.slice(1) : rest;
  const context: CommandContext & { process: typeof process } = {
    process,
    app: new App(app.platform, options, app.version),
    outcome: undefined,
    typed: rest,
  };
  const proposed = await proposeCompletions(application, [...helped, current], context);
  const own = proposed.filter(({ completion }) => completion !== "--" || current === "--");
  const words = own.filter(({ completion }) => !completion.startsWith("-"));
  const lines = (current === "" && words.length > 0 ? words : own)
    .map(({ kind, completion, brief }) =>
      // What is said of an argument says nothing of a value for it.
      kind === "argument:value" || brief === "" ? completion : `${completion}\t${brief}`
    );
  if (!current.startsWith("-")) return lines;
  const global = GLOBAL_FLAGS.map(([spelling, brief]) =>
    `${/--[a-z-]+/.exec(spelling)![0]}\t${brief}`
  );
  return [...lines, ...global.filter((line) => line.startsWith(current))];
}

function isFileArgument(typed: readonly string[]): boolean {
  const words = typed.filter((word) => !word.startsWith("-")).join(" ");
  return /(?:^| )(?:secrets configure apply|secrets apply|config (?:un)?trust)$/.test(words);
}

/** The framework writes nothing while it proposes. */
const process = {
  stdout: { write: (): void => {} },
  stderr: { write: (): void => {} },
  exitCode: null as number | string | null,
};
