/** Stores what a login gave: its tokens in the vault, the profile that names them, then what is known of it. */

import { credentialTag, recordFor } from "../../auth/credential_tag.ts";
import { afterSuccess } from "../../auth/failures.ts";
import type { OAuthProfile } from "../../auth/profile.ts";
import { changeProfiles } from "../../auth/profiles_file.ts";
import { changeState, withRecord } from "../../auth/runtime_state.ts";
import { lockTokens, REFRESH_MS } from "../../auth/token_lock.ts";
import { formatTokenSet, type TokenSet } from "../../auth/token_set.ts";
import { setSecret } from "../../vault/set_secret.ts";
import { parseSecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { openVaultToWrite } from "../stores.ts";
import type { JsonObject } from "../view.ts";
import { lockPlaceOf, pathsOf } from "./profiles.ts";
import { removeReplaced } from "./remove_replaced.ts";

const LOCK_TIMEOUT_MS = 10_000;

/**
 * Tokens first, when nothing but the writing itself can keep the profile from being stored: until then the
 * login of before is as it was. The tokens say where they come from: whoever is killed in between leaves none
 * that would be sent where the old ones came from.
 */
export async function storeLogin(app: App, profile: OAuthProfile, tokens: TokenSet): Promise<void> {
  const { platform } = app;
  const paths = pathsOf(app);
  const { vault } = await openVaultToWrite(app);
  using _open = vault;
  const { credential: { tokensRef, tokenEndpoint, clientId }, profileId } = profile;
  // A login is not lost for a refresh that takes longer than it can.
  using _refresh = await lockTokens(lockPlaceOf(app), tokensRef, REFRESH_MS);
  using value = formatTokenSet({ ...tokens, origin: { tokenEndpoint, clientId } });
  const kept = { ...vault, keepVersions: 1 };
  let version = 0;
  const change = await changeProfiles(
    platform,
    paths,
    () => new Map([[profileId, profile]]),
    async () => {
      ({ version } = await setSecret(kept, parseSecretId(tokensRef), value));
    },
  );
  const tag = await credentialTag(profile, 0);
  {
    using _lock = await platform.locks.acquire(paths.lock, LOCK_TIMEOUT_MS);
    changeState(platform, paths, (state) => {
      const { expiresAt: _old, ...record } = recordFor(state, profileId, { tag });
      return withRecord(state, profileId, {
        ...afterSuccess(record, platform.clock.now()),
        tokensVersion: version,
        refreshable: tokens.refreshToken !== undefined,
        ...(tokens.expiresAt === undefined ? {} : { expiresAt: tokens.expiresAt }),
      });
    });
  }
  await removeReplaced(app, vault, profileId, change);
}

/** What is told of a login: fields for programs, lines for people. */
export function toldLogin(
  { profileId, provider }: OAuthProfile,
  { expiresAt, refreshToken }: TokenSet,
): { readonly json: JsonObject; readonly lines: readonly string[] } {
  const ends = expiresAt === undefined ? undefined : new Date(expiresAt).toISOString();
  const refreshable = refreshToken !== undefined;
  return {
    json: {
      profile_id: profileId,
      provider,
      refreshable,
      ...(ends === undefined ? {} : { expires_at: ends }),
    },
    lines: [
      `logged in  ${profileId}`,
      `token      ${ends === undefined ? "its end is not known" : `until ${ends}`}`,
      ...(refreshable ? [] : ["refresh    none: log in again when it has ended"]),
    ],
  };
}
