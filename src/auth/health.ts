/** How a profile is: judged from what is written down, without asking anybody. */

import type { AuthProfile } from "./profile.ts";
import type { ProfileRecord } from "./runtime_state.ts";

/** The state of a profile. */
export type HealthState =
  | "ok"
  | "expiring"
  | "expired"
  | "missing"
  | "revoked"
  | "static"
  | "disabled";

/** When the access token ends. */
export const EXPIRY_CLASSES = [
  "expired",
  "under_5m",
  "between_5m_15m",
  "between_15m_60m",
  "between_1h_24h",
  "over_24h",
  "unknown",
  "static",
  "missing",
] as const;

/** When the access token ends. */
export type ExpiryClass = typeof EXPIRY_CLASSES[number];

/** Health of one profile. */
export interface ProfileHealth {
  readonly profile: AuthProfile;
  readonly state: HealthState;
  readonly expiry: ExpiryClass;
  /** One clause for people. */
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number | undefined;
}

/** What is looked at. */
export interface HealthFacts {
  readonly record: ProfileRecord | undefined;
  /** Its secrets are in the vault. */
  readonly isPresent: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const EXPIRING_MS = 15 * MINUTE;

/** Judges a profile. */
export function healthOf(profile: AuthProfile, facts: HealthFacts): ProfileHealth {
  const { record, isPresent, now } = facts;
  const expiresAt = profile.credential.type === "oauth" ? record?.expiresAt : undefined;
  const expiry = expiryOf(profile, facts);
  const made = (state: HealthState, reason: string): ProfileHealth => ({
    profile,
    state,
    expiry,
    reason,
    expiresAt,
  });
  if (!profile.enabled) return made("disabled", "it is switched off");
  if (!isPresent) return made("missing", "the vault does not hold its secret");
  if (record?.failure === "auth_invalid") {
    return made("revoked", "the provider refused it: log in again");
  }
  if (profile.credential.type === "api_key") return made("static", "a key that does not end");
  if (expiresAt === undefined) return made("ok", "when its access token ends is not known");
  if (expiresAt <= now) {
    return made("expired", "its access token has ended; the next use refreshes it");
  }
  if (expiresAt - now <= EXPIRING_MS) return made("expiring", "its access token is about to end");
  return made("ok", "its access token is good");
}

function expiryOf(
  { credential }: AuthProfile,
  { record, isPresent, now }: HealthFacts,
): ExpiryClass {
  if (!isPresent) return "missing";
  if (credential.type === "api_key") return "static";
  const left = record?.expiresAt === undefined ? undefined : record.expiresAt - now;
  if (left === undefined) return "unknown";
  if (left <= 0) return "expired";
  if (left < 5 * MINUTE) return "under_5m";
  if (left < 15 * MINUTE) return "between_5m_15m";
  if (left < HOUR) return "between_15m_60m";
  return left < 24 * HOUR ? "between_1h_24h" : "over_24h";
}
