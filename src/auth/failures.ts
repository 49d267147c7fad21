/** What a failure means for the next attempt: how long a profile rests, and whether it ever comes back. */

import type { BackoffPolicy } from "./provider.ts";
import type { FailureKind, ProfileRecord } from "./runtime_state.ts";

/** A failure as it was seen. */
export interface Failure {
  readonly kind: FailureKind;
  /** What the server asked for (`Retry-After`), in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

/** A rest that does not grow, in milliseconds. */
const RATE_LIMIT_MS = 60_000;
/** No server makes a profile rest for longer. */
const LONGEST_MS = 86_400_000;
const MAX_EXPONENT = 20;

/**
 * The record after a failure. `chance` from 0 to 1 spreads the attempts of many processes over the
 * second half of the time. What a provider has refused, credential or client, does not rest: no time
 * mends it.
 */
export function afterFailure(
  record: ProfileRecord,
  failure: Failure,
  policy: BackoffPolicy,
  { now, chance }: { readonly now: number; readonly chance: number },
): ProfileRecord {
  const failures = record.failures + 1;
  const rest = restOf(failure, failures, policy, chance);
  const { cooldownUntil: _old, ...others } = record;
  return {
    ...others,
    lastUsedAt: now,
    lastFailureAt: now,
    failure: failure.kind,
    failures,
    ...(rest === undefined ? {} : { cooldownUntil: now + rest }),
  };
}

/** The record after a success: nothing of earlier failures is left. */
export function afterSuccess(record: ProfileRecord, now: number): ProfileRecord {
  const { cooldownUntil: _cooldown, failure: _failure, ...others } = record;
  return { ...others, failures: 0, lastUsedAt: now, lastSuccessAt: now };
}

/** The record without what keeps its profile from being used; what was refused stays refused. */
export function withoutCooldown(record: ProfileRecord): ProfileRecord {
  const { cooldownUntil: _cooldown, ...others } = record;
  if (record.failure === "auth_invalid") return others;
  const { failure: _failure, ...rest } = others;
  return { ...rest, failures: 0 };
}

/** How long to rest, in milliseconds; `undefined` where time mends nothing. */
function restOf(
  { kind, retryAfterMs = 0 }: Failure,
  failures: number,
  { baseMs, maxMs }: BackoffPolicy,
  chance: number,
): number | undefined {
  if (kind === "auth_invalid" || kind === "config_missing") return undefined;
  const delay = kind === "rate_limit"
    ? RATE_LIMIT_MS
    : Math.min(maxMs, baseMs * 2 ** Math.min(failures - 1, MAX_EXPONENT));
  const spread = delay / 2 + chance * delay / 2;
  return Math.min(LONGEST_MS, Math.max(spread, retryAfterMs));
}
