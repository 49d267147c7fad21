/**
 * A token that is good now: of many processes that need one at a time, one asks the server, and all get
 * what it was given. The token set itself says whether a refresh has begun: whoever finds one begun and
 * nobody at it tries the same refresh token once more.
 */

import { PalyraError } from "../errors.ts";
import { credentialTag, recordFor } from "./credential_tag.ts";
import { isOAuth, type OAuthCredential, type OAuthProfile } from "./profile.ts";
import { readProfiles } from "./profiles_file.ts";
import {
  isTokenFailure,
  noteFailure,
  noteSuccess,
  type RefreshCourse,
  type RefreshNotes,
  writeIfOurs,
} from "./refresh_notes.ts";
import { requireRefreshable } from "./refreshable.ts";
import { readState } from "./runtime_state.ts";
import { type LockPlace, lockTokens } from "./token_lock.ts";
import {
  formatTokenSet,
  isFrom,
  isGoodFor,
  parseTokenSet,
  requireFrom,
  type TokenSet,
} from "./token_set.ts";

/** What a refresh needs. */
export interface RefreshContext extends RefreshNotes, LockPlace {
  /** Reads all that is of this machine: config and client. Throws whatever is wrong with it. */
  readonly prepare: (credential: OAuthCredential) => Promise<TokenServer>;
  /** Holds off signals that would end palyra between the server's answer and its being stored. */
  readonly holdSignals: () => Promise<Disposable>;
}

/** A server that can be asked; loaded when it comes to that. */
export interface TokenServer extends Disposable {
  /** Asks it. Throws `TokenFailure`. */
  readonly ask: (set: TokenSet) => Promise<TokenSet>;
}

/** What is wanted. */
export interface TokenWish {
  /** Milliseconds that the token has to be good for. */
  readonly minTtlMs: number;
  /** Ask the server even if the token that is there is good. */
  readonly force?: boolean;
}

/** How long a process waits for the one that asks, in milliseconds; then once more. */
const WAITS_MS = [15_000, 7_000] as const;
/** How long an answer is tried to be stored, in milliseconds: it cannot be asked for again. */
const STORE_MS = 30_000;

/**
 * The token set of a profile, with an access token that is good for as long as is wanted. Throws `auth`
 * where only a new login helps, `connectivity` where the server cannot be asked now, `not_found` where
 * nobody has logged in, `precondition` where another process has not ended in time.
 */
export async function freshTokens(
  context: RefreshContext,
  profile: OAuthProfile,
  wish: TokenWish,
): Promise<TokenSet> {
  const { platform } = context;
  const first = await readSet(context, profile);
  const isEnough = ({ set, isOurs }: StoredSet): boolean =>
    isOurs && isGoodFor(set, platform.clock.now(), wish.minTtlMs) && set.accessToken !== "";
  if (!wish.force && isEnough(first)) return first.set;
  for (const waitMs of WAITS_MS) {
    let current: OAuthProfile;
    {
      using lock = await lockTokens(context, profile.credential.tokensRef, waitMs);
      // Who waited may hold a profile of yesterday: new tokens are nothing for the server of old ones.
      current = await currentOf(context, profile);
      if (current.credential.tokensRef === profile.credential.tokensRef) {
        const stored = await readSet(context, current);
        const isNew = stored.version !== first.version && !stored.set.isRefreshing;
        if (isEnough(stored) && (isNew || !wish.force)) return stored.set;
        if (lock === undefined) continue;
        return await refresh(context, current, stored);
      }
    }
    return await freshTokens(context, current, wish); // its tokens are elsewhere, and so is their lock
  }
  throw new PalyraError(
    "precondition",
    `Cannot refresh ${profile.profileId}: another process is at it, and takes too long`,
  );
}

interface StoredSet {
  readonly set: TokenSet;
  readonly version: number;
  /** Of the profile's server and client; a login may be about to store a profile for those of another. */
  readonly isOurs: boolean;
}

/** Under the lock of the tokens. */
async function refresh(
  context: RefreshContext,
  profile: OAuthProfile,
  { set, version }: StoredSet,
): Promise<TokenSet> {
  const { platform, paths, secrets } = context;
  const { tokensRef } = profile.credential;
  requireFrom(set, profile);
  const now = platform.clock.now();
  const tag = await credentialTag(profile, 0);
  const record = recordFor(readState(platform, paths), profile.profileId, { tag, version });
  requireRefreshable(profile, record, set, now);
  using server = await context.prepare(profile.credential); // what fails here has begun nothing
  // Written also where it says so already: what cannot be written now could not keep an answer either.
  using begun = formatTokenSet({ ...set, isRefreshing: true, begunAt: now });
  const begunVersion = await secrets.write(tokensRef, begun, version);
  const course: RefreshCourse = { profile, tag, before: version, begunVersion };
  using _held = await context.holdSignals();
  let fresh: TokenSet;
  try {
    fresh = await server.ask(set);
  } catch (error) {
    if (await noteFailure(context, course, { set, error })) throw told(error);
    return await ofAnother(context, profile);
  }
  using value = formatTokenSet({ ...fresh, origin: set.origin });
  const written = await writeIfOurs(context, course, value, STORE_MS);
  if (written === undefined) return await ofAnother(context, profile);
  await noteSuccess(context, course, { set: fresh, version: written });
  return fresh;
}

/** The profile as it is now. Throws `precondition` where it is none any more that has tokens to use. */
async function currentOf(
  { platform, paths }: RefreshContext,
  { profileId }: OAuthProfile,
): Promise<OAuthProfile> {
  const found = (await readProfiles(platform, paths)).get(profileId);
  if (found?.enabled === true && isOAuth(found)) return found;
  throw new PalyraError(
    "precondition",
    `Cannot refresh ${profileId}: it was removed or changed meanwhile`,
  );
}

/** The tokens that somebody else has stored meanwhile. Throws `precondition` where they are no good. */
async function ofAnother(context: RefreshContext, profile: OAuthProfile): Promise<TokenSet> {
  const { set, isOurs } = await readSet(context, await currentOf(context, profile));
  const isGood = isOurs && !set.isRefreshing && isGoodFor(set, context.platform.clock.now(), 0);
  if (isGood) return set;
  throw new PalyraError(
    "precondition",
    `Cannot refresh ${profile.profileId}: its tokens were changed meanwhile`,
  );
}

async function readSet(
  { secrets }: RefreshContext,
  { profileId, credential }: OAuthProfile,
): Promise<StoredSet> {
  const found = await secrets.read(credential.tokensRef);
  if (found === undefined) {
    throw new PalyraError("not_found", `Cannot use ${profileId}: nobody has logged in`, {
      hint: "palyra auth login",
    });
  }
  using value = found.value;
  const set = parseTokenSet(value, credential.tokensRef);
  return { set, version: found.version, isOurs: isFrom(set, credential) };
}

function told(error: unknown): unknown {
  return isTokenFailure(error) ? error.error : error;
}
