/** The commands under `palyra vault`. */

import { buildCommand, buildRouteMap, type RouteMap } from "@stricli/core";
import type { VaultCheckFlags } from "../commands/vault_check.ts";
import { scopes } from "../candidates.ts";
import { type CommandContext, load, type NoFlags, required } from "../command.ts";

const status = buildCommand<NoFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/vault_status.ts")).vaultStatusCommand),
  parameters: {},
  docs: { brief: "Which vault this is, what keeps its key, how much is in it" },
});

const check = buildCommand<VaultCheckFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/vault_check.ts")).vaultCheck),
  parameters: {
    flags: {
      repair: {
        kind: "boolean",
        optional: true,
        withNegated: false,
        brief: "Remove what interrupted writers left; never what cannot be opened",
      },
      strict: {
        kind: "boolean",
        optional: true,
        withNegated: false,
        brief: "Exit 10 when anything was left behind",
      },
    },
  },
  docs: { brief: "Open every version of every secret" },
});

const kek = buildCommand<NoFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/vault_rotate.ts")).vaultRotateKek),
  parameters: {},
  docs: { brief: "Make a new KEK and vault key, and wrap every scope key anew" },
});

const scope = buildCommand<NoFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/vault_rotate.ts")).vaultRotateScope),
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [required("scope", "The scope whose key is rotated", scopes)],
    },
  },
  docs: { brief: "Make a new key for one scope, and wrap every key under it anew" },
});

/** `palyra vault …` */
export const vaultRoutes: RouteMap<CommandContext> = buildRouteMap({
  routes: {
    status,
    check,
    rotate: buildRouteMap({ routes: { kek, scope }, docs: { brief: "Rotate keys: kek or scope" } }),
  },
  docs: { brief: "Look after the vault and its keys" },
});
