/** The commands under `palyra config`. */

import { buildCommand, buildRouteMap, type RouteMap } from "@stricli/core";
import type { ConfigSetFlags, ConfigValidateFlags } from "../commands/config_file.ts";
import { type CommandContext, load, type NoFlags, optional, required } from "../command.ts";
import { flag } from "../flags.ts";

const FIELD = required("field", "A field, as in admin.auth_token or a.list[key=x].b");
const PATH = optional("path", "Another config than the one that is found");

const path = buildCommand<NoFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/config_file.ts")).configPath),
  parameters: {},
  docs: { brief: "Print where the config is, or would be made" },
});

const get = buildCommand<NoFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/config_file.ts")).configGet),
  parameters: { positional: { kind: "tuple", parameters: [FIELD] } },
  docs: { brief: "Print a value of the config; secrets in it are not shown" },
});

const set = buildCommand<ConfigSetFlags, [string, string], CommandContext>({
  loader: load(async () => (await import("../commands/config_file.ts")).configSet),
  parameters: {
    flags: { string: flag("Take the value as a text, even if it looks like a number") },
    positional: {
      kind: "tuple",
      parameters: [FIELD, required("value", "A TOML value, or a bare text; never a secret")],
    },
  },
  docs: { brief: "Set a value of the config; comments and layout stay" },
});

const unset = buildCommand<NoFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/config_file.ts")).configUnset),
  parameters: { positional: { kind: "tuple", parameters: [FIELD] } },
  docs: { brief: "Remove a value from the config" },
});

const validate = buildCommand<ConfigValidateFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/config_file.ts")).configValidate),
  parameters: { flags: { strict: flag("Fail on unknown keys as well") } },
  docs: { brief: "Tell what is wrong or unknown in the config, with line and column" },
});

const trust = buildCommand<NoFlags, [string?], CommandContext>({
  loader: load(async () => (await import("../commands/config_file.ts")).configTrust),
  parameters: { positional: { kind: "tuple", parameters: [PATH] } },
  docs: { brief: "Trust the config that stands here, with exactly this text" },
});

const untrust = buildCommand<NoFlags, [string?], CommandContext>({
  loader: load(async () => (await import("../commands/config_file.ts")).configUntrust),
  parameters: { positional: { kind: "tuple", parameters: [PATH] } },
  docs: { brief: "Forget the trust in a config" },
});

/** `palyra config …` */
export const configRoutes: RouteMap<CommandContext> = buildRouteMap({
  routes: { path, get, set, unset, validate, trust, untrust },
  docs: { brief: "Read and change palyra.toml" },
});
