/** Where a login takes place and what comes of it: flags and presets, checked before any server is asked. */

import { clientAuthenticationFor, type LoginParties } from "../../auth/login_steps.ts";
import { presetOf, type ServerPreset } from "../../auth/preset.ts";
import {
  type OAuthProfile,
  parseEndpoint,
  parseProfileId,
  parseProfileScope,
  type ProfileId,
  type ProfileScope,
} from "../../auth/profile.ts";
import { parseProvider, type ProviderKey } from "../../auth/provider.ts";
import { decodeUtf8 } from "../../crypto/encoding.ts";
import { PalyraError } from "../../errors.ts";
import type { WebFetch } from "../../platform/web.ts";
import { readSecret } from "../../vault/read_secret.ts";
import { formatSecretId, parseSecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { openVaultToRead } from "../stores.ts";
import { ownedRef } from "./owned.ts";
import { profileBefore } from "./profiles.ts";

/** Flags that say where to log in and what to make of it. */
export interface LoginFlags {
  readonly issuer?: string | undefined;
  readonly "authorization-endpoint"?: string | undefined;
  readonly "token-endpoint"?: string | undefined;
  readonly "device-endpoint"?: string | undefined;
  readonly "client-id"?: string | undefined;
  readonly "client-secret-ref"?: string | undefined;
  readonly "oauth-scope"?: readonly string[] | undefined;
  readonly profile?: string | undefined;
  readonly name?: string | undefined;
  readonly scope?: string | undefined;
}

/** A login that is about to begin. */
export interface LoginTarget {
  readonly provider: ProviderKey;
  readonly id: ProfileId;
  readonly name: string;
  readonly scope: ProfileScope;
  readonly preset: ServerPreset;
  readonly clientId: string;
  /** `SCOPE/NAME`; public clients have none. */
  readonly clientSecretRef: string | undefined;
  readonly scopes: readonly string[];
  /** The server describes itself. */
  readonly isDiscovered: boolean;
}

/**
 * Reads the flags; what they do not name of a profile that is there stays. Throws `usage`, `precondition`
 * where the profile is another provider's.
 */
export async function loginTarget(
  app: App,
  flags: LoginFlags,
  providerText?: string,
): Promise<LoginTarget> {
  const provider = providerOf(flags, providerText);
  const id = parseProfileId(flags.profile ?? provider.replace(":", "-"));
  const given = flags.scope === undefined ? undefined : parseProfileScope(flags.scope);
  const preset = serverOf(flags, provider);
  const { "client-id": clientId, "client-secret-ref": secretRef } = flags;
  if (clientId === undefined) {
    throw new PalyraError(
      "usage",
      "Cannot log in: --client-id names the client that is registered there",
    );
  }
  const before = await profileBefore(app, id, provider);
  return {
    provider,
    id,
    name: flags.name ?? before?.profileName ?? id,
    scope: given ?? before?.scope ?? "global",
    preset,
    clientId,
    clientSecretRef: secretRef === undefined ? undefined : formatSecretId(parseSecretId(secretRef)),
    scopes: flags["oauth-scope"] ?? preset.scopes,
    isDiscovered: preset.tokenEndpoint === undefined,
  };
}

/** The endpoint that decides by which way the server is asked. */
export function firstEndpoint({ preset }: LoginTarget): string {
  return preset.tokenEndpoint ?? preset.issuer!;
}

/** Server and client. Throws what reading the client's secret throws. */
export async function partiesOf(
  app: App,
  { clientId, clientSecretRef, scopes, isDiscovered }: LoginTarget,
  server: LoginParties["server"],
  send: WebFetch,
): Promise<LoginParties> {
  const now = (): number => app.platform.clock.now();
  const party = { server, clientId, scopes, isDiscovered, send, now };
  if (clientSecretRef === undefined) return { ...party, clientSecret: undefined };
  const clientAuthentication = clientAuthenticationFor(server);
  return { ...party, clientSecret: await secretOf(app, clientSecretRef), clientAuthentication };
}

/** The profile that a login makes. */
export async function profileFor(
  { provider, id, name, scope, preset, clientId, clientSecretRef, scopes }: LoginTarget,
  server: LoginParties["server"],
): Promise<OAuthProfile> {
  const { token_endpoint: token, revocation_endpoint: revocation } = server;
  return {
    profileId: id,
    provider,
    profileName: name,
    scope,
    enabled: true,
    credential: {
      type: "oauth",
      tokensRef: await ownedRef(provider, scope, id, "oauth_tokens"),
      clientId,
      clientSecretRef,
      tokenEndpoint: parseEndpoint(token!),
      revocationEndpoint: revocation === undefined ? undefined : parseEndpoint(revocation),
      issuer: preset.issuer === undefined ? undefined : parseEndpoint(preset.issuer),
      scopes: [],
      ...(scopes.length === 0 ? {} : { loginScopes: [...new Set(scopes)] }),
      ...(clientSecretRef === undefined
        ? {}
        : { clientAuthentication: clientAuthenticationFor(server) }),
    },
  };
}

/** The same before the server was asked: sound where the one that it makes will be. */
export async function likelyProfile(target: LoginTarget): Promise<OAuthProfile> {
  return await profileFor(target, {
    issuer: firstEndpoint(target),
    token_endpoint: firstEndpoint(target),
  });
}

/** A client's secret as text. Throws `usage`, and what reading it throws. */
export async function secretOf(app: App, ref: string): Promise<string> {
  using vault = await openVaultToRead(app, { opensValues: true });
  using opened = await readSecret(vault, parseSecretId(ref));
  const text = decodeUtf8(opened.value.reveal());
  if (text !== undefined) return text;
  throw new PalyraError("usage", "Cannot log in: the client's secret is not text");
}

function providerOf({ issuer }: LoginFlags, text: string | undefined): ProviderKey {
  if (text !== undefined) return parseProvider(text);
  if (issuer === undefined) {
    throw new PalyraError("usage", "Cannot log in: name a provider, or --issuer URL");
  }
  const host = new URL(parseEndpoint(issuer)).hostname.replaceAll(/[^a-z0-9.-]/g, "");
  return parseProvider(`custom:${host || "local"}`);
}

function serverOf(flags: LoginFlags, provider: ProviderKey): ServerPreset {
  const { issuer, "token-endpoint": token } = flags;
  const [authorization, device] = [flags["authorization-endpoint"], flags["device-endpoint"]];
  const known = presetOf(provider);
  if (token !== undefined) {
    return {
      scopes: known?.scopes ?? [],
      tokenEndpoint: parseEndpoint(token),
      ...(issuer === undefined ? {} : { issuer: parseEndpoint(issuer) }),
      ...(authorization === undefined
        ? {}
        : { authorizationEndpoint: parseEndpoint(authorization) }),
      ...(device === undefined ? {} : { deviceAuthorizationEndpoint: parseEndpoint(device) }),
    };
  }
  if (issuer !== undefined) return { scopes: known?.scopes ?? [], issuer: parseEndpoint(issuer) };
  if (known !== undefined) return known;
  throw new PalyraError("usage", `Cannot log in at ${provider}: palyra does not know its server`, {
    hint: "--issuer URL, or --token-endpoint with --authorization-endpoint or --device-endpoint",
  });
}
