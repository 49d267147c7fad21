/** `palyra auth profiles health`, `order-set`, `explain-selection` and `cooldown-clear`. */

import { withoutCooldown } from "../../auth/failures.ts";
import { EXPIRY_CLASSES, type HealthState } from "../../auth/health.ts";
import { isVisible, parseAgentId } from "../../auth/profile.ts";
import { parseProvider } from "../../auth/provider.ts";
import { changeState, orderKey, withRecord } from "../../auth/runtime_state.ts";
import { selectProfile } from "../../auth/selection.ts";
import { PalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import { knownProfiles, pathsOf, requireProfile } from "../auth/profiles.ts";
import { healthJson, healthLine, healthOfAll } from "../auth/told.ts";
import type { JsonObject, RecordView } from "../view.ts";

/** Flags of `auth profiles health`. */
export interface HealthFlags {
  readonly agent?: string | undefined;
  readonly "include-profiles"?: boolean | undefined;
}

/** Flags of `auth profiles order-set`. */
export interface OrderFlags {
  readonly provider?: string | undefined;
  readonly agent?: string | undefined;
}

/** Flags of `auth profiles explain-selection`. */
export interface ExplainFlags extends OrderFlags {
  readonly profile?: readonly string[] | undefined;
  readonly credential?: readonly string[] | undefined;
  readonly deny?: readonly string[] | undefined;
}

const LOCK_TIMEOUT_MS = 10_000;
const STATES: readonly HealthState[] = [
  "ok",
  "expiring",
  "expired",
  "missing",
  "revoked",
  "static",
  "disabled",
];

/** How all profiles are. It looks, and changes nothing. */
export async function profilesHealth(app: App, flags: HealthFlags): Promise<RecordView> {
  const agent = parseAgentId(flags.agent);
  const known = await knownProfiles(app);
  const profiles = [...known.profiles.values()].filter((profile) =>
    agent === undefined || isVisible(profile, agent)
  );
  const healths = healthOfAll(known, profiles);
  const count = <T>(all: readonly T[], of: (one: (typeof healths)[number]) => T): JsonObject =>
    Object.fromEntries(
      all.map((one) => [one, healths.filter((health) => of(health) === one).length]),
    );
  const summary = { total: healths.length, ...count(STATES, ({ state }) => state) };
  return {
    kind: "record",
    json: {
      summary,
      expiry_distribution: count(EXPIRY_CLASSES, ({ expiry }) => expiry),
      ...(flags["include-profiles"] ? { profiles: healths.map(healthJson) } : {}),
    },
    text: [
      ...Object.entries(summary).map(([name, number]) => `${name.padEnd(9)} ${number}`),
      ...(flags["include-profiles"] ? healths.map(healthLine) : []),
    ].join("\n"),
  };
}

/** Says in which order profiles are tried; none clears the order. */
export async function profilesOrderSet(
  app: App,
  flags: OrderFlags,
  ...ids: string[]
): Promise<RecordView> {
  const provider = flags.provider === undefined ? undefined : parseProvider(flags.provider);
  const agent = parseAgentId(flags.agent);
  const known = await knownProfiles(app);
  const order = [...new Set(ids)].map((id) => {
    const profile = requireProfile(known.profiles, id);
    if (provider !== undefined && profile.provider !== provider) {
      throw new PalyraError(
        "usage",
        `Cannot order ${profile.profileId}: it is of another provider`,
      );
    }
    if (!isVisible(profile, agent)) {
      throw new PalyraError("usage", `Cannot order ${profile.profileId}: it belongs to an agent`, {
        hint: "--agent names whose order it is",
      });
    }
    return profile.profileId;
  });
  const scope = agent === undefined ? "global" : `agent:${agent}`;
  const key = orderKey(scope, provider);
  await change(app, (state) => {
    const orders = new Map(state.orders);
    if (order.length === 0) orders.delete(key);
    else orders.set(key, order);
    return { ...state, orders };
  });
  return {
    kind: "record",
    json: { scope, ...(provider === undefined ? {} : { provider }), profile_ids: order },
    text: order.length === 0 ? `no order for ${key}` : `${key}: ${order.join(", ")}`,
  };
}

/** Which profile would be used, and why each of the others would not. */
export async function profilesExplainSelection(
  app: App,
  flags: ExplainFlags,
): Promise<RecordView> {
  const { provider, profile, credential, deny } = flags;
  const agentId = parseAgentId(flags.agent);
  const credentials = credential?.map((one) => {
    if (one === "api_key" || one === "oauth") return one;
    throw new PalyraError("usage", "Cannot use --credential: it is api_key or oauth");
  });
  const known = await knownProfiles(app);
  const { selected, reason, candidates } = selectProfile(known.profiles.values(), {
    provider: provider === undefined ? undefined : parseProvider(provider),
    agentId,
    ...(profile === undefined ? {} : { order: profile }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(deny === undefined ? {} : { denied: deny }),
  }, known.facts);
  return {
    kind: "record",
    json: {
      ...(selected === undefined ? {} : { selected_profile_id: selected.profileId }),
      reason_code: reason,
      candidates: candidates.map((one) => ({
        profile_id: one.profile.profileId,
        provider: one.profile.provider,
        scope: one.profile.scope,
        credential_type: one.profile.credential.type,
        failure_count: one.record?.failures ?? 0,
        selected: one.isSelected,
        reason_code: one.reason,
        ...(one.record?.cooldownUntil === undefined
          ? {}
          : { cooldown_until: new Date(one.record.cooldownUntil).toISOString() }),
      })),
    },
    text: [
      selected === undefined ? reason : `selected  ${selected.profileId}`,
      ...candidates.map((one) => `${one.profile.profileId}  ${one.reason}`),
    ].join("\n"),
  };
}

/** Lets a profile be used again at once. What the provider refused stays refused. */
export async function profilesCooldownClear(
  app: App,
  _flags: Readonly<Record<never, never>>,
  id: string,
): Promise<RecordView> {
  const known = await knownProfiles(app);
  const { profileId } = requireProfile(known.profiles, id);
  let changed = false;
  await change(app, (state) => {
    const record = state.records.get(profileId);
    if (record === undefined) return state;
    const after = withoutCooldown(record);
    changed = JSON.stringify(after) !== JSON.stringify(record);
    return withRecord(state, profileId, after);
  });
  return {
    kind: "record",
    json: { changed, profile_id: profileId },
    text: changed ? `cleared    ${profileId}` : `unchanged  ${profileId} was not resting`,
  };
}

async function change(
  app: App,
  edit: Parameters<typeof changeState>[2],
): Promise<void> {
  const paths = pathsOf(app);
  app.platform.directories.ensure(app.stateRoot);
  using _lock = await app.platform.locks.acquire(paths.lock, LOCK_TIMEOUT_MS);
  changeState(app.platform, paths, edit);
}
