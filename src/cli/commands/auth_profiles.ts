/** `palyra auth profiles list`, `show`, `set` and `delete`. */

import {
  type AuthProfile,
  CLIENT_AUTHENTICATIONS,
  type ClientAuthentication,
  isVisible,
  parseAgentId,
  parseEndpoint,
  parseProfileId,
  parseProfileScope,
  refsOf,
} from "../../auth/profile.ts";
import { changeProfiles } from "../../auth/profiles_file.ts";
import { parseProvider } from "../../auth/provider.ts";
import { PalyraError } from "../../errors.ts";
import { formatSecretId, parseSecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { knownProfiles, pathsOf, profilesOf, requireProfile } from "../auth/profiles.ts";
import { type RemovedProfile, removeProfile } from "../auth/remove_profile.ts";
import { healthJson, healthLine, healthOfAll } from "../auth/told.ts";
import { shown } from "../shown.ts";
import type { ListView, RecordView } from "../view.ts";

/** Flags of `auth profiles list`. */
export interface ProfilesListFlags {
  readonly provider?: string | undefined;
  readonly scope?: string | undefined;
  readonly agent?: string | undefined;
}

/** Flags of `auth profiles set`. */
export interface ProfilesSetFlags {
  readonly provider?: string | undefined;
  readonly name?: string | undefined;
  readonly scope?: string | undefined;
  readonly "api-key-ref"?: string | undefined;
  readonly "tokens-ref"?: string | undefined;
  readonly "client-id"?: string | undefined;
  readonly "client-secret-ref"?: string | undefined;
  readonly "token-endpoint"?: string | undefined;
  readonly "revocation-endpoint"?: string | undefined;
  readonly issuer?: string | undefined;
  readonly "token-endpoint-auth-method"?: string | undefined;
  readonly "oauth-scope"?: readonly string[] | undefined;
  readonly disable?: boolean | undefined;
  readonly enable?: boolean | undefined;
}

/** All profiles that are asked for, with how they are. */
export async function profilesList(app: App, flags: ProfilesListFlags): Promise<ListView> {
  const provider = flags.provider === undefined ? undefined : parseProvider(flags.provider);
  const scope = flags.scope === undefined ? undefined : parseProfileScope(flags.scope);
  const agent = parseAgentId(flags.agent);
  const known = await knownProfiles(app);
  const listed = [...known.profiles.values()].filter((profile) =>
    (provider === undefined || profile.provider === provider) &&
    (scope === undefined || profile.scope === scope) &&
    (agent === undefined || isVisible(profile, agent))
  ).sort((a, b) => a.profileId < b.profileId ? -1 : 1);
  const healths = healthOfAll(known, listed);
  return {
    kind: "list",
    field: "profiles",
    items: healths.map(healthJson),
    text: healths.map(healthLine).join("\n") || "no profiles",
  };
}

/** One profile: what it is, how it is, and where its secrets are. */
export async function profilesShow(
  app: App,
  _flags: Readonly<Record<never, never>>,
  id: string,
): Promise<RecordView> {
  const known = await knownProfiles(app);
  const profile = requireProfile(known.profiles, id);
  const [health] = healthOfAll(known, [profile]);
  const record = known.state.records.get(profile.profileId);
  return {
    kind: "record",
    json: {
      ...healthJson(health!),
      secrets: refsOf(profile),
      failures: record?.failures ?? 0,
      ...(record?.failure === undefined ? {} : { failure: record.failure }),
      ...(record?.cooldownUntil === undefined
        ? {}
        : { cooldown_until: new Date(record.cooldownUntil).toISOString() }),
    },
    text: [
      `profile   ${profile.profileId}, ${shown(profile.profileName)}`,
      `provider  ${profile.provider}`,
      `scope     ${profile.scope}`,
      `state     ${health!.state}: ${health!.reason}`,
      ...refsOf(profile).map((ref) => `secret    ${ref}`),
    ].join("\n"),
  };
}

/** Makes a profile, or changes what is named of it. */
export async function profilesSet(
  app: App,
  flags: ProfilesSetFlags,
  text: string,
): Promise<RecordView> {
  const id = parseProfileId(text);
  if (flags.enable && flags.disable) {
    throw new PalyraError("usage", "Cannot use --enable and --disable together");
  }
  const { platform, stateRoot } = app;
  profileOf(flags, id, (await profilesOf(app)).get(id)); // what cannot be stored makes nothing
  platform.directories.ensure(stateRoot);
  let changed = false;
  await changeProfiles(platform, pathsOf(app), (profiles) => {
    const before = profiles.get(id);
    const after = profileOf(flags, id, before);
    changed = JSON.stringify(before) !== JSON.stringify(after);
    return new Map([[id, after]]);
  });
  return {
    kind: "record",
    json: { changed, profile_id: id },
    text: `${changed ? "stored" : "unchanged"}  ${id}`,
  };
}

/** Removes a profile, its place in orders, and the secrets that only it has had. */
export async function profilesDelete(
  app: App,
  _flags: Readonly<Record<never, never>>,
  text: string,
): Promise<RecordView> {
  const id = parseProfileId(text);
  return removedView(id, await removeProfile(app, id));
}

/** What is told of a profile that is gone. */
export function removedView(id: string, { removed, kept }: RemovedProfile): RecordView {
  return {
    kind: "record",
    json: { deleted: true, profile_id: id, secrets: removed, kept },
    text: [
      `deleted  ${id}`,
      ...removed.map((ref) => `deleted  ${ref}`),
      ...kept.map((ref) => `kept     ${ref}: palyra secrets delete removes it`),
    ].join("\n"),
  };
}

function profileOf(
  flags: ProfilesSetFlags,
  profileId: AuthProfile["profileId"],
  before: AuthProfile | undefined,
): AuthProfile {
  const provider = flags.provider ?? before?.provider;
  if (provider === undefined) {
    throw new PalyraError("usage", "Cannot store the profile: --provider names whose it is");
  }
  return {
    profileId,
    provider: parseProvider(provider),
    profileName: flags.name ?? before?.profileName ?? profileId,
    scope: parseProfileScope(flags.scope ?? before?.scope ?? "global"),
    enabled: flags.enable ? true : flags.disable ? false : before?.enabled ?? true,
    credential: credentialOf(flags, before?.credential),
  };
}

function credentialOf(
  flags: ProfilesSetFlags,
  before: AuthProfile["credential"] | undefined,
): AuthProfile["credential"] {
  const { "api-key-ref": apiKey, "tokens-ref": tokens } = flags;
  if (apiKey !== undefined && tokens !== undefined) {
    throw new PalyraError("usage", "Cannot use --api-key-ref and --tokens-ref together");
  }
  if (apiKey !== undefined) return { type: "api_key", apiKeyRef: refOf(apiKey) };
  const old = before?.type === "oauth" ? before : undefined;
  if (tokens === undefined && old === undefined) {
    if (before !== undefined) return before;
    throw new PalyraError(
      "usage",
      "Cannot store the profile: --api-key-ref or --tokens-ref says where its secret is",
      {
        hint:
          "palyra auth login makes a profile with tokens, palyra auth openai api-key one with a key",
      },
    );
  }
  const clientId = flags["client-id"] ?? old?.clientId;
  const tokenEndpoint = flags["token-endpoint"] ?? old?.tokenEndpoint;
  if (clientId === undefined || tokenEndpoint === undefined) {
    throw new PalyraError(
      "usage",
      "Cannot store the profile: tokens need --client-id and --token-endpoint",
    );
  }
  const secret = flags["client-secret-ref"];
  const method = clientAuthenticationOf(flags) ?? old?.clientAuthentication;
  const revocation = flags["revocation-endpoint"];
  return {
    type: "oauth",
    tokensRef: tokens === undefined ? old!.tokensRef : refOf(tokens),
    clientId,
    clientSecretRef: secret === undefined ? old?.clientSecretRef : refOf(secret),
    tokenEndpoint: parseEndpoint(tokenEndpoint),
    revocationEndpoint: revocation === undefined
      ? old?.revocationEndpoint
      : parseEndpoint(revocation),
    issuer: flags.issuer === undefined ? old?.issuer : parseEndpoint(flags.issuer),
    scopes: flags["oauth-scope"] === undefined
      ? old?.scopes ?? []
      : [...new Set(flags["oauth-scope"])].sort(),
    ...(old?.loginScopes === undefined ? {} : { loginScopes: old.loginScopes }),
    ...(method === undefined ? {} : { clientAuthentication: method }),
  };
}

function clientAuthenticationOf(flags: ProfilesSetFlags): ClientAuthentication | undefined {
  const text = flags["token-endpoint-auth-method"];
  const known = CLIENT_AUTHENTICATIONS.find((one) => one === text);
  if (text === known) return known;
  throw new PalyraError(
    "usage",
    `Cannot use --token-endpoint-auth-method: it is ${CLIENT_AUTHENTICATIONS.join(" or ")}`,
  );
}

function refOf(text: string): string {
  return formatSecretId(parseSecretId(text));
}
