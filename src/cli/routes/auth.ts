/** The commands under `palyra auth`. */

import { buildCommand, buildRouteMap, type RouteMap } from "@stricli/core";
import { CLIENT_AUTHENTICATIONS } from "../../auth/profile.ts";
import { PROVIDERS } from "../../auth/provider.ts";
import { oneOf, references } from "../candidates.ts";
import { type CommandContext, load, type NoFlags, optional, required } from "../command.ts";
import type { ProfilesListFlags, ProfilesSetFlags } from "../commands/auth_profiles.ts";
import type { AuthLoginFlags } from "../commands/auth_login.ts";
import type { AuthTokenFlags } from "../commands/auth_token.ts";
import type { ProfilesAuditFlags, ProfilesDoctorFlags } from "../commands/auth_diagnosis.ts";
import type { ExplainFlags, HealthFlags, OrderFlags } from "../commands/auth_selection.ts";
import { flag, text, texts } from "../flags.ts";
import { anthropicRoutes, openaiRoutes } from "./auth_provider.ts";
import { CLIENT, MADE, SERVER } from "./login_flags.ts";

const provider = text("name", "openai, anthropic, …, or custom:NAME", oneOf(PROVIDERS));
const agent = text("id", "As this agent sees them: its own and those for everybody");
const id = required("profile", "The id of the profile");

const list = buildCommand<ProfilesListFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/auth_profiles.ts")).profilesList),
  parameters: {
    flags: { provider, scope: text("scope", "global or agent:ID"), agent },
  },
  docs: { brief: "The profiles, and how each of them is" },
});

const show = buildCommand<NoFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/auth_profiles.ts")).profilesShow),
  parameters: { positional: { kind: "tuple", parameters: [id] } },
  docs: { brief: "One profile, and where its secrets are" },
});

const set = buildCommand<ProfilesSetFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/auth_profiles.ts")).profilesSet),
  parameters: {
    flags: {
      provider,
      name: text("text", "What people call it; without it its id"),
      scope: text("scope", "Who may use it: global, or agent:ID"),
      "api-key-ref": text("ref", "SCOPE/NAME of a key", references),
      "tokens-ref": text("ref", "SCOPE/NAME of a token set", references),
      "client-id": text("id", "Of the OAuth client"),
      "client-secret-ref": text("ref", "SCOPE/NAME of the client's secret", references),
      "token-endpoint": text("url", "Where tokens are refreshed"),
      "revocation-endpoint": text("url", "Where tokens are revoked"),
      issuer: text("url", "The authorization server"),
      "token-endpoint-auth-method": text(
        "method",
        `How the client shows its secret: ${CLIENT_AUTHENTICATIONS.join(" or ")}`,
        oneOf(CLIENT_AUTHENTICATIONS),
      ),
      "oauth-scope": texts("scope", "A scope to ask for; again and again"),
      enable: flag("Let it be used"),
      disable: flag("Keep it, and let nobody use it"),
    },
    positional: { kind: "tuple", parameters: [id] },
  },
  docs: {
    brief: "Make a profile, or change what is named of it",
    fullDescription: "Make a profile, or change what is named of it.\n" +
      "The values stay in the vault: a profile holds references.",
  },
});

const remove = buildCommand<NoFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/auth_profiles.ts")).profilesDelete),
  parameters: { positional: { kind: "tuple", parameters: [id] } },
  docs: { brief: "Remove a profile, and the secrets that palyra stored for it alone" },
});

const health = buildCommand<HealthFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/auth_selection.ts")).profilesHealth),
  parameters: { flags: { agent, "include-profiles": flag("Each profile as well") } },
  docs: { brief: "How many profiles are good, about to end, refused; changes nothing" },
});

const diagnose = buildCommand<ProfilesDoctorFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/auth_diagnosis.ts")).profilesDoctor),
  parameters: { flags: { agent, strict: flag("Exit 10 for warnings, too") } },
  docs: { brief: "What is wrong with each profile, and what to do; asks nobody" },
});

const audit = buildCommand<ProfilesAuditFlags, [], CommandContext>({
  loader: load(async () => (await import("../commands/auth_diagnosis.ts")).profilesAudit),
  parameters: { flags: { provider, agent, strict: flag("Exit 10 for warnings") } },
  docs: { brief: "What is written down of profiles, and what belongs to none of them" },
});

const orderSet = buildCommand<OrderFlags, string[], CommandContext>({
  loader: load(async () => (await import("../commands/auth_selection.ts")).profilesOrderSet),
  parameters: {
    flags: { provider, agent: text("id", "The order of this agent, not that for everybody") },
    positional: {
      kind: "array",
      parameter: required("profile", "Ids, the first one first; none clears the order"),
    },
  },
  docs: { brief: "Say in which order profiles are tried" },
});

const explain = buildCommand<ExplainFlags, [], CommandContext>({
  loader: load(async () =>
    (await import("../commands/auth_selection.ts")).profilesExplainSelection
  ),
  parameters: {
    flags: {
      provider,
      agent,
      profile: texts("id", "Only these, in this order; again and again"),
      credential: texts("type", "Only api_key or oauth", oneOf(["api_key", "oauth"])),
      deny: texts("id", "Not this one; again and again"),
    },
  },
  docs: { brief: "Which profile would be used, and why each of the others would not" },
});

const cooldownClear = buildCommand<NoFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/auth_selection.ts")).profilesCooldownClear),
  parameters: { positional: { kind: "tuple", parameters: [id] } },
  docs: { brief: "Let a profile that rests after failures be used at once" },
});

const token = buildCommand<AuthTokenFlags, [string?], CommandContext>({
  loader: load(async () => (await import("../commands/auth_token.ts")).authToken),
  parameters: {
    flags: {
      provider: text("name", "In place of a profile: the one to use now", oneOf(PROVIDERS)),
      agent: text("id", "For this agent: its own profiles as well"),
      "min-ttl": text("duration", "How long it must be good for: 5m"),
    },
    positional: {
      kind: "tuple",
      parameters: [optional("profile", "The id of the profile")],
    },
  },
  docs: {
    brief: "Print a key, or a token that is good now; it is refreshed where it has to be",
    fullDescription:
      "Print a key, or a token that is good now; it is refreshed where it has to be.\n" +
      "Of many processes that need one at a time, one asks the server.",
  },
});

const refresh = buildCommand<NoFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/auth_token.ts")).authRefresh),
  parameters: { positional: { kind: "tuple", parameters: [id] } },
  docs: { brief: "Ask the server for new tokens now" },
});

const login = buildCommand<AuthLoginFlags, [string?], CommandContext>({
  loader: load(async () => (await import("../commands/auth_login.ts")).authLogin),
  parameters: {
    flags: {
      ...SERVER,
      "device-endpoint": text("url", "Where codes are given; with --token-endpoint"),
      ...CLIENT,
      ...MADE,
      browser: flag("By a browser on this machine"),
      "device-code": flag("By a code that is typed on another device"),
      paste: flag("By a browser anywhere, whose last address is pasted"),
      port: text("number", "Where the browser comes back; any that is free"),
    },
    positional: {
      kind: "tuple",
      parameters: [
        optional("provider", "github, google, azure, openai, or custom:NAME", oneOf(PROVIDERS)),
      ],
    },
  },
  docs: {
    brief: "Log in at a provider, and keep its tokens in the vault",
    fullDescription: "Log in at a provider, and keep its tokens in the vault.\n" +
      "By a browser where there is a screen, else by a code, where the provider offers that, or by\n" +
      "pasting an address. Nothing is stored before the provider has given tokens.",
  },
});

const revoke = buildCommand<NoFlags, [string], CommandContext>({
  loader: load(async () => (await import("../commands/auth_revoke.ts")).authRevoke),
  parameters: { positional: { kind: "tuple", parameters: [id] } },
  docs: { brief: "Tell the provider that a login is over, then forget profile and tokens" },
});

/** `palyra auth …` */
export const authRoutes: RouteMap<CommandContext> = buildRouteMap({
  routes: {
    login,
    token,
    refresh,
    revoke,
    openai: openaiRoutes,
    anthropic: anthropicRoutes,
    profiles: buildRouteMap({
      routes: {
        list,
        show,
        set,
        delete: remove,
        health,
        doctor: diagnose,
        audit,
        "order-set": orderSet,
        "explain-selection": explain,
        "cooldown-clear": cooldownClear,
      },
      docs: { brief: "Which credential of which provider is used, and how each of them is" },
    }),
  },
  docs: { brief: "Credentials of providers: keys, and tokens that are refreshed" },
});
