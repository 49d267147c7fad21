/** Which profile is used: a pure function over profiles, what happened to them, and what is asked for. */

import { type AuthProfile, isVisible, type ProfileId } from "./profile.ts";
import type { ProviderKey } from "./provider.ts";
import { orderKey, type ProfileRecord, type RuntimeState } from "./runtime_state.ts";

/** What is asked for. */
export interface SelectionWish {
  readonly provider?: ProviderKey | undefined;
  /** The agent that asks; without one only global profiles are looked at. */
  readonly agentId?: string | undefined;
  /** Ids in the order in which they are tried; others are not. Without it the stored order. */
  readonly order?: readonly string[];
  readonly credentials?: readonly AuthProfile["credential"]["type"][];
  readonly denied?: readonly string[];
}

/** What is known beside the profiles. */
export interface SelectionFacts {
  readonly state: RuntimeState;
  /** Whether the secrets of a profile are in the vault. */
  readonly isPresent: (profile: AuthProfile) => boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Why a profile is chosen or not: the first of these that holds. */
export const CANDIDATE_REASONS = [
  "provider_mismatch",
  "credential_mode_restricted",
  "not_in_explicit_order",
  "policy_denied",
  "profile_disabled",
  "credential_missing",
  "credential_revoked",
  "config_missing",
  "cooldown_active",
  "token_expired",
  "eligible",
] as const;

/** Why a profile is chosen or not. */
export type CandidateReason = typeof CANDIDATE_REASONS[number];

/** A profile that was looked at. */
export interface Candidate {
  readonly profile: AuthProfile;
  readonly record: ProfileRecord | undefined;
  readonly reason: CandidateReason;
  readonly isSelected: boolean;
}

/** What came of it. */
export interface Selection {
  readonly selected: AuthProfile | undefined;
  readonly reason: "selected" | "no_eligible_candidates" | "no_candidates";
  /** The best first. */
  readonly candidates: readonly Candidate[];
}

/**
 * Looks at every profile that the asker may see. Eligible ones come first, then by position in the order,
 * then the longest unused, then by id.
 */
export function selectProfile(
  profiles: Iterable<AuthProfile>,
  wish: SelectionWish,
  facts: SelectionFacts,
): Selection {
  const visible = [...profiles].filter((profile) => isVisible(profile, wish.agentId));
  const stored = storedOrder(wish, facts.state);
  const position = new Map((wish.order ?? stored ?? []).map((id, at) => [id, at]));
  const ranked = visible.map((profile) => {
    const record = facts.state.records.get(profile.profileId);
    const reason = reasonFor(profile, record, wish, facts);
    return { profile, record, reason };
  }).sort((a, b) =>
    Number(b.reason === "eligible") - Number(a.reason === "eligible") ||
    placeOf(position, a.profile.profileId) - placeOf(position, b.profile.profileId) ||
    (a.record?.lastUsedAt ?? 0) - (b.record?.lastUsedAt ?? 0) ||
    (a.profile.profileId < b.profile.profileId ? -1 : 1)
  );
  const best = ranked[0]?.reason === "eligible" ? ranked[0] : undefined;
  return {
    selected: best?.profile,
    reason: best !== undefined
      ? "selected"
      : visible.length === 0
      ? "no_candidates"
      : "no_eligible_candidates",
    candidates: ranked.map((one) => ({ ...one, isSelected: one === best })),
  };
}

function reasonFor(
  profile: AuthProfile,
  record: ProfileRecord | undefined,
  { provider, order, credentials, denied }: SelectionWish,
  { isPresent, now }: SelectionFacts,
): CandidateReason {
  const { credential, profileId } = profile;
  if (provider !== undefined && profile.provider !== provider) return "provider_mismatch";
  if (credentials !== undefined && !credentials.includes(credential.type)) {
    return "credential_mode_restricted";
  }
  if (order !== undefined && !order.includes(profileId)) return "not_in_explicit_order";
  if (denied?.includes(profileId)) return "policy_denied";
  if (!profile.enabled) return "profile_disabled";
  if (!isPresent(profile)) return "credential_missing";
  if (record?.failure === "auth_invalid") return "credential_revoked";
  if (record?.failure === "config_missing") return "config_missing";
  if (record?.cooldownUntil !== undefined && record.cooldownUntil > now) return "cooldown_active";
  const isOver = credential.type === "oauth" && record?.expiresAt !== undefined &&
    record.expiresAt <= now && record.refreshable === false;
  return isOver ? "token_expired" : "eligible";
}

/** An agent's own order comes before that for everybody, one for the provider before one for all. */
function storedOrder(
  { agentId, provider }: SelectionWish,
  { orders }: RuntimeState,
): readonly string[] | undefined {
  const scopes = agentId === undefined ? ["global"] : [`agent:${agentId}`, "global"];
  const keys = scopes.flatMap((scope) =>
    provider === undefined
      ? [orderKey(scope, undefined)]
      : [orderKey(scope, provider), orderKey(scope, undefined)]
  );
  return keys.map((key) => orders.get(key)).find((order) => order !== undefined);
}

function placeOf(position: ReadonlyMap<string, number>, id: ProfileId): number {
  return position.get(id) ?? Number.MAX_SAFE_INTEGER;
}
