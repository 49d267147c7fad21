/** One run of palyra: arguments in, output and exit status out. */

import { encodeUtf8 } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import { OutputClosed, type Platform } from "../platform/platform.ts";
import { App } from "./app.ts";
import { exitStatusOf, NOT_STARTED_STATUS, OUTPUT_CLOSED_STATUS } from "./exit_status.ts";
import { guessCommand, guessFormat, type OutputFormat, splitGlobalFlags } from "./global_flags.ts";
import { printError, printView } from "./output.ts";
import { runShortWay } from "./short_way.ts";
import type { View } from "./view.ts";

/** Runs one command line of this version; resolves to the exit status and never rejects. */
export async function runPalyra(
  platform: Platform,
  args: readonly string[],
  version: string,
): Promise<number> {
  let format = guessFormat(args); // for an error in the global flags themselves
  try {
    const split = splitGlobalFlags(args);
    format = split.options.format;
    return await runSplit(new App(platform, split.options, version), split.rest);
  } catch (error) {
    if (error instanceof OutputClosed) return OUTPUT_CLOSED_STATUS;
    printError(platform, error, format);
    // A command that is run has statuses of its own: palyra's would be taken for them.
    return guessCommand(args) === "run" ? NOT_STARTED_STATUS : exitStatusOf(error);
  }
}

async function runSplit(app: App, rest: readonly string[]): Promise<number> {
  const { platform, options } = app;
  if (options.version && options.format === "text") {
    return await printText(platform, `${app.version}\n`);
  }
  if (rest[0] === "__complete") {
    const { complete } = await import("./complete.ts");
    return await printText(platform, await complete(app, rest.slice(2)));
  }
  if (rest.length === 0 && !options.version) {
    const { firstContact } = await import("./commands/first_contact.ts");
    return await finish(platform, await firstContact(app), options.format);
  }
  const args = withHelpAsFlag(options.version ? ["version"] : rest);
  if (args[0] === "run") requireSeparator(args);
  const direct = await runShortWay(app, args);
  if (direct !== undefined) return await finish(platform, direct, options.format);
  const { runFramework } = await import("./framework.ts");
  const result = await runFramework(app, args);
  if ("help" in result) return await printText(platform, result.help);
  if ("error" in result) throw result.error;
  return await finish(platform, result.view, options.format);
}

async function finish(platform: Platform, view: View, format: OutputFormat): Promise<number> {
  await printView(platform, view, format);
  if (view.kind === "status") {
    if (view.failure !== undefined) printError(platform, view.failure, format);
    await view.endAlike?.();
    return view.status;
  }
  if (view.kind === "reply") return view.status;
  if ("failure" in view && view.failure !== undefined) throw view.failure;
  return 0;
}

async function printText(platform: Platform, text: string): Promise<number> {
  await platform.streams.writeOutput(encodeUtf8(text));
  return 0;
}

/** Without `--` the flags of the command would be taken for palyra's. */
function requireSeparator(args: readonly string[]): void {
  if (args.includes("--") || args.some((arg) => /^(?:--help|-h|-H|--helpAll)$/.test(arg))) return;
  throw new PalyraError("usage", "Cannot run: no command is given", {
    hint: "It stands behind --, as in palyra run -- env",
  });
}

/** `help secrets set` is another way to write `secrets set --help`. */
function withHelpAsFlag(args: readonly string[]): readonly string[] {
  return args[0] === "help" && args[1] !== "exit-codes" ? [...args.slice(1), "--help"] : args;
}
