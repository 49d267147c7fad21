/** Runs a command line through the framework, and turns its own complaints into typed errors. */

import {
  AliasNotFoundError,
  type Application,
  ArgumentParseError,
  type ArgumentScannerError,
  buildApplication,
  EnumValidationError,
  ExitCode,
  FlagNotFoundError,
  InvalidNegatedFlagSyntaxError,
  run,
  text_en,
  UnexpectedFlagError,
  UnexpectedPositionalError,
  UnsatisfiedFlagError,
  UnsatisfiedPositionalError,
} from "@stricli/core";
import { PalyraError } from "../errors.ts";
import type { App } from "./app.ts";
import type { CommandContext, Outcome } from "./command.ts";
import { routes } from "./routes.ts";

/** What is left to print: a command's outcome, or the help text that was asked for. */
export type FrameworkResult = Outcome | { readonly help: string };

/**
 * Finds and runs the command. Arguments that nobody expected are not repeated in the error: one of
 * them may be a value that does not belong on a command line.
 */
export async function runFramework(app: App, args: readonly string[]): Promise<FrameworkResult> {
  const end = args.indexOf("--");
  const flags = args.slice(0, end === -1 ? undefined : end).filter((arg) => arg.startsWith("--"));
  // The framework looks names up in plain objects, where `constructor` and the like are found.
  if (flags.some((flag) => flag.slice(2).split("=", 1)[0]! in Object.prototype)) {
    return { error: usage("there is no such flag") };
  }
  let printed = "";
  let complaint = "";
  const process = {
    stdout: { write: (text: string) => void (printed += text) },
    stderr: { write: (text: string) => void (complaint += text) },
    exitCode: null as number | string | null,
  };
  const context: CommandContext & { process: typeof process } = {
    process,
    app,
    outcome: undefined,
  };
  await run(application, args, context);
  const { exitCode } = process;
  if (exitCode === ExitCode.InvalidArgument || exitCode === ExitCode.UnknownCommand) {
    return { error: usage(complaint.trim()) };
  }
  if (typeof exitCode === "number" && exitCode !== ExitCode.Success) {
    return { error: new Error("The command framework failed") };
  }
  return context.outcome ?? { help: printed };
}

/** The tree of commands with all that is said about it. */
export const application: Application<CommandContext> = buildApplication(routes, {
  name: "palyra",
  documentation: { disableAnsiColor: true, caseStyle: "original" },
  scanner: { caseStyle: "original", allowArgumentEscapeSequence: true },
  localization: {
    text: {
      ...text_en,
      exceptionWhileParsingArguments: (error) => explain(error as ArgumentScannerError),
      noCommandRegisteredForInput: ({ input, corrections }) =>
        input.startsWith("-")
          ? "there is no such flag before a command"
          : `there is no such command${meant(corrections)}`,
    },
  },
});

/**
 * What is wrong, without the argument itself. By class, and not by the name of a class, which is what the
 * framework's own formatter goes by: in the bundle names are others.
 */
function explain(error: ArgumentScannerError): string {
  if (error instanceof FlagNotFoundError) {
    return `there is no such flag${meant(error.corrections.map((name) => `--${name}`))}`;
  }
  if (error instanceof AliasNotFoundError) return "there is no such short flag";
  if (error instanceof ArgumentParseError) {
    return `the value of ${error.externalFlagNameOrPlaceholder} is not valid`;
  }
  if (error instanceof EnumValidationError) {
    return `--${error.externalFlagName} is one of ${error.values.join(", ")}`;
  }
  if (error instanceof InvalidNegatedFlagSyntaxError) {
    return `--${error.externalFlagName} takes no value`;
  }
  if (error instanceof UnexpectedFlagError) return `--${error.externalFlagName} was given twice`;
  if (error instanceof UnexpectedPositionalError) {
    const { expectedCount } = error;
    return expectedCount === 0
      ? "no argument was expected"
      : `more than ${expectedCount} arguments`;
  }
  if (error instanceof UnsatisfiedFlagError) return `--${error.externalFlagName} needs a value`;
  if (error instanceof UnsatisfiedPositionalError) {
    return `the argument ${error.placeholder.toUpperCase()} is missing`;
  }
  return "an argument is not as it must be";
}

function meant(corrections: readonly string[]): string {
  return corrections.length === 0
    ? ""
    : `; did you mean ${corrections.join(" or ").replaceAll("`", "")}?`;
}

function usage(complaint: string): PalyraError {
  return new PalyraError("usage", `Cannot read the command line: ${complaint}`, {
    hint: "palyra --help lists the commands, palyra COMMAND --help the flags",
  });
}
