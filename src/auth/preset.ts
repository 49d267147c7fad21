/** What is known of providers' authorization servers, as data: where to log in, and how. */

import { kindOf, type ProviderKey } from "./provider.ts";

/** An authorization server: found by its issuer, or with the endpoints that it documents. */
export interface ServerPreset {
  /** Metadata is asked for there (RFC 8414, OpenID Connect Discovery). */
  readonly issuer?: string;
  readonly authorizationEndpoint?: string;
  readonly tokenEndpoint?: string;
  readonly deviceAuthorizationEndpoint?: string;
  /** Asked for when the user names none. */
  readonly scopes: readonly string[];
}

const PRESETS: Readonly<Record<string, ServerPreset>> = {
  // https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
  github: {
    issuer: "https://github.com/login/oauth",
    authorizationEndpoint: "https://github.com/login/oauth/authorize",
    tokenEndpoint: "https://github.com/login/oauth/access_token",
    deviceAuthorizationEndpoint: "https://github.com/login/device/code",
    scopes: [],
  },
  // https://developers.google.com/identity/openid-connect/openid-connect#discovery
  google: { issuer: "https://accounts.google.com", scopes: ["openid"] },
  // https://learn.microsoft.com/entra/identity-platform/v2-protocols: its metadata for all tenants names no issuer
  azure: {
    authorizationEndpoint: "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
    tokenEndpoint: "https://login.microsoftonline.com/common/oauth2/v2.0/token",
    deviceAuthorizationEndpoint: "https://login.microsoftonline.com/common/oauth2/v2.0/devicecode",
    scopes: ["offline_access"],
  },
  openai: {
    issuer: "https://auth.openai.com",
    scopes: ["openid", "profile", "email", "offline_access"],
  },
};

/** The preset of a provider; `undefined` where the user has to name the server. */
export function presetOf(provider: ProviderKey): ServerPreset | undefined {
  const kind = kindOf(provider);
  return Object.hasOwn(PRESETS, kind) ? PRESETS[kind] : undefined;
}
