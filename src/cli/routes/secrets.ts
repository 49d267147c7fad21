/** The commands under `palyra secrets`. */

import { buildCommand, buildRouteMap, type RouteMap } from "@stricli/core";
import { PROVIDER_TARGET, TARGETS } from "../../config/target.ts";
import type { ChangeFlags } from "../commands/configure_view.ts";
import type { SecretsConfigureFlags } from "../commands/secrets_configure.ts";
import type { SecretsDeleteFlags } from "../commands/secrets_delete.ts";
import type { SecretsGetFlags } from "../commands/secrets_get.ts";
import type { SecretsRollbackFlags } from "../commands/secrets_rollback.ts";
import type { SecretsSetFlags } from "../commands/secrets_set.ts";
import { type CommandContext, load, type NoFlags, optional, required } from "../command.ts";
import { namesInScope, references, scopes, targets } from "../candidates.ts";
import { flag, text } from "../flags.ts";
import { auditRoutes } from "./audit.ts";
import { importRoute } from "./import.ts";

type OneOrTwo = [string, string?];

const SECRET = {
  kind: "tuple",
  parameters: [
    required("ref", "SCOPE/NAME, or the scope alone", references),
    optional("name", "The name, when the scope stands alone", namesInScope),
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
    positional: { kind: "tuple", parameters: [optional("scope", "Only this scope", scopes)] },
  },
  docs: { brief: "List names, versions and dates; never values" },
});

const remove = buildCommand<SecretsDeleteFlags, OneOrTwo, CommandContext>({
  loader: load(async () => (await import("../commands/secrets_delete.ts")).secretsDelete),
  parameters: {
    flags: { force: flag("Also while the config refers to it") },
    positional: SECRET,
  },
  docs: {
    brief: "Delete a secret with all its versions",
    fullDescription: "Delete a secret with all its versions.\n" +
      "Refused while the config refers to it, unless forced.",
  },
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

const CHANGE_FLAGS = {
  "dry-run": flag("Tell what would be done, and write nothing"),
  backups: text("n", "Keep this many backups of the config (default 0)"),
  force: flag("With --backups: also when the backup would hold a secret"),
} as const;

const bind = buildCommand<SecretsConfigureFlags, string[], CommandContext>({
  loader: load(async () => (await import("../commands/secrets_configure.ts")).secretsConfigure),
  parameters: {
    flags: {
      field: text("field", "The field, instead of a target"),
      "value-stdin": flag("Read the value from standard input (default when that is no terminal)"),
      "from-file": text("file", "Read the value from a file"),
      generate: flag("Make a random value, in the form that the field wants"),
      bytes: text("n", "Random bytes of --generate (8 to 65536, default 32)"),
      raw: flag("Keep every byte: do not drop one line end"),
      "no-value": flag("Only bind: the secret is there already"),
      "if-absent": flag("Keep the secret that is there already, and bind it"),
      "expires-in": text("duration", "Lifetime, as in 90s, 15m, 12h, 30d"),
      ...CHANGE_FLAGS,
    },
    positional: {
      kind: "array",
      parameter: required("argument", "TARGET and REF, or TARGET, SCOPE and NAME", targets),
    },
  },
  docs: {
    brief: "Store a secret and point the config at it, as one change",
    fullDescription: [
      "Store a secret and point the config at it, as one change.",
      `Targets: ${Object.keys(TARGETS).join(", ")}, ${PROVIDER_TARGET}ID.`,
      "With --field FIELD any field of the config; then no target is given.",
    ].join("\n"),
  },
});

const applyManifest = buildCommand<ChangeFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/configure_apply.ts")).configureApply),
  parameters: {
    flags: CHANGE_FLAGS,
    positional: { kind: "tuple", parameters: [required("manifest", "A TOML file, see docs")] },
  },
  docs: { brief: "Store and bind what a manifest lists: all of it or nothing" },
});

const configure = buildRouteMap({
  routes: { apply: applyManifest, bind },
  defaultCommand: "bind",
  docs: {
    brief: "Store a secret and point the config at it, as one change",
    fullDescription: [
      "Store a secret and point the config at it, as one change.",
      "palyra secrets configure TARGET SCOPE NAME is short for palyra secrets configure bind …",
    ].join("\n"),
  },
});

/** `palyra secrets …` */
export const secretsRoutes: RouteMap<CommandContext> = buildRouteMap({
  routes: {
    set,
    get,
    list,
    delete: remove,
    history,
    rollback,
    configure,
    ...auditRoutes,
    import: importRoute,
  },
  docs: { brief: "Store, read and manage secrets" },
});
