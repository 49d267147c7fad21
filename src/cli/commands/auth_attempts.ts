/**
 * `palyra auth openai oauth-start`, `oauth-state` and `reconnect`: a login in two commands, for who cannot
 * wait in one for a person to come back from a browser.
 */

import { beginBrowserLogin } from "../../auth/browser_login.ts";
import { findServer } from "../../auth/find_server.ts";
import { ATTEMPT_MS } from "../../auth/login_attempt.ts";
import { presetOf } from "../../auth/preset.ts";
import { isOAuth, type OAuthProfile } from "../../auth/profile.ts";
import type { ProviderKey } from "../../auth/provider.ts";
import { PalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import { findAttempt, keepAttempt, type KeptAttempt } from "../auth/attempts.ts";
import { completeAttempt } from "../auth/complete_attempt.ts";
import {
  firstEndpoint,
  likelyProfile,
  type LoginFlags,
  type LoginTarget,
  loginTarget,
  profileFor,
  secretOf,
} from "../auth/login_target.ts";
import { parseRedirect, PASTED_REDIRECT } from "../auth/pasted_address.ts";
import { profileOfProvider } from "../auth/profiles.ts";
import { requireStorable } from "../auth/require_storable.ts";
import { toldLogin } from "../auth/store_login.ts";
import { webFor } from "../auth/web.ts";
import type { RecordView } from "../view.ts";

/** Flags of `oauth-start`. */
export interface OAuthStartFlags extends Omit<LoginFlags, "device-endpoint"> {
  readonly "redirect-uri"?: string | undefined;
}

/** Flags of `reconnect`. */
export interface ReconnectFlags {
  readonly "authorization-endpoint"?: string | undefined;
  readonly "oauth-scope"?: readonly string[] | undefined;
  readonly "redirect-uri"?: string | undefined;
}

/** Flags of `oauth-state`. */
export interface OAuthStateFlags {
  readonly "answer-stdin"?: boolean | undefined;
}

/** Begins a login, and tells where the person has to go. The profile stays as it is until there are tokens. */
export async function oauthStart(
  app: App,
  flags: OAuthStartFlags,
  provider: ProviderKey,
): Promise<RecordView> {
  return await start(app, await loginTarget(app, flags, provider), flags["redirect-uri"]);
}

/** Begins the login of a profile anew: with its client, at its server. */
export async function reconnect(
  app: App,
  flags: ReconnectFlags,
  { provider, id }: { readonly provider: ProviderKey; readonly id: string },
): Promise<RecordView> {
  const profile = await profileOfProvider(app, id, provider);
  if (!isOAuth(profile)) {
    throw new PalyraError("usage", `Cannot log ${profile.profileId} in: it has a key, not tokens`);
  }
  return await start(app, await targetOf(app, profile, flags), flags["redirect-uri"]);
}

/** Tells what has become of a login, and ends it where the browser's answer is given. */
export async function oauthState(
  app: App,
  flags: OAuthStateFlags,
  { provider, id }: { readonly provider: ProviderKey; readonly id: string },
): Promise<RecordView> {
  const kept = await findAttempt(app, id);
  const { attempt } = kept;
  const isPending = attempt.state === "pending";
  if (isPending && attempt.profile.provider !== provider) {
    throw new PalyraError("usage", "Cannot go on with the login: it is at another provider", {
      hint: `It was begun for ${attempt.profile.provider}`,
    });
  }
  if (!flags["answer-stdin"]) return viewOf(kept);
  if (isPending) {
    const { done, tokens } = await completeAttempt(app, kept, attempt);
    const { json, lines } = toldLogin(attempt.profile, tokens);
    return { kind: "record", json: { ...viewOf(done).json, ...json }, text: lines.join("\n") };
  }
  throw new PalyraError("precondition", "Cannot end the login: an answer was given before", {
    hint: "A login counts once; begin another one",
  });
}

async function start(app: App, target: LoginTarget, redirect?: string): Promise<RecordView> {
  const redirectUri = redirect === undefined ? PASTED_REDIRECT : parseRedirect(redirect);
  await requireStorable(app, await likelyProfile(target));
  // Whether the client's secret is there shows now, and not when a person has logged in.
  if (target.clientSecretRef !== undefined) await secretOf(app, target.clientSecretRef);
  using web = await webFor(app, firstEndpoint(target));
  const server = await findServer(target.preset, web.send);
  const { url, ...begun } = await beginBrowserLogin({ ...target, server }, redirectUri);
  const profile = await profileFor(target, server);
  const expiresAt = app.platform.clock.now() + ATTEMPT_MS;
  const id = await keepAttempt(app, { state: "pending", profile, server, begun, expiresAt });
  const until = new Date(expiresAt).toISOString();
  return {
    kind: "record",
    json: {
      attempt_id: id,
      state: "pending",
      profile_id: profile.profileId,
      authorization_url: url,
      redirect_uri: redirectUri,
      expires_at: until,
    },
    text: `open     ${url}\nattempt  ${id}\nuntil    ${until}`,
  };
}

/** Where the profile says it was logged in; its provider's page where that is the same server. */
async function targetOf(
  app: App,
  profile: OAuthProfile,
  flags: ReconnectFlags,
): Promise<LoginTarget> {
  const { profileId, provider, credential } = profile;
  const { issuer, tokenEndpoint, clientId, clientSecretRef, loginScopes } = credential;
  const known = presetOf(provider);
  const page = flags["authorization-endpoint"] ??
    (known?.tokenEndpoint === tokenEndpoint ? known.authorizationEndpoint : undefined);
  if (page === undefined && issuer === undefined) {
    throw new PalyraError("usage", `Cannot log ${profileId} in: its profile names no issuer`, {
      hint: "--authorization-endpoint names the page where a browser logs in",
    });
  }
  return await loginTarget(app, {
    "client-id": clientId,
    "client-secret-ref": clientSecretRef,
    "oauth-scope": flags["oauth-scope"] ?? loginScopes,
    profile: profileId,
    issuer,
    ...(page === undefined
      ? {}
      : { "token-endpoint": tokenEndpoint, "authorization-endpoint": page }),
  }, provider);
}

function viewOf({ id, attempt }: KeptAttempt): RecordView {
  const isPending = attempt.state === "pending";
  const profileId = isPending ? attempt.profile.profileId : attempt.profileId;
  const message = isPending ? "nobody has come back from the browser yet" : attempt.message;
  const at = isPending
    ? { expires_at: new Date(attempt.expiresAt).toISOString() }
    : { completed_at: new Date(attempt.completedAt).toISOString() };
  return {
    kind: "record",
    json: { attempt_id: id, state: attempt.state, profile_id: profileId, message, ...at },
    text: `${attempt.state}  ${profileId}: ${message}`,
  };
}
