/** Whether the server of a profile may be asked for new tokens now. */

import { PalyraError } from "../errors.ts";
import type { AuthProfile } from "./profile.ts";
import type { ProfileRecord } from "./runtime_state.ts";
import { isGoodFor, type TokenSet } from "./token_set.ts";

/**
 * Throws `auth` where the server would not give new tokens, whatever it is asked, and `connectivity` while
 * it shall not be asked.
 */
export function requireRefreshable(
  { profileId }: AuthProfile,
  record: ProfileRecord,
  set: TokenSet,
  now: number,
): void {
  const hint = { hint: "Log in again: palyra auth login" };
  if (record.failure === "auth_invalid") {
    throw new PalyraError(
      "auth",
      `Cannot use ${profileId}: the provider has ended this login`,
      hint,
    );
  }
  if (record.failure === "config_missing") {
    throw new PalyraError("auth", `Cannot use ${profileId}: the provider has refused its client`, {
      hint: "Mend the client's id, secret or scopes, then " +
        `palyra auth profiles cooldown-clear ${profileId}`,
    });
  }
  if (set.refreshToken === undefined) {
    const why = isGoodFor(set, now, 0)
      ? `Cannot refresh ${profileId}: it has no refresh token`
      : `Cannot use ${profileId}: its token has ended, and it has no refresh token`;
    throw new PalyraError("auth", why, hint);
  }
  if (record.cooldownUntil !== undefined && record.cooldownUntil > now) {
    const seconds = Math.ceil((record.cooldownUntil - now) / 1_000);
    throw new PalyraError("connectivity", `Cannot refresh ${profileId}: it rests after failures`, {
      hint: `For ${seconds} s more; palyra auth profiles cooldown-clear ${profileId} ends that`,
      details: { cooldown_until: new Date(record.cooldownUntil).toISOString() },
    });
  }
}
