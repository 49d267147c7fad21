/** What is to be said about a profile that is not as it should be: the first thing that holds. */

import { healthOf } from "./health.ts";
import type { AuthProfile } from "./profile.ts";
import type { SelectionFacts } from "./selection.ts";

/** Something to be mended, or to be known. */
export interface ProfileHint {
  /**
   * Public: `credential_missing`, `auth_invalid`, `config_missing`, `token_expired`; `<failure>_cooldown`
   * while a profile rests after a failure, `refresh_due` when the rest is over.
   */
  readonly code: string;
  /** An `error` keeps the profile from being used until somebody does something. */
  readonly severity: "error" | "warning";
  /** One clause. */
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
}

/**
 * Judges a profile by what is written down; nobody is asked. One that is switched off is as it should be,
 * and so is one whose token has ended while the next use can refresh it.
 */
export function hintOf(profile: AuthProfile, facts: SelectionFacts): ProfileHint | undefined {
  const { profileId, credential, enabled } = profile;
  if (!enabled) return undefined;
  const record = facts.state.records.get(profileId);
  const isPresent = facts.isPresent(profile);
  const { state, reason } = healthOf(profile, { record, isPresent, now: facts.now });
  const again = credential.type === "oauth"
    ? "palyra auth login logs in again"
    : `palyra secrets set ${credential.apiKeyRef} stores a key`;
  const clear = `palyra auth profiles cooldown-clear ${profileId}`;
  const error = (code: string, message: string, remedy: string): ProfileHint => ({
    code,
    severity: "error",
    message,
    remedy,
  });
  if (state === "missing") return error("credential_missing", reason, again);
  if (state === "revoked") return error("auth_invalid", reason, again);
  if (record?.failure === "config_missing") {
    const message = "the provider refuses the client, not the login";
    const mend = "Mend the client's id, secret or scopes";
    return error("config_missing", message, `${mend}, then ${clear}`);
  }
  if (state === "expired" && record?.refreshable === false) {
    return error("token_expired", "its token has ended, and nothing can refresh it", again);
  }
  if (record?.failure === undefined) return undefined;
  const isResting = record.cooldownUntil !== undefined && record.cooldownUntil > facts.now;
  const times = record.failures === 1 ? "once" : `${record.failures} times`;
  const seconds = Math.ceil(((record.cooldownUntil ?? 0) - facts.now) / 1_000);
  return {
    code: isResting ? `${record.failure}_cooldown` : "refresh_due",
    severity: "warning",
    message: isResting
      ? `it has failed ${times}, and rests for ${seconds} s more`
      : `it has failed ${times}; the next use tries again`,
    remedy: isResting ? `${clear} ends that` : `palyra auth refresh ${profileId} tries now`,
  };
}
