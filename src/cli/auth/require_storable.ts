/** Whether a profile could be stored, before anybody is asked for what would be lost otherwise. */

import { type AuthProfile, MAX_PROFILES } from "../../auth/profile.ts";
import { profileFrom, ProfileMistake, tableOf } from "../../auth/profile_table.ts";
import { PalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import { hasVault, openVaultToRead } from "../stores.ts";
import { profilesOf } from "./profiles.ts";

/**
 * Throws `usage` for a profile that is not sound, for one too many and for a document with a mistake, and
 * whatever keeps the vault from being opened. Makes nothing.
 */
export async function requireStorable(app: App, profile: AuthProfile): Promise<void> {
  try {
    profileFrom(profile.profileId, tableOf(profile));
  } catch (error) {
    if (!(error instanceof ProfileMistake)) throw error;
    const { key, message } = error;
    throw new PalyraError("usage", `Cannot store the profile: ${key ?? "its id"}: ${message}`);
  }
  const profiles = await profilesOf(app);
  if (profiles.size >= MAX_PROFILES && !profiles.has(profile.profileId)) {
    throw new PalyraError("usage", `Cannot store the profile: there are ${MAX_PROFILES} already`);
  }
  if (hasVault(app)) (await openVaultToRead(app, { opensValues: true }))[Symbol.dispose]();
}
