/** What a profile gives to who uses it: its key, or an access token that is good now. */

import type { AuthProfile, OAuthCredential } from "../../auth/profile.ts";
import { readProfiles } from "../../auth/profiles_file.ts";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import { readSecret } from "../../vault/read_secret.ts";
import { parseSecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { openVaultToRead } from "../stores.ts";
import { pathsOf, requireProfile } from "./profiles.ts";
import { tokensOf } from "./tokens.ts";

/** A profile with tokens. */
export type OAuthProfile = AuthProfile & { readonly credential: OAuthCredential };

/** How long a token has to be good for unless somebody says otherwise. */
const DEFAULT_MIN_TTL_MS = 300_000;

/** The credential of a profile; the caller wipes it. Throws `not_found`, `denied`, and as `freshTokens`. */
export async function credentialOf(
  app: App,
  id: string,
  minTtlMs = DEFAULT_MIN_TTL_MS,
): Promise<SensitiveBytes> {
  const profile = await enabledProfile(app, id);
  if (isOAuth(profile)) {
    return new SensitiveBytes(encodeUtf8((await tokensOf(app, profile, { minTtlMs })).accessToken));
  }
  const { credential } = profile;
  if (credential.type !== "api_key") throw new Error("a credential of a third type");
  using vault = await openVaultToRead(app, { opensValues: true });
  return (await readSecret(vault, parseSecretId(credential.apiKeyRef))).value;
}

/** A profile that may be used. Throws `not_found`, `denied`. */
export async function enabledProfile(app: App, id: string): Promise<AuthProfile> {
  const isThere = app.platform.directories.check(app.stateRoot);
  const profiles = isThere ? await readProfiles(app.platform, pathsOf(app)) : new Map();
  const profile = requireProfile(profiles, id);
  if (profile.enabled) return profile;
  throw new PalyraError("denied", `Cannot use ${profile.profileId}: it is switched off`, {
    hint: `palyra auth profiles set ${profile.profileId} --enable`,
  });
}

/** Whether a profile has tokens. */
export function isOAuth(profile: AuthProfile): profile is OAuthProfile {
  return profile.credential.type === "oauth";
}
