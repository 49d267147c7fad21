/** The commands under `palyra secrets`. */

import { buildCommand, buildRouteMap, type RouteMap } from "@stricli/core";
import type { SecretsGetFlags } from "../commands/secrets_get.ts";
import type { SecretsRollbackFlags } from "../commands/secrets_rollback.ts";
import type { SecretsSetFlags } from "../commands/secrets_set.ts";
import { type CommandContext, load, type NoFlags, optional, required } from "../command.ts";

type OneOrTwo = [string, string?];

const SECRET = {
  kind: "tuple",
  parameters: [
    required("ref", "SCOPE/NAME, or the scope alone"),
    optional("name", "The name, when the scope stands alone"),
  ],
} as const;

const set = buildCommand<SecretsSetFlags, OneOrTwo, CommandContext>({
  loader: load(async () => (await import("../commands/secrets_set.ts")).secretsSet),
  parameters: {
    flags: {
      "value-stdin": flag("Read the value from standard input (default when that is no terminal)"),
      "from-file": text("file", "Read the value from a file"),
      generate: flag("Make a random value, base64url"),
      bytes: text("n", "Random bytes of --generate (8 to 65536, default 32)"),
      raw: flag("Keep every byte: do not drop one line end"),
      "if-absent": flag("Keep what is there already"),
      "if-version": text("n", "Only if the current version is n; 0: only if there is none"),
      "expires-in": text("duration", "Lifetime, as in 90s, 15m, 12h, 30d"),
    },
    positional: SECRET,
  },
  docs: {
    brief: "Store a value",
    fullDescription: "Store a value as a new version.\n" +
      "The value comes from standard input, a file, a generator, or a hidden prompt; never from an argument.\n" +
      "The same value again changes nothing.",
  },
});

const get = buildCommand<SecretsGetFlags, OneOrTwo, CommandContext>({
  loader: load(async () => (await import("../commands/secrets_get.ts")).secretsGet),
  parameters: {
    flags: { reveal: flag("Print the value: its exact bytes") },
    positional: SECRET,
  },
  docs: { brief: "Show a secret's version and dates, or its value with --reveal" },
});

const list = buildCommand<NoFlags, [string?], CommandContext>({
  loader: load(async () => (await import("../commands/secrets_list.ts")).secretsList),
  parameters: {
    positional: { kind: "tuple", parameters: [optional("scope", "Only this scope")] },
  },
  docs: { brief: "List names, versions and dates; never values" },
});

const remove = buildCommand<NoFlags, OneOrTwo, CommandContext>({
  loader: load(async () => (await import("../commands/secrets_delete.ts")).secretsDelete),
  parameters: { positional: SECRET },
  docs: { brief: "Delete a secret with all its versions" },
});

const history = buildCommand<NoFlags, OneOrTwo, CommandContext>({
  loader: load(async () => (await import("../commands/secrets_history.ts")).secretsHistory),
  parameters: { positional: SECRET },
  docs: { brief: "List the versions of a secret (the last 10 are kept)" },
});

const rollback = buildCommand<SecretsRollbackFlags, OneOrTwo, CommandContext>({
  loader: load(async () => (await import("../commands/secrets_rollback.ts")).secretsRollback),
  parameters: {
    flags: { to: text("n", "The version whose value becomes current again") },
    positional: SECRET,
  },
  docs: { brief: "Store the value of an old version as a new version" },
});

/** `palyra secrets …` */
export const secretsRoutes: RouteMap<CommandContext> = buildRouteMap({
  routes: { set, get, list, delete: remove, history, rollback },
  docs: { brief: "Store, read and manage secrets" },
});

interface SwitchFlag {
  readonly kind: "boolean";
  readonly optional: true;
  readonly withNegated: false;
  readonly brief: string;
}

function flag(brief: string): SwitchFlag {
  return { kind: "boolean", optional: true, withNegated: false, brief };
}

interface TextFlag {
  readonly kind: "parsed";
  readonly parse: (text: string) => string;
  readonly optional: true;
  readonly placeholder: string;
  readonly brief: string;
}

function text(placeholder: string, brief: string): TextFlag {
  return { kind: "parsed", parse: String, optional: true, placeholder, brief };
}
