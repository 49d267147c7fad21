/** A profile as it stands in a document: read strictly, with the key of each mistake. */

import { clauseOf, PalyraError } from "../errors.ts";
import { formatSecretId, parseSecretId } from "../vault/vault_ref.ts";
import {
  type AuthProfile,
  CLIENT_AUTHENTICATIONS,
  type OAuthCredential,
  parseEndpoint,
  parseProfileId,
  parseProfileScope,
} from "./profile.ts";
import { parseProvider } from "./provider.ts";

const MAX_NAME = 256;
const MAX_SCOPES = 100;
const CLIENT_ID = /^[\x20-\x7e]{1,256}$/;
/** RFC 6749 section 3.3. */
const OAUTH_SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/;

/** What stands in a document about a profile: texts, lists of texts, and switches. */
export type ProfileTable = Readonly<Record<string, unknown>>;

const SHARED_KEYS = ["provider", "profile_name", "scope", "enabled", "type"];
const API_KEY_KEYS = [...SHARED_KEYS, "api_key_vault_ref"];
const OAUTH_KEYS = [
  ...SHARED_KEYS,
  "tokens_vault_ref",
  "client_id",
  "client_secret_vault_ref",
  "token_endpoint",
  "revocation_endpoint",
  "issuer",
  "scopes",
  "login_scopes",
  "token_endpoint_auth_method",
];

/** A mistake in a document, at a key of a profile. */
export class ProfileMistake extends Error {
  constructor(readonly key: string | undefined, message: string) {
    super(message);
  }
}

/** Reads a profile from its table. Throws {@link ProfileMistake}. */
export function profileFrom(id: string, table: ProfileTable): AuthProfile {
  const type = textIn(table, "type");
  if (type !== "api_key" && type !== "oauth") {
    throw new ProfileMistake("type", "it is api_key or oauth");
  }
  const known = type === "api_key" ? API_KEY_KEYS : OAUTH_KEYS;
  const unknown = Object.keys(table).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new ProfileMistake(unknown, "there is no such key");
  const profileId = at(undefined, () => parseProfileId(id));
  const name = optionalText(table, "profile_name") ?? id;
  if (name.trim() === "" || name.length > MAX_NAME || !name.isWellFormed()) {
    throw new ProfileMistake("profile_name", `it has 1 to ${MAX_NAME} characters`);
  }
  const enabled = table["enabled"] ?? true;
  if (typeof enabled !== "boolean") throw new ProfileMistake("enabled", "it is true or false");
  return {
    profileId,
    provider: at("provider", () => parseProvider(textIn(table, "provider"))),
    profileName: name,
    scope: at("scope", () => parseProfileScope(optionalText(table, "scope") ?? "global")),
    enabled,
    credential: type === "api_key"
      ? { type, apiKeyRef: refIn(table, "api_key_vault_ref") }
      : oauthIn(table),
  };
}

/** The table of a profile, in the order in which it is written. */
export function tableOf(profile: AuthProfile): Record<string, string | boolean | string[]> {
  const { provider, profileName, scope, enabled, credential } = profile;
  const shared = { provider, profile_name: profileName, scope, enabled, type: credential.type };
  if (credential.type === "api_key") {
    return { ...shared, api_key_vault_ref: credential.apiKeyRef };
  }
  const { clientSecretRef, revocationEndpoint, issuer, scopes } = credential;
  const { loginScopes = [], clientAuthentication } = credential;
  return {
    ...shared,
    tokens_vault_ref: credential.tokensRef,
    client_id: credential.clientId,
    ...(clientSecretRef === undefined ? {} : { client_secret_vault_ref: clientSecretRef }),
    token_endpoint: credential.tokenEndpoint,
    ...(revocationEndpoint === undefined ? {} : { revocation_endpoint: revocationEndpoint }),
    ...(issuer === undefined ? {} : { issuer }),
    ...(scopes.length === 0 ? {} : { scopes: [...scopes] }),
    ...(loginScopes.length === 0 ? {} : { login_scopes: [...loginScopes] }),
    ...(clientAuthentication === undefined
      ? {}
      : { token_endpoint_auth_method: clientAuthentication }),
  };
}

function oauthIn(table: ProfileTable): OAuthCredential {
  const clientId = textIn(table, "client_id");
  if (!CLIENT_ID.test(clientId)) {
    throw new ProfileMistake("client_id", "it has 1 to 256 printable ASCII characters");
  }
  const endpoint = (key: string): string | undefined => {
    const text = optionalText(table, key);
    return text === undefined ? undefined : at(key, () => parseEndpoint(text));
  };
  const tokenEndpoint = endpoint("token_endpoint");
  if (tokenEndpoint === undefined) throw new ProfileMistake("token_endpoint", "it is missing");
  const secret = table["client_secret_vault_ref"];
  const method = optionalText(table, "token_endpoint_auth_method");
  const clientAuthentication = CLIENT_AUTHENTICATIONS.find((one) => one === method);
  if (clientAuthentication !== method) {
    const known = CLIENT_AUTHENTICATIONS.join(" or ");
    throw new ProfileMistake("token_endpoint_auth_method", `it is ${known}`);
  }
  const loginScopes = scopesIn(table, "login_scopes");
  return {
    type: "oauth",
    tokensRef: refIn(table, "tokens_vault_ref"),
    clientId,
    clientSecretRef: secret === undefined ? undefined : refIn(table, "client_secret_vault_ref"),
    tokenEndpoint,
    revocationEndpoint: endpoint("revocation_endpoint"),
    issuer: endpoint("issuer"),
    scopes: scopesIn(table, "scopes"),
    ...(loginScopes.length === 0 ? {} : { loginScopes }),
    ...(clientAuthentication === undefined ? {} : { clientAuthentication }),
  };
}

function scopesIn(table: ProfileTable, key: "scopes" | "login_scopes"): readonly string[] {
  const scopes = table[key] ?? [];
  const isSound = Array.isArray(scopes) && scopes.length <= MAX_SCOPES &&
    scopes.every((one) => typeof one === "string" && OAUTH_SCOPE.test(one)) &&
    new Set(scopes).size === scopes.length;
  if (!isSound) throw new ProfileMistake(key, "it is a list of OAuth scopes, each once");
  return scopes as string[];
}

function refIn(table: ProfileTable, key: string): string {
  const text = textIn(table, key);
  return at(key, () => formatSecretId(parseSecretId(text)));
}

function textIn(table: ProfileTable, key: string): string {
  const text = optionalText(table, key);
  if (text === undefined) throw new ProfileMistake(key, "it is missing");
  return text;
}

function optionalText(table: ProfileTable, key: string): string | undefined {
  const value = Object.hasOwn(table, key) ? table[key] : undefined;
  if (value === undefined || typeof value === "string") return value;
  throw new ProfileMistake(key, "it is a text");
}

function at<T>(key: string | undefined, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PalyraError)) throw error;
    throw new ProfileMistake(key, clauseOf(error));
  }
}
