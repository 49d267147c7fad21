/** The lock of a token set: one process at a time asks for new tokens, stores them, or takes them away. */

import { encodeUtf8 } from "../crypto/encoding.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { isPalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";

/** Where locks are. */
export interface LockPlace {
  readonly platform: Platform;
  /** A directory of palyra's own. */
  readonly lockDirectory: string;
}

const NAME_LENGTH = 32;

/** Longer than a refresh can take, in milliseconds, for who waits for one. */
export const REFRESH_MS = 15_000;

/**
 * Takes the lock of the tokens in this secret, whichever profiles name it; `undefined` when somebody has
 * held it all the time.
 */
export async function lockTokens(
  { platform, lockDirectory }: LockPlace,
  tokensRef: string,
  waitMs: number,
): Promise<Disposable | undefined> {
  const name = (await sha256Hex(encodeUtf8(tokensRef))).slice(0, NAME_LENGTH);
  platform.directories.ensure(lockDirectory);
  try {
    return await platform.locks.acquire(`${lockDirectory}/${name}.lock`, waitMs);
  } catch (error) {
    if (isPalyraError(error, "precondition")) return undefined;
    throw error;
  }
}
