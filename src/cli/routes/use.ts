/** The commands that put values to use: `run`, `inject`, `redact`. */

import { buildCommand } from "@stricli/core";
import { oneOf, references } from "../candidates.ts";
import { type CommandContext, load, type NoFlags, required } from "../command.ts";
import type { InjectFlags } from "../commands/inject.ts";
import type { RunFlags } from "../commands/run.ts";
import { flag, text, texts } from "../flags.ts";

/** `palyra run` */
export const run = buildCommand<RunFlags, string[], CommandContext>({
  loader: load(async () => (await import("../commands/run.ts")).runCommand),
  parameters: {
    flags: {
      env: texts("name=ref", "Set a variable to the value of a reference", references),
      all: flag("Set a variable for every reference in the config"),
      only: texts("name", "Of environment, config and env file, only this reference"),
      "env-file": text("file", "Set the variables of a dotenv file"),
      "clean-env": flag("Inherit no variable"),
      "keep-palyra-env": flag("Do not take away PALYRA_… variables"),
      mask: flag("Replace the values in the command's output"),
    },
    positional: {
      kind: "array",
      parameter: required("command", "The command and its arguments, behind --", oneOf([])),
    },
  },
  docs: {
    customUsage: ["[FLAGS] -- COMMAND [ARGUMENT]..."],
    brief: "Run a command with values in its environment",
    fullDescription: "Run a command with values in its environment.\n" +
      "Variables whose value is a reference, vault://…, get the value that it stands for. All values\n" +
      "are read before the command starts; if one cannot be, nothing starts, and the status is 125.",
  },
});

/** `palyra inject` */
export const inject = buildCommand<InjectFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/inject.ts")).inject),
  parameters: {
    flags: {
      in: text("file", "The template; without it standard input"),
      out: text("file", "Write to a file of mode 0600 in one step, instead of standard output"),
    },
    aliases: { i: "in", o: "out" },
  },
  docs: {
    brief: "Fill values into a template",
    fullDescription: "Fill values into a template: {{ vault://SCOPE/NAME }} in any text.\n" +
      "If one cannot be read, nothing is written.",
  },
});

/** `palyra redact` */
export const redact = buildCommand<NoFlags, string[], CommandContext>({
  loader: load(async () => (await import("../commands/redact.ts")).redact),
  parameters: {
    positional: {
      kind: "array",
      parameter: required("ref", "SCOPE/NAME or another reference", references),
      minimum: 1,
    },
  },
  docs: {
    brief: "Pass standard input on, without the values of references",
    fullDescription:
      "Pass standard input on, without the values of references, in any of the forms\n" +
      "that programs commonly give them.",
  },
});
