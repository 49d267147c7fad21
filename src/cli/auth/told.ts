/** Profiles and their health as they are told: fields for programs, lines for people. */

import type { AuthProfile } from "../../auth/profile.ts";
import { healthOf, type ProfileHealth } from "../../auth/health.ts";
import type { ProfileHint } from "../../auth/hint.ts";
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

/** How many hints need somebody and how many are to be known, and what that makes of all together. */
export function summaryOf(hints: readonly (ProfileHint | undefined)[]): {
  readonly errors: number;
  readonly warnings: number;
  readonly status: "ok" | "warning" | "error";
} {
  const count = (wanted: ProfileHint["severity"]): number =>
    hints.filter((hint) => hint?.severity === wanted).length;
  const [errors, warnings] = [count("error"), count("warning")];
  return { errors, warnings, status: errors > 0 ? "error" : warnings > 0 ? "warning" : "ok" };
}

/** What programs are told of a profile, and of what is wrong with it. */
export function hintedJson(health: ProfileHealth, hint: ProfileHint | undefined): JsonObject {
  return { ...healthJson(health), ...(hint === undefined ? {} : { hint: { ...hint } }) };
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
