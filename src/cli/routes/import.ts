/** `palyra secrets import`. */

import { buildCommand, type Command } from "@stricli/core";
import { type CommandContext, load, required } from "../command.ts";
import type { SecretsImportFlags } from "../commands/secrets_import.ts";
import { scopes } from "../candidates.ts";
import { flag, text } from "../flags.ts";

/** To be put among the other commands under `palyra secrets`. */
export const importRoute: Command<CommandContext> = buildCommand<
  SecretsImportFlags,
  string[],
  CommandContext
>({
  loader: load(async () => (await import("../commands/secrets_import.ts")).secretsImport),
  parameters: {
    flags: {
      from: {
        kind: "enum",
        values: ["dotenv", "json", "env", "pass"],
        brief: "What is read: a file, this process's environment, or the password store",
      },
      scope: text("scope", "Where it is stored", scopes),
      dialect: {
        kind: "enum",
        values: ["dotenv", "dotenvx", "node", "deno", "docker"],
        optional: true,
        brief: "Who reads the dotenv file, where readers do not agree",
      },
      lines: {
        kind: "enum",
        values: ["first", "all"],
        optional: true,
        brief: "Of an entry of pass with several lines",
      },
      plan: flag("Tell what would be done, and write nothing"),
      replace: flag("Also where another value is stored: it becomes a new version"),
      scrub: flag("When all is stored and read back, take it out of the source"),
    },
    positional: {
      kind: "array",
      parameter: required("source", "The file or directory, then the entries wanted; env: names"),
    },
  },
  docs: {
    brief: "Store what a dotenv or JSON file, the environment, or pass holds",
    fullDescription: "Store what a dotenv or JSON file, the environment, or pass holds.\n" +
      "Everything is stored and read back before --scrub puts references in its place.",
  },
});
