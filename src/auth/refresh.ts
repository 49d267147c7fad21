/**
 * A token that is good now: of many processes that need one at a time, one asks the server, and all get
 * what it was given. The token set itself says whether a refresh has begun: whoever finds one begun and
 * nobody at it tries the same refresh token once more.
 */

import { isPalyraError, PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { afterFailure, afterSuccess } from "./failures.ts";
import type { AuthProfile, OAuthCredential, ProfileId } from "./profile.ts";
import { type ProfilePaths, readProfiles } from "./profiles_file.ts";
import { backoffOf } from "./provider.ts";
import { requireRefreshable } from "./refreshable.ts";
import { changeState, type ProfileRecord, readState, withRecord } from "./runtime_state.ts";
import { credentialTag, recordFor } from "./credential_tag.ts";
import { formatTokenSet, isGoodFor, parseTokenSet, type TokenSet } from "./token_set.ts";

/** The secrets of profiles, wherever they are. */
export interface TokenSecrets {
  /** The current value and its version; `undefined` when there is none. The caller wipes it. */
  read(
    ref: string,
  ): Promise<{ readonly value: SensitiveBytes; readonly version: number } | undefined>;
  /**
   * Stores a value without history; its version. Throws `precondition` when the current version is not
   * `ifVersion`.
   */
  write(ref: string, value: SensitiveBytes, ifVersion: number): Promise<number>;
}

/** What a refresh needs. */
export interface RefreshContext {
  readonly platform: Platform;
  readonly paths: ProfilePaths;
  /** A directory of palyra's own, for the locks of profiles. */
  readonly lockDirectory: string;
  readonly secrets: TokenSecrets;
  /** Asks the server; loaded when it comes to that. Throws `TokenFailure`. */
  readonly ask: (credential: OAuthCredential, set: TokenSet) => Promise<TokenSet>;
  /** Holds off signals that would end palyra between the server's answer and its being stored. */
  readonly holdSignals: () => Promise<Disposable>;
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

type OAuthProfile = AuthProfile & { readonly credential: OAuthCredential };

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
  const isEnough = ({ set }: StoredSet): boolean =>
    isGoodFor(set, platform.clock.now(), wish.minTtlMs) && set.accessToken !== "";
  if (!wish.force && isEnough(first)) return first.set;
  for (const waitMs of WAITS_MS) {
    using lock = await lockProfile(context, profile.profileId, waitMs);
    // Who waited may hold a profile of yesterday: new tokens are nothing for the server of old ones.
    const current = await currentOf(context, profile);
    const stored = await readSet(context, current);
    const isSame = current.credential.tokensRef === profile.credential.tokensRef;
    const isNew = isSame && stored.version !== first.version && !stored.set.isRefreshing;
    if (isEnough(stored) && (isNew || !wish.force)) return stored.set;
    if (lock !== undefined) return await refresh(context, current, stored);
  }
  throw new PalyraError(
    "precondition",
    `Cannot refresh ${profile.profileId}: another process is at it, and takes too long`,
  );
}

interface StoredSet {
  readonly set: TokenSet;
  readonly version: number;
}

/** Under the profile's lock. */
async function refresh(
  context: RefreshContext,
  profile: OAuthProfile,
  { set, version }: StoredSet,
): Promise<TokenSet> {
  const { platform, paths, secrets } = context;
  const tag = await credentialTag(profile, 0);
  const record = recordFor(readState(platform, paths), profile.profileId, tag);
  requireRefreshable(profile, record, set, platform.clock.now());
  using begun = formatTokenSet({ ...set, isRefreshing: true });
  const { tokensRef } = profile.credential;
  const begunVersion = set.isRefreshing ? version : await secrets.write(tokensRef, begun, version);
  using _held = await context.holdSignals();
  let fresh: TokenSet;
  try {
    fresh = await context.ask(profile.credential, set);
  } catch (error) {
    const isOurs = await noteFailure(context, profile, { record, set, begunVersion, error });
    if (isOurs) throw told(error);
    return (await readSet(context, profile)).set;
  }
  using value = formatTokenSet(fresh);
  const written = await writeIfOurs(context, profile, value, begunVersion);
  if (written === undefined) return (await readSet(context, profile)).set;
  const after = {
    ...afterSuccess(record, platform.clock.now()),
    refreshable: fresh.refreshToken !== undefined,
  };
  await note(context, profile, { record: after, expiresAt: fresh.expiresAt, version: written });
  return fresh;
}

/** The profile as it is now. Throws `precondition` where it is none any more that has tokens to use. */
async function currentOf(
  { platform, paths }: RefreshContext,
  { profileId }: OAuthProfile,
): Promise<OAuthProfile> {
  const found = (await readProfiles(platform, paths)).get(profileId);
  if (found?.enabled === true && found.credential.type === "oauth") return found as OAuthProfile;
  throw new PalyraError(
    "precondition",
    `Cannot refresh ${profileId}: it was removed or changed meanwhile`,
  );
}

/** The new version; `undefined` when somebody has logged in meanwhile: theirs is newer than any answer. */
async function writeIfOurs(
  { secrets }: RefreshContext,
  { credential }: OAuthProfile,
  value: SensitiveBytes,
  ifVersion: number,
): Promise<number | undefined> {
  try {
    return await secrets.write(credential.tokensRef, value, ifVersion);
  } catch (error) {
    if (isPalyraError(error, "precondition")) return undefined;
    throw error;
  }
}

/** A failure, as it was thrown by who asks. */
interface Failed {
  readonly record: ProfileRecord;
  readonly set: TokenSet;
  readonly begunVersion: number;
  readonly error: unknown;
}

/** Whether the failure is about the tokens that are there, and not about those of before a login. */
async function noteFailure(
  context: RefreshContext,
  profile: OAuthProfile,
  { record, set, begunVersion, error }: Failed,
): Promise<boolean> {
  const { platform } = context;
  const wasAsked = isTokenFailure(error);
  let version = begunVersion;
  // Where the server never got the request, or has refused it, no answer was lost.
  if (!wasAsked || !error.mayHaveArrived || error.failure.kind === "auth_invalid") {
    using ended = formatTokenSet({ ...set, isRefreshing: false });
    const written = await writeIfOurs(context, profile, ended, begunVersion);
    if (written === undefined) return false;
    version = written;
  }
  if (!wasAsked) return true;
  const chance = platform.random.bytes(1)[0]! / 255;
  const now = platform.clock.now();
  const next = afterFailure(record, error.failure, backoffOf(profile.provider), { now, chance });
  return await note(context, profile, { record: next, expiresAt: set.expiresAt, version });
}

/** What is to be written down, and of which tokens. */
interface Noted {
  readonly record: ProfileRecord;
  readonly expiresAt: number | undefined;
  readonly version: number;
}

/**
 * Writes down what is known now, unless the profile is another one by now, or its tokens are. Whether the
 * tokens are the same.
 */
async function note(
  { platform, paths, secrets }: RefreshContext,
  { profileId, credential }: OAuthProfile,
  { record, expiresAt, version }: Noted,
): Promise<boolean> {
  const { expiresAt: _old, ...others } = record;
  using _lock = await platform.locks.acquire(paths.lock, WAITS_MS[0]);
  // A login stores tokens before it takes this lock: whatever it writes down comes after this look.
  const found = await secrets.read(credential.tokensRef);
  using _value = found?.value;
  if (found?.version !== version) return false;
  const current = (await readProfiles(platform, paths)).get(profileId);
  const tag = current && await credentialTag(current, 0);
  if (tag !== record.credential) return true;
  changeState(
    platform,
    paths,
    (state) =>
      withRecord(state, profileId, {
        ...others,
        ...(expiresAt === undefined ? {} : { expiresAt }),
      }),
  );
  return true;
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
  return { set: parseTokenSet(value, credential.tokensRef), version: found.version };
}

/**
 * The lock of a profile, for who refreshes its tokens or stores those of a login; `undefined` when somebody
 * has held it all the time.
 */
export async function lockProfile(
  { platform, lockDirectory }: Pick<RefreshContext, "platform" | "lockDirectory">,
  profileId: ProfileId,
  waitMs: number,
): Promise<Disposable | undefined> {
  platform.directories.ensure(lockDirectory);
  try {
    return await platform.locks.acquire(`${lockDirectory}/${profileId}.lock`, waitMs);
  } catch (error) {
    if (isPalyraError(error, "precondition")) return undefined;
    throw error;
  }
}

/** By its shape: who asks is loaded only when it comes to that. */
function isTokenFailure(
  error: unknown,
): error is import("./token_endpoint.ts").TokenFailure {
  return error instanceof Error && "failure" in error && "mayHaveArrived" in error;
}

function told(error: unknown): unknown {
  return isTokenFailure(error) ? error.error : error;
}
