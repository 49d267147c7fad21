/** What is stored and written down in the course of a refresh, as long as nobody has changed what it is about. */

import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { isPalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import { credentialTag, recordFor } from "./credential_tag.ts";
import { afterFailure, afterSuccess } from "./failures.ts";
import type { OAuthProfile } from "./profile.ts";
import { type ProfilePaths, readProfiles } from "./profiles_file.ts";
import { backoffOf } from "./provider.ts";
import { changeState, type ProfileRecord, withRecord } from "./runtime_state.ts";
import { formatTokenSet, type TokenSet } from "./token_set.ts";

/** The secrets of profiles, wherever they are. */
export interface TokenSecrets {
  /** The current value and its version; `undefined` when there is none. The caller wipes it. */
  read(
    ref: string,
  ): Promise<{ readonly value: SensitiveBytes; readonly version: number } | undefined>;
  /**
   * Stores a value without history; its version. Throws `precondition`, with `current_version` in its
   * details, when the current version is not `ifVersion`.
   */
  write(ref: string, value: SensitiveBytes, ifVersion: number): Promise<number>;
}

/** Where it is stored and written down. */
export interface RefreshNotes {
  readonly platform: Platform;
  readonly paths: ProfilePaths;
  readonly secrets: TokenSecrets;
}

/** A refresh that has begun. */
export interface RefreshCourse {
  readonly profile: OAuthProfile;
  /** Of the profile's credential. */
  readonly tag: string;
  /** Of the token set as it was found. */
  readonly before: number;
  /** Of the token set that says that a refresh has begun. */
  readonly begunVersion: number;
}

const LOCK_TIMEOUT_MS = 15_000;
const AGAIN_MS = 500;

/**
 * Stores a token set in place of the one that says that a refresh has begun; its version, or `undefined`
 * when somebody has stored another one meanwhile: theirs is newer than any answer. What else keeps it
 * from being stored is tried again for some time.
 */
export async function writeIfOurs(
  { platform: { clock }, secrets }: RefreshNotes,
  { profile: { credential }, begunVersion }: RefreshCourse,
  value: SensitiveBytes,
  patienceMs: number,
): Promise<number | undefined> {
  const until = clock.now() + patienceMs;
  for (;;) {
    try {
      return await secrets.write(credential.tokensRef, value, begunVersion);
    } catch (error) {
      // A database that is locked is a precondition, too.
      const isAnothers = isPalyraError(error, "precondition") &&
        error.details?.["current_version"] !== undefined;
      if (isAnothers) return undefined;
      if (!isPalyraError(error) || clock.now() >= until) throw error;
      await clock.pause(AGAIN_MS);
    }
  }
}

/** Writes down that new tokens were stored. That it cannot be written keeps nobody from them. */
export async function noteSuccess(
  context: RefreshNotes,
  course: RefreshCourse,
  { set, version }: { readonly set: TokenSet; readonly version: number },
): Promise<void> {
  const now = context.platform.clock.now();
  const change = (record: ProfileRecord): ProfileRecord => ({
    ...afterSuccess(record, now),
    refreshable: set.refreshToken !== undefined,
  });
  try {
    await note(context, course, { change, expiresAt: set.expiresAt, version });
  } catch (error) {
    if (!isPalyraError(error)) throw error;
  }
}

/** Whether the failure is about the tokens that are there, and not about those of before a login. */
export async function noteFailure(
  context: RefreshNotes,
  course: RefreshCourse,
  { set, error }: { readonly set: TokenSet; readonly error: unknown },
): Promise<boolean> {
  const { clock, random } = context.platform;
  const { provider } = course.profile;
  const wasAsked = isTokenFailure(error);
  let version: number | undefined = course.begunVersion;
  // Where the server never got the request, or has refused it, no answer was lost.
  if (!wasAsked || !error.mayHaveArrived || error.failure.kind === "auth_invalid") {
    using ended = formatTokenSet({ ...set, isRefreshing: false });
    try {
      version = await writeIfOurs(context, course, ended, 0);
    } catch (unwritten) { // then it says that an answer may have been lost, which does no harm
      if (!isPalyraError(unwritten)) throw unwritten;
    }
    if (version === undefined) return false;
  }
  if (!wasAsked) return true;
  const chance = random.bytes(1)[0]! / 255;
  const change = (record: ProfileRecord): ProfileRecord =>
    afterFailure(record, error.failure, backoffOf(provider), { now: clock.now(), chance });
  return await note(context, course, { change, expiresAt: set.expiresAt, version });
}

/** What is to be written down, and of which tokens. */
interface Note {
  readonly change: (record: ProfileRecord) => ProfileRecord;
  readonly expiresAt: number | undefined;
  readonly version: number;
}

/**
 * Writes down what is known now, unless the profile is another one by now, or its tokens are. Whether the
 * tokens are the same.
 */
async function note(
  { platform, paths, secrets }: RefreshNotes,
  { profile: { profileId, credential }, tag, before }: RefreshCourse,
  { change, expiresAt, version }: Note,
): Promise<boolean> {
  using _lock = await platform.locks.acquire(paths.lock, LOCK_TIMEOUT_MS);
  // A login stores tokens before it writes anything down under this lock: that comes after this look.
  const found = await secrets.read(credential.tokensRef);
  using _value = found?.value;
  if (found?.version !== version) return false;
  const current = (await readProfiles(platform, paths)).get(profileId);
  if (current === undefined || await credentialTag(current, 0) !== tag) return true;
  changeState(platform, paths, (state) => {
    // Of now, and not of before the request: somebody may have ended a rest meanwhile.
    const { expiresAt: _old, ...record } = recordFor(state, profileId, { tag, version: before });
    return withRecord(state, profileId, {
      ...change(record),
      tokensVersion: version,
      ...(expiresAt === undefined ? {} : { expiresAt }),
    });
  });
  return true;
}

/** By its shape: who asks is loaded only when it comes to that. */
export function isTokenFailure(
  error: unknown,
): error is import("./token_endpoint.ts").TokenFailure {
  return error instanceof Error && "failure" in error && "mayHaveArrived" in error;
}
