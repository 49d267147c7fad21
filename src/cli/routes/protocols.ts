/** The commands under `palyra helper`. */

import { buildCommand, buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import type { App } from "../app.ts";
import { oneOf } from "../candidates.ts";
import { type CommandContext, load, type NoFlags, required } from "../command.ts";
import type { CheckFlags, InstallFlags, UninstallFlags } from "../commands/clients.ts";
import { CLIENTS } from "../clients/client.ts";
import { flag, text } from "../flags.ts";
import { PROTOCOLS } from "../protocols/known.ts";

/** Other programs go the short way: this is for help, and for people who try it. */
function protocolCommand(name: string, brief: string): Command<CommandContext> {
  return buildCommand<NoFlags, string[], CommandContext>({
    loader: load(async () => {
      const { serve } = await import("../protocols/serve.ts");
      return (app: App, _flags: NoFlags, ...args: string[]) => serve(app, name, args);
    }),
    parameters: {
      positional: {
        kind: "array",
        parameter: required("argument", "What the other program gives", oneOf([])),
      },
    },
    docs: {
      brief: `For ${brief}`,
      fullDescription: `For ${brief}.\n` +
        `Gives what [helper.${name}] of the config names, and nothing else.`,
    },
  });
}

const list = buildCommand<NoFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/protocols.ts")).helperList),
  parameters: {},
  docs: { brief: "The protocols that palyra speaks, and what the config gives to each" },
});

const explain = buildCommand<NoFlags, [string, string, string?], CommandContext>({
  loader: load(async () => (await import("../commands/protocols.ts")).helperExplain),
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [
        required("protocol", "One of palyra helper list", oneOf(Object.keys(PROTOCOLS))),
        required("address", "What the other program would ask for"),
        {
          placeholder: "username",
          brief: "The user name that it would ask for",
          parse: String,
          optional: true,
        },
      ],
    },
  },
  docs: { brief: "Which reference an address would get, and why; no value" },
});

const DIR = text("dir", "Where the wrapper stands; by default where the client looks for it");
const LABEL = text("label", "What a client that names nothing is given; by default its own name");
const CLIENT = required(
  "client",
  "git, docker, openclaw, aws and others",
  oneOf(Object.keys(CLIENTS)),
);

const install = buildCommand<InstallFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/clients.ts")).helperInstall),
  parameters: {
    flags: {
      dir: DIR,
      label: LABEL,
      write: flag("Tell the client as well: git, docker, openclaw, claude"),
      "dry-run": flag("Print what would be written"),
    },
    positional: { kind: "tuple", parameters: [CLIENT] },
  },
  docs: {
    brief: "Write the small program that a client runs, and print what the client has to be told",
    fullDescription:
      "Write the small program that a client runs, and print what the client has to be told.\n" +
      "It works without any environment, with this state root and this config.",
  },
});

const uninstall = buildCommand<UninstallFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/clients.ts")).helperUninstall),
  parameters: { flags: { dir: DIR }, positional: { kind: "tuple", parameters: [CLIENT] } },
  docs: { brief: "Remove what helper install has written" },
});

const check = buildCommand<CheckFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/clients.ts")).helperCheck),
  parameters: {
    flags: { dir: DIR, label: LABEL },
    positional: { kind: "tuple", parameters: [CLIENT] },
  },
  docs: { brief: "Look at the wrapper as its client does, ask it once, and say what to mend" },
});

/** `palyra helper …` */
export const protocolRoutes: RouteMap<CommandContext> = buildRouteMap({
  routes: {
    list,
    explain,
    install,
    uninstall,
    check,
    ...Object.fromEntries(
      Object.entries(PROTOCOLS).map(([name, { brief }]) => [name, protocolCommand(name, brief)]),
    ),
  },
  docs: { brief: "Give secrets to other programs, each in its own protocol" },
});
