/** The auth profiles for the audit: what each of them names, and how a value gets there. */

import type { AuditedProfile, AuditedProfiles } from "../../audit/audited_profiles.ts";
import { type AuthProfile, namedSecretsOf } from "../../auth/profile.ts";
import { type PlacedProfiles, readPlacedProfiles } from "../../auth/profiles_file.ts";
import { isPalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import { pathsOf } from "../auth/profiles.ts";

/** Reads them. A document that cannot be read, or must not be, is something to be told. */
export async function profilesToAudit(app: App): Promise<AuditedProfiles> {
  const { platform } = app;
  const paths = pathsOf(app);
  const path = paths.profiles;
  try {
    // Where there is no document, an unsafe state root is told without it.
    if (platform.directories.inspect(path) === undefined) return none(path);
    if (!platform.directories.check(app.stateRoot)) return none(path);
    const placed = await readPlacedProfiles(platform, paths);
    const profiles = [...placed.profiles.values()].map((one) => auditedOf(one, placed, path));
    return { path, profiles, mistake: undefined };
  } catch (error) {
    if (!isPalyraError(error)) throw error;
    return { path, profiles: [], mistake: error };
  }
}

function none(path: string): AuditedProfiles {
  return { path, profiles: [], mistake: undefined };
}

function auditedOf(
  profile: AuthProfile,
  { placeOf }: PlacedProfiles,
  path: string,
): AuditedProfile {
  const { profileId: id, enabled, provider } = profile;
  return {
    id,
    enabled,
    references: namedSecretsOf(profile).map(({ key, ref }) => ({
      key,
      ref,
      place: { path, ...placeOf(id, key) },
      remedy: key === "tokens_vault_ref"
        ? `Log in: palyra auth login ${provider} --profile ${id}, with its client as before`
        : undefined,
    })),
  };
}
