/** Chooses a profile of a provider, and writes down that it is used now: of equals the longest unused is next. */

import { type AuthProfile, parseAgentId } from "../../auth/profile.ts";
import { parseProvider } from "../../auth/provider.ts";
import { changeState, type RuntimeState, withRecord } from "../../auth/runtime_state.ts";
import { selectProfile } from "../../auth/selection.ts";
import { isPalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import { type KnownProfiles, knownProfiles, pathsOf } from "./profiles.ts";

/** What is asked for; texts are not judged yet. */
export interface ChoiceWish {
  readonly provider: string;
  /** Without it only profiles for everybody are looked at. */
  readonly agentId?: string | undefined;
  /** Without it everybody may use what they see. */
  readonly mayUse?: (profile: AuthProfile) => boolean;
}

/** How long a mark of use is waited for, in milliseconds: it is worth less than an answer. */
const LOCK_TIMEOUT_MS = 5_000;

/** The profile to use now; `undefined` when none of those may be. Throws `usage`. */
export async function chooseProfile(
  app: App,
  { provider, agentId, mayUse = () => true }: ChoiceWish,
): Promise<AuthProfile | undefined> {
  const wish = {
    provider: parseProvider(provider),
    agentId: parseAgentId(agentId),
  };
  const known = await knownProfiles(app);
  const { profiles, facts } = known;
  const all = [...profiles.values()];
  const denied = all.filter((one) => !mayUse(one)).map(({ profileId }) => profileId);
  const choose = (state: RuntimeState): AuthProfile | undefined =>
    selectProfile(all, { ...wish, denied }, { ...facts, state }).selected;
  const first = choose(known.state);
  return first && await chooseAndMark(app, known, choose, first);
}

/** Chooses under the lock: of many who ask at once, each sees what those before it have taken. */
async function chooseAndMark(
  { platform, stateRoot }: App,
  { current }: KnownProfiles,
  choose: (state: RuntimeState) => AuthProfile | undefined,
  first: AuthProfile,
): Promise<AuthProfile | undefined> {
  const paths = pathsOf({ stateRoot });
  let chosen: AuthProfile | undefined = first;
  try {
    using _lock = await platform.locks.acquire(paths.lock, LOCK_TIMEOUT_MS);
    changeState(platform, paths, (stored) => {
      const state = current(stored);
      chosen = choose(state);
      const record = chosen && state.records.get(chosen.profileId);
      if (record === undefined) return stored;
      return withRecord(stored, chosen!.profileId, { ...record, lastUsedAt: platform.clock.now() });
    });
  } catch (error) {
    // The mark is a cache: a medium that is full or read-only keeps nobody from a credential.
    const isPassing = isPalyraError(error, "unavailable") || isPalyraError(error, "precondition");
    if (!isPassing) throw error;
  }
  return chosen;
}
