/** `palyra auth profiles doctor` and `audit`: what is wrong with profiles, and what they left behind. */

import { hintOf, type ProfileHint } from "../../auth/hint.ts";
import { leftoversOf } from "../../auth/leftovers.ts";
import { type AuthProfile, isVisible, parseAgentId } from "../../auth/profile.ts";
import { parseProvider } from "../../auth/provider.ts";
import { type ProfileRecord, readState, TIMES } from "../../auth/runtime_state.ts";
import type { App } from "../app.ts";
import { counted } from "../counted.ts";
import { isOwned } from "../auth/owned.ts";
import { knownProfiles, pathsOf, secretVersions } from "../auth/profiles.ts";
import { healthOfAll, hintedJson, summaryOf } from "../auth/told.ts";
import { findingsFailure } from "../doctor/check.ts";
import type { JsonObject, RecordView } from "../view.ts";

/** Flags of `auth profiles doctor`. */
export interface ProfilesDoctorFlags {
  readonly agent?: string | undefined;
  readonly strict?: boolean | undefined;
}

/** Flags of `auth profiles audit`. */
export interface ProfilesAuditFlags {
  readonly agent?: string | undefined;
  readonly provider?: string | undefined;
  readonly strict?: boolean | undefined;
}

const STATUS = { ok: "ok", warning: "warn", error: "fail" } as const;

/** Says of each profile what is wrong with it; asks nobody, and changes nothing. */
export async function profilesDoctor(app: App, flags: ProfilesDoctorFlags): Promise<RecordView> {
  const agent = parseAgentId(flags.agent);
  const known = await knownProfiles(app);
  const profiles = [...known.profiles.values()]
    .filter((profile) => agent === undefined || isVisible(profile, agent))
    .sort((a, b) => a.profileId < b.profileId ? -1 : 1);
  const hints = profiles.map((profile) => hintOf(profile, known.facts));
  const { errors, warnings, status } = summaryOf(hints);
  const healths = healthOfAll(known, profiles);
  const failure = findingsFailure(errors, flags.strict ? warnings : 0);
  return {
    kind: "record",
    json: {
      status,
      summary: { profile_count: profiles.length, warning_count: warnings, error_count: errors },
      profiles: healths.map((health, at) => hintedJson(health, hints[at])),
    },
    text:
      healths.flatMap(({ profile, reason }, at) => linesOf(profile.profileId, hints[at], reason))
        .join("\n") || "no profiles",
    ...(failure === undefined ? {} : { failure }),
  };
}

/** Tells what is written down of profiles, and what belongs to none of them. Changes nothing. */
export async function profilesAudit(app: App, flags: ProfilesAuditFlags): Promise<RecordView> {
  const provider = flags.provider === undefined ? undefined : parseProvider(flags.provider);
  const agent = parseAgentId(flags.agent);
  const { profiles: known, state: current } = await knownProfiles(app);
  const profiles = new Map<string, AuthProfile>(known);
  const state = readState(app.platform, pathsOf(app));
  const owned = [...(await secretVersions(app)).keys()].filter(isOwned);
  const leftovers = leftoversOf({ profiles, state, owned });
  const records = [...state.records].filter(([id]) => {
    const profile = profiles.get(id);
    return profile !== undefined && (provider === undefined || profile.provider === provider) &&
      (agent === undefined || isVisible(profile, agent));
  });
  const orders = [...state.orders].map(([key, ids]) => {
    const [scope, of] = key.split(" ");
    return { scope: scope!, of, ids };
  }).filter(({ scope, of }) =>
    (provider === undefined || of === undefined || of === provider) &&
    (agent === undefined || scope === "global" || scope === `agent:${agent}`)
  );
  const warnings = leftovers.filter(({ severity }) => severity === "warning").length;
  const failure = findingsFailure(0, flags.strict ? warnings : 0);
  return {
    kind: "record",
    json: {
      records: records.map(([id, record]) => ({
        ...recordJson(id, record),
        current: current.records.get(id)?.credential === record.credential,
      })),
      orders: orders.map(({ scope, of, ids }) => ({
        scope,
        ...(of === undefined ? {} : { provider: of }),
        profile_ids: [...ids],
      })),
      findings: leftovers.map(({ severity, code, subject, message, remedy }) => ({
        severity,
        code,
        subject,
        message,
        remediation: remedy,
      })),
    },
    text: [
      ...leftovers.flatMap(({ severity, code, subject, message, remedy }) => [
        `${severity.padEnd(8)}  ${code}  ${subject}: ${message}`,
        `${" ".repeat(10)}${remedy}`,
      ]),
      `${counted(profiles.size, "profile")}, ${records.length} records, ${orders.length} orders, ` +
      `${leftovers.length} left over`,
    ].join("\n"),
    ...(failure === undefined ? {} : { failure }),
  };
}

function recordJson(id: string, record: ProfileRecord): JsonObject {
  const times = TIMES.flatMap(([key, name]) => {
    const value = record[name];
    return value === undefined ? [] : [[key, new Date(value).toISOString()] as const];
  });
  return {
    profile_id: id,
    failures: record.failures,
    ...(record.failure === undefined ? {} : { failure: record.failure }),
    ...(record.refreshable === undefined ? {} : { refreshable: record.refreshable }),
    ...Object.fromEntries(times),
  };
}

function linesOf(id: string, hint: ProfileHint | undefined, reason: string): string[] {
  const status = STATUS[hint?.severity ?? "ok"].padEnd(8);
  if (hint === undefined) return [`${status} ${id}: ${reason}`];
  return [`${status} ${id}: ${hint.code}: ${hint.message}`, `${" ".repeat(9)}${hint.remedy}`];
}
