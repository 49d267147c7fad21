/** Opens the auth profiles for commands, with what the vault says of their secrets. */

import { credentialTag, recordFor } from "../../auth/credential_tag.ts";
import {
  type AuthProfile,
  isOAuth,
  parseProfileId,
  type ProfileId,
  refsOf,
} from "../../auth/profile.ts";
import {
  type ProfilePaths,
  profilePaths,
  type Profiles,
  readProfiles,
} from "../../auth/profiles_file.ts";
import type { ProviderKey } from "../../auth/provider.ts";
import { readState, type RuntimeState } from "../../auth/runtime_state.ts";
import type { SelectionFacts } from "../../auth/selection.ts";
import type { LockPlace } from "../../auth/token_lock.ts";
import { PalyraError } from "../../errors.ts";
import { listSecrets } from "../../vault/list_secrets.ts";
import { formatSecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { hasVault, openVaultToRead } from "../stores.ts";

/** All that is known without opening a value. */
export interface KnownProfiles {
  readonly profiles: Profiles;
  /** Records of other credentials than those that are there now are left out. */
  readonly state: RuntimeState;
  readonly facts: SelectionFacts;
  /** A state as it was read, without its records of other credentials. */
  readonly current: (stored: RuntimeState) => RuntimeState;
}

/** The paths of this run. */
export function pathsOf(app: Pick<App, "stateRoot">): ProfilePaths {
  return profilePaths(app.stateRoot);
}

/** Where the locks of token sets are. */
export function lockPlaceOf({ platform, stateRoot }: App): LockPlace {
  return { platform, lockDirectory: `${stateRoot}/auth` };
}

/** The profiles that are there; none where there is no state root. Throws as `readProfiles` does. */
export async function profilesOf(app: App): Promise<Profiles> {
  const { platform, stateRoot } = app;
  const isThere = platform.directories.check(stateRoot);
  return isThere ? await readProfiles(platform, pathsOf(app)) : new Map();
}

/** Reads profiles and state, and looks which secrets there are. Changes nothing. */
export async function knownProfiles(app: App): Promise<KnownProfiles> {
  const { platform } = app;
  const paths = pathsOf(app);
  const profiles = await profilesOf(app);
  const versions = profiles.size === 0 ? new Map<string, number>() : await secretVersions(app);
  const stored = readState(platform, paths);
  const tags = await Promise.all([...profiles.values()].map(async (profile: AuthProfile) => {
    const version = versions.get(refsOf(profile)[0]!) ?? 0;
    const tag = await credentialTag(profile, version);
    return [profile.profileId, { tag, version: isOAuth(profile) ? version : undefined }] as const;
  }));
  const current = ({ records, orders }: RuntimeState): RuntimeState => ({
    records: new Map(tags.map(([id, what]) => [id, recordFor({ records, orders }, id, what)])),
    orders,
  });
  const state = current(stored);
  const isPresent = (profile: AuthProfile): boolean =>
    refsOf(profile).every((ref) => versions.has(ref));
  return { profiles, state, facts: { state, isPresent, now: platform.clock.now() }, current };
}

/** A profile by its id. Throws `not_found`. */
export function requireProfile(profiles: Profiles, text: string): AuthProfile {
  const profile = profiles.get(parseProfileId(text));
  if (profile !== undefined) return profile;
  throw unknownProfile(text as ProfileId);
}

/** A profile of a provider. Throws `not_found`, `usage` for one of another provider. */
export async function profileOfProvider(
  app: App,
  text: string,
  provider: ProviderKey,
): Promise<AuthProfile> {
  const profile = requireProfile(await profilesOf(app), text);
  if (profile.provider === provider) return profile;
  throw new PalyraError(
    "usage",
    `Cannot use ${profile.profileId}: it is a profile of ${profile.provider}, not of ${provider}`,
  );
}

/**
 * The profile of this id that is there by now; `undefined` where there is none. Throws `precondition` for
 * one of another provider, which nobody means to replace by a login.
 */
export async function profileBefore(
  app: App,
  id: ProfileId,
  provider: ProviderKey,
): Promise<AuthProfile | undefined> {
  const found = (await profilesOf(app)).get(id);
  if (found === undefined || found.provider === provider) return found;
  throw new PalyraError(
    "precondition",
    `Cannot log ${id} in at ${provider}: it is a profile of ${found.provider}`,
    { hint: `--profile names another one; palyra auth profiles delete ${id} removes it` },
  );
}

/** The error for a profile that is not there; its id was checked. */
export function unknownProfile(id: ProfileId): PalyraError {
  return new PalyraError("not_found", `Cannot find the auth profile ${id}: there is none`, {
    hint: "palyra auth profiles list shows them",
  });
}

/** The current version of every secret that has not expired; none where there is no vault. */
export async function secretVersions(app: App): Promise<Map<string, number>> {
  if (!hasVault(app)) return new Map();
  using vault = await openVaultToRead(app);
  const listed = await listSecrets(vault);
  return new Map(listed.map(({ id, version }) => [formatSecretId(id), version]));
}
