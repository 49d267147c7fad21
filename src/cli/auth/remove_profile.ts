/** Takes a profile away, with what palyra has stored for it alone, and nothing that others refer to. */

import { type AuthProfile, isOAuth, type ProfileId, refsOf } from "../../auth/profile.ts";
import { changeProfiles } from "../../auth/profiles_file.ts";
import { changeState, withRecord } from "../../auth/runtime_state.ts";
import { lockTokens, REFRESH_MS } from "../../auth/token_lock.ts";
import { isPalyraError, PalyraError } from "../../errors.ts";
import { deleteSecret } from "../../vault/delete_secret.ts";
import { lockConfigure } from "../../vault/recovery.ts";
import type { Vault } from "../../vault/vault.ts";
import { parseSecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { fieldsOfConfig } from "../referred_by.ts";
import { hasVault, openVaultToChange } from "../stores.ts";
import { ownedBy } from "./owned.ts";
import { lockPlaceOf, pathsOf, profilesOf, requireProfile, secretVersions } from "./profiles.ts";

/** What became of the secrets that a profile named. */
export interface RemovedProfile {
  readonly removed: readonly string[];
  /** Others refer to them, or palyra did not store them. */
  readonly kept: readonly string[];
  /** Profiles that are the same login: they name the same tokens. */
  readonly twins: readonly ProfileId[];
}

const LOCK_TIMEOUT_MS = 10_000;

/**
 * Removes a profile. Nobody refreshes its tokens between `before`, which may end them elsewhere, and the end.
 * A login waits only so long: what it has stored meanwhile stays. Throws `not_found`, `precondition` where
 * somebody is or was at its tokens, and what `before` throws: then all stays.
 */
export async function removeProfile(
  app: App,
  id: ProfileId,
  before?: (profile: AuthProfile) => Promise<void>,
): Promise<RemovedProfile> {
  const { platform } = app;
  const paths = pathsOf(app);
  const [first] = refsOf(requireProfile(await profilesOf(app), id));
  using lock = await lockTokens(lockPlaceOf(app), first!, REFRESH_MS);
  const profile = requireProfile(await profilesOf(app), id);
  if (lock === undefined || refsOf(profile)[0] !== first) {
    throw new PalyraError("precondition", `Cannot delete ${id}: another process is at it`);
  }
  const versions = await secretVersions(app);
  await before?.(profile);
  const requireSame = (isSame: boolean): void => {
    if (isSame) return;
    const hint = before && { hint: "What it had before was revoked; what it has now stays" };
    throw new PalyraError("precondition", `Cannot delete ${id}: it was logged in meanwhile`, hint);
  };
  const { after } = await changeProfiles(platform, paths, (profiles) => {
    const now = profiles.get(id);
    requireSame(now === undefined || refsOf(now)[0] === first);
    return new Map([[id, undefined]]);
  }, async () => requireSame((await secretVersions(app)).get(first!) === versions.get(first!)));
  {
    using _state = await platform.locks.acquire(paths.lock, LOCK_TIMEOUT_MS);
    changeState(platform, paths, (state) => {
      const { records, orders } = withRecord(state, id, undefined);
      const without = [...orders].map(([key, ids]) =>
        [key, ids.filter((one) => one !== id)] as const
      );
      return { records, orders: new Map(without.filter(([, ids]) => ids.length > 0)) };
    });
  }
  const others = [...after.values()];
  const twins = isOAuth(profile) ? others.filter((other) => refsOf(other)[0] === first) : [];
  const candidates = await ownRefs(profile, others);
  const removed = await removeOwn(app, candidates, versions);
  return {
    removed,
    kept: refsOf(profile).filter((ref) => !removed.includes(ref)),
    twins: twins.map(({ profileId }) => profileId),
  };
}

async function removeOwn(
  app: App,
  refs: readonly string[],
  versions: ReadonlyMap<string, number>,
): Promise<readonly string[]> {
  if (refs.length === 0 || !hasVault(app)) return [];
  using vault = await openVaultToChange(app);
  return await deleteUnnamed(app, vault, refs, versions);
}

/** What palyra has stored for this profile, and none of the others names. */
export async function ownRefs(
  profile: AuthProfile,
  others: Iterable<AuthProfile>,
): Promise<readonly string[]> {
  const named = new Set([...others].flatMap(refsOf));
  const owned = await ownedBy(profile.profileId, refsOf(profile));
  return owned.filter((ref) => !named.has(ref));
}

/**
 * Deletes secrets, but those that the config names and those that have another version by now than is
 * named; which ones are gone now.
 */
export async function deleteUnnamed(
  app: App,
  vault: Vault,
  refs: readonly string[],
  versions: ReadonlyMap<string, number> = new Map(),
): Promise<readonly string[]> {
  using _lock = await lockConfigure(vault); // no config begins to name it meanwhile
  const fields = await fieldsOfConfig(app);
  const unnamed = refs.filter((ref) => fields !== undefined && !fields.has(ref));
  const removed: string[] = [];
  for (const ref of unnamed) {
    const ifVersion = versions.get(ref);
    try {
      await deleteSecret(vault, parseSecretId(ref), ifVersion === undefined ? {} : { ifVersion });
    } catch (error) {
      const isAnothers = isPalyraError(error, "precondition") &&
        error.details?.["current_version"] !== undefined;
      if (isAnothers) continue;
      if (!isPalyraError(error, "not_found")) throw error;
    }
    removed.push(ref);
  }
  return removed;
}
