/** Auth profiles: which credential of which provider, for whom, and where its secrets are. */

import { PalyraError } from "../errors.ts";
import type { ProviderKey } from "./provider.ts";

/** The text of a profile's id: `a-z 0-9 . _ -`, at most 128 characters. */
export type ProfileId = string & { readonly brand: unique symbol };

/** Who may use a profile: everybody, or one agent. */
export type ProfileScope = "global" | `agent:${string}`;

/** A key that is used as it is. */
export interface ApiKeyCredential {
  readonly type: "api_key";
  /** `SCOPE/NAME` of the key. */
  readonly apiKeyRef: string;
}

/** Tokens of an authorization server (RFC 6749), refreshed when they are about to end. */
export interface OAuthCredential {
  readonly type: "oauth";
  /** `SCOPE/NAME` of the token set: access token, refresh token and expiry in one secret. */
  readonly tokensRef: string;
  readonly clientId: string;
  /** `SCOPE/NAME`; public clients have none. */
  readonly clientSecretRef: string | undefined;
  readonly tokenEndpoint: string;
  readonly revocationEndpoint: string | undefined;
  /** Of the authorization server, where it is known. */
  readonly issuer: string | undefined;
  /** Asked for at every refresh; without any, those of the login (RFC 6749 section 6). */
  readonly scopes: readonly string[];
  /** What was asked for at the login, for the next one. */
  readonly loginScopes?: readonly string[];
  /** How the client shows its secret; in the form where it is absent. */
  readonly clientAuthentication?: ClientAuthentication;
}

/** How a client shows its secret: in the form, or in a header (RFC 6749 section 2.3.1, named by RFC 7591). */
export const CLIENT_AUTHENTICATIONS = ["client_secret_post", "client_secret_basic"] as const;

/** How a client shows its secret. */
export type ClientAuthentication = typeof CLIENT_AUTHENTICATIONS[number];

/** A profile. */
export interface AuthProfile {
  readonly profileId: ProfileId;
  readonly provider: ProviderKey;
  /** For people. */
  readonly profileName: string;
  readonly scope: ProfileScope;
  readonly enabled: boolean;
  readonly credential: ApiKeyCredential | OAuthCredential;
}

/** A profile with tokens. */
export type OAuthProfile = AuthProfile & { readonly credential: OAuthCredential };

/** Whether a profile has tokens. */
export function isOAuth(profile: AuthProfile): profile is OAuthProfile {
  return profile.credential.type === "oauth";
}

/** Most profiles. */
export const MAX_PROFILES = 2_048;

const ID = /^[a-z0-9][a-z0-9._-]{0,127}$/;
const AGENT_SCOPE = /^agent:[a-z0-9][a-z0-9._-]{0,127}$/;
const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])$/;

/** Reads a profile's id. Throws `usage`. */
export function parseProfileId(text: string): ProfileId {
  if (ID.test(text) && !["__proto__", "constructor", "prototype"].includes(text)) {
    return text as ProfileId;
  }
  throw new PalyraError(
    "usage",
    "Cannot read the profile id: it is a-z 0-9 . _ -, at most 128 characters",
  );
}

/** Reads a scope. Throws `usage`. */
export function parseProfileScope(text: string): ProfileScope {
  if (text === "global" || AGENT_SCOPE.test(text)) return text as ProfileScope;
  throw new PalyraError("usage", "Cannot read the scope: it is global or agent:ID", {
    // Scopes of the vault take more: there an id only says where a secret is.
    hint: "Ids of agents are lower case here: a-z 0-9 . _ -, at most 128 characters",
  });
}

/** Reads the id of an agent, where one is given. Throws `usage`. */
export function parseAgentId(text: string | undefined): string | undefined {
  if (text === undefined || AGENT_SCOPE.test(`agent:${text}`)) return text;
  throw new PalyraError(
    "usage",
    "Cannot read the id of the agent: it is a-z 0-9 . _ -, at most 128 characters",
  );
}

/** Whether somebody may see a profile: an agent's own ones are its own. */
export function isVisible({ scope }: AuthProfile, agentId: string | undefined): boolean {
  return scope === "global" || (agentId !== undefined && scope === `agent:${agentId}`);
}

/** A secret that a profile names, and the key of its table that does. */
export interface NamedSecret {
  readonly key: "api_key_vault_ref" | "tokens_vault_ref" | "client_secret_vault_ref";
  /** `SCOPE/NAME`. */
  readonly ref: string;
}

/** The secrets that a profile names, its credential first. */
export function namedSecretsOf({ credential }: AuthProfile): NamedSecret[] {
  if (credential.type === "api_key") {
    return [{ key: "api_key_vault_ref", ref: credential.apiKeyRef }];
  }
  const { tokensRef, clientSecretRef } = credential;
  const tokens: NamedSecret = { key: "tokens_vault_ref", ref: tokensRef };
  return clientSecretRef === undefined
    ? [tokens]
    : [tokens, { key: "client_secret_vault_ref", ref: clientSecretRef }];
}

/** The same as `SCOPE/NAME` alone. */
export function refsOf(profile: AuthProfile): string[] {
  return namedSecretsOf(profile).map(({ ref }) => ref);
}

/**
 * Reads an endpoint: absolute, with a host, without user, query or fragment; https, or http to this very
 * machine. Throws `usage`.
 */
export function parseEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isAllowed = url?.protocol === "https:" ||
    (url?.protocol === "http:" && LOOPBACK.test(url.hostname));
  const isBare = url !== undefined && url.username === "" && url.password === "" &&
    url.search === "" && url.hash === "" && !/[?#]/.test(text);
  if (isAllowed && isBare && url.hostname !== "") return url.href;
  throw new PalyraError(
    "usage",
    "Cannot use the endpoint: it is an https:// address without user, query and fragment",
    { hint: "http:// is allowed for 127.0.0.1, [::1] and localhost" },
  );
}
