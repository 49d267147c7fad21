/** Profiles and their health as they are told: fields for programs, lines for people. */

import type { AuthProfile } from "../../auth/profile.ts";
import { healthOf, type ProfileHealth } from "../../auth/health.ts";
import type { JsonObject } from "../view.ts";
import type { KnownProfiles } from "./profiles.ts";

/** Judges profiles. */
export function healthOfAll(
  { state, facts }: KnownProfiles,
  profiles: readonly AuthProfile[],
): ProfileHealth[] {
  return profiles.map((profile) =>
    healthOf(profile, {
      record: state.records.get(profile.profileId),
      isPresent: facts.isPresent(profile),
      now: facts.now,
    })
  );
}

/** What programs are told. */
export function healthJson({ profile, state, reason, expiresAt }: ProfileHealth): JsonObject {
  return {
    profile_id: profile.profileId,
    provider: profile.provider,
    profile_name: profile.profileName,
    scope: profile.scope,
    enabled: profile.enabled,
    credential_type: profile.credential.type,
    state,
    reason,
    ...(expiresAt === undefined ? {} : { expires_at: new Date(expiresAt).toISOString() }),
  };
}

/** What people are told. */
export function healthLine({ profile, state, reason }: ProfileHealth): string {
  const { profileId, provider, scope } = profile;
  return `${profileId}  ${provider}  ${scope}  ${state}: ${reason}`;
}
