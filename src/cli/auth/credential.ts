/** What a profile gives to who uses it: its key, or an access token that is good now. */

import { type AuthProfile, isOAuth, isVisible } from "../../auth/profile.ts";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import { readSecret } from "../../vault/read_secret.ts";
import { parseSecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { openVaultToRead } from "../stores.ts";
import { profilesOf, requireProfile } from "./profiles.ts";
import { tokensOf } from "./tokens.ts";

/** How long a token has to be good for unless somebody says otherwise. */
const DEFAULT_MIN_TTL_MS = 300_000;

/** For whom a credential is, and for how long. */
export interface CredentialWish {
  /** Without it only profiles for everybody are given. */
  readonly agentId?: string | undefined;
  /** Milliseconds that a token has to be good for. */
  readonly minTtlMs?: number | undefined;
}

/** A credential, and what is known of it. Disposing wipes it. */
export interface GivenCredential extends Disposable {
  readonly profile: AuthProfile;
  readonly value: SensitiveBytes;
  /** Of a token, as the server named it. */
  readonly tokenType?: string;
  /** Milliseconds since 1970; of a token, where it is known. */
  readonly expiresAt?: number | undefined;
}

/** The credential of a profile; the caller wipes it. Throws as {@link giveCredential}. */
export async function credentialOf(app: App, id: string): Promise<SensitiveBytes> {
  return (await giveCredential(app, id, {})).value;
}

/** The credential of a profile for who asks. Throws `not_found`, `denied`, and as `freshTokens`. */
export async function giveCredential(
  app: App,
  id: string,
  { agentId, minTtlMs }: CredentialWish,
): Promise<GivenCredential> {
  const profile = await enabledProfile(app, id);
  if (isVisible(profile, agentId)) return await credentialIn(app, profile, minTtlMs);
  throw new PalyraError("denied", `Cannot use ${profile.profileId}: it belongs to an agent`, {
    hint: `palyra auth token ${profile.profileId} --agent ID gives it to that agent alone`,
  });
}

/** The same of a profile that was found fit for who asks. */
export async function credentialIn(
  app: App,
  profile: AuthProfile,
  minTtlMs = DEFAULT_MIN_TTL_MS,
): Promise<GivenCredential> {
  const given = (value: SensitiveBytes): GivenCredential => ({
    profile,
    value,
    [Symbol.dispose]: () => value[Symbol.dispose](),
  });
  if (isOAuth(profile)) {
    const { accessToken, tokenType, expiresAt } = await tokensOf(app, profile, { minTtlMs });
    return { ...given(new SensitiveBytes(encodeUtf8(accessToken))), tokenType, expiresAt };
  }
  const { credential } = profile;
  if (credential.type !== "api_key") throw new Error("a credential of a third type");
  using vault = await openVaultToRead(app, { opensValues: true });
  return given((await readSecret(vault, parseSecretId(credential.apiKeyRef))).value);
}

/** A profile that may be used. Throws `not_found`, `denied`. */
export async function enabledProfile(app: App, id: string): Promise<AuthProfile> {
  const profile = requireProfile(await profilesOf(app), id);
  if (profile.enabled) return profile;
  throw new PalyraError("denied", `Cannot use ${profile.profileId}: it is switched off`, {
    hint: `palyra auth profiles set ${profile.profileId} --enable`,
  });
}
