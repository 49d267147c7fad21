/** The commands under `palyra auth openai` and `palyra auth anthropic`: those of `auth`, for one provider. */

import { buildCommand, buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import type { KeyProvider } from "../../auth/key_check.ts";
import { parseProvider } from "../../auth/provider.ts";
import type { App } from "../app.ts";
import { type CommandContext, load, type NoFlags, required } from "../command.ts";
import type { ApiKeyFlags } from "../commands/auth_api_key.ts";
import type {
  OAuthStartFlags,
  OAuthStateFlags,
  ReconnectFlags,
} from "../commands/auth_attempts.ts";
import type { ProviderProfile } from "../commands/auth_provider.ts";
import { flag, text } from "../flags.ts";
import type { View } from "../view.ts";
import { CLIENT, MADE, SERVER } from "./login_flags.ts";

const OPENAI = parseProvider("openai");
const REDIRECT = text("url", "The address of this machine that the client is registered with");
const ID = required("profile", "The id of the profile");

function apiKeyOf(kind: KeyProvider): Command<CommandContext> {
  return buildCommand<ApiKeyFlags, [], CommandContext>({
    loader: load(async () => {
      const { authApiKey } = await import("../commands/auth_api_key.ts");
      return (app: App, flags: ApiKeyFlags) => authApiKey(app, flags, kind);
    }),
    parameters: {
      flags: {
        ...MADE,
        "base-url": text("url", "Where the provider is asked, in place of its own address"),
        "value-stdin": flag("Read the key from standard input"),
        "from-file": text("file", "Read the key from a file"),
      },
    },
    docs: {
      brief: "Store a key that the provider takes, and a profile that names it",
      fullDescription: "Store a key that the provider takes, and a profile that names it.\n" +
        "The provider is asked for its models with it; nothing is stored before it has answered.",
    },
  });
}

function statusOf(kind: KeyProvider): Command<CommandContext> {
  return buildCommand<NoFlags, [], CommandContext>({
    loader: load(async () => {
      const { providerStatus } = await import("../commands/auth_provider.ts");
      return (app: App) => providerStatus(app, parseProvider(kind));
    }),
    parameters: {},
    docs: { brief: "The profiles, how they are, and which of them the config names" },
  });
}

type ProfileCommand = "useProfile" | "providerRefresh" | "providerRevoke";

function profileCommand(
  kind: KeyProvider,
  name: ProfileCommand,
  brief: string,
): Command<CommandContext> {
  return buildCommand<NoFlags, [string], CommandContext>({
    loader: load(async () => {
      const commands: Record<ProfileCommand, (app: App, one: ProviderProfile) => Promise<View>> =
        await import("../commands/auth_provider.ts");
      return (app: App, _flags: NoFlags, id: string) =>
        commands[name](app, { provider: parseProvider(kind), id });
    }),
    parameters: { positional: { kind: "tuple", parameters: [ID] } },
    docs: { brief },
  });
}

const USE = "Name a profile in the config as the one to ask model providers with";

const oauthStart = buildCommand<OAuthStartFlags, [], CommandContext>({
  loader: load(async () => {
    const commands = await import("../commands/auth_attempts.ts");
    return (app: App, flags: OAuthStartFlags) => commands.oauthStart(app, flags, OPENAI);
  }),
  parameters: { flags: { ...SERVER, ...CLIENT, ...MADE, "redirect-uri": REDIRECT } },
  docs: {
    brief: "Begin a login by a browser, which oauth-state ends",
    fullDescription: "Begin a login by a browser, which oauth-state ends.\n" +
      "Prints the address where a person logs in, and the id of the attempt; it is kept sealed for ten\n" +
      "minutes.",
  },
});

const oauthState = buildCommand<OAuthStateFlags, [string], CommandContext>({
  loader: load(async () => {
    const commands = await import("../commands/auth_attempts.ts");
    return (app: App, flags: OAuthStateFlags, id: string) =>
      commands.oauthState(app, flags, { provider: OPENAI, id });
  }),
  parameters: {
    flags: {
      "answer-stdin": flag("Read the address that the browser came to, and end the login"),
    },
    positional: {
      kind: "tuple",
      parameters: [required("attempt", "The id that oauth-start has printed")],
    },
  },
  docs: { brief: "What has become of a login that oauth-start began; end it with its answer" },
});

const reconnect = buildCommand<ReconnectFlags, [string], CommandContext>({
  loader: load(async () => {
    const commands = await import("../commands/auth_attempts.ts");
    return (app: App, flags: ReconnectFlags, id: string) =>
      commands.reconnect(app, flags, { provider: OPENAI, id });
  }),
  parameters: {
    flags: {
      "authorization-endpoint": SERVER["authorization-endpoint"],
      "oauth-scope": CLIENT["oauth-scope"],
      "redirect-uri": REDIRECT,
    },
    positional: { kind: "tuple", parameters: [ID] },
  },
  docs: { brief: "Begin the login of a profile anew, with its client, at its server" },
});

/** `palyra auth openai …` */
export const openaiRoutes: RouteMap<CommandContext> = buildRouteMap({
  routes: {
    "api-key": apiKeyOf("openai"),
    "oauth-start": oauthStart,
    "oauth-state": oauthState,
    reconnect,
    refresh: profileCommand("openai", "providerRefresh", "Ask the server for new tokens now"),
    revoke: profileCommand(
      "openai",
      "providerRevoke",
      "Tell the provider that a login is over, then forget profile and tokens",
    ),
    "use-profile": profileCommand("openai", "useProfile", USE),
    status: statusOf("openai"),
  },
  docs: { brief: "Keys and logins of OpenAI" },
});

/** `palyra auth anthropic …` */
export const anthropicRoutes: RouteMap<CommandContext> = buildRouteMap({
  routes: {
    "api-key": apiKeyOf("anthropic"),
    "use-profile": profileCommand("anthropic", "useProfile", USE),
    status: statusOf("anthropic"),
  },
  docs: { brief: "Keys of Anthropic" },
});
