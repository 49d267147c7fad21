/**
 * `auth_profile_runtime_state.toml`: what happened to profiles. It is a cache that palyra alone writes:
 * without it no credential is lost, only what is known of its failures.
 */

import { isTable, parseToml, type TomlTable } from "../config/toml_document.ts";
import { formatKey, formatValue } from "../config/toml_text.ts";
import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { isPalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import type { ProfilePaths } from "./profiles_file.ts";

/** Why a profile failed the last time. */
export const FAILURE_KINDS = [
  "refresh_failed",
  "auth_invalid",
  "rate_limit",
  "config_missing",
] as const;

/** Why a profile failed the last time. */
export type FailureKind = typeof FAILURE_KINDS[number];

/** What is known of one profile; times in milliseconds since 1970. */
export interface ProfileRecord {
  /** Digest of the credential that all else is about: another one begins anew. */
  readonly credential: string;
  /** Version of the token set that all else is about; absent where that is not known. */
  readonly tokensVersion?: number;
  readonly lastUsedAt?: number;
  readonly lastSuccessAt?: number;
  readonly lastFailureAt?: number;
  readonly failure?: FailureKind;
  /** Failures since the last success. */
  readonly failures: number;
  readonly cooldownUntil?: number;
  /** When the access token ends; absent when the server did not say. */
  readonly expiresAt?: number;
  /** The token set has a refresh token. */
  readonly refreshable?: boolean;
}

/** All of it. */
export interface RuntimeState {
  readonly records: ReadonlyMap<string, ProfileRecord>;
  /** Ids in the order in which they are tried, by scope and provider: `global openai`. */
  readonly orders: ReadonlyMap<string, readonly string[]>;
}

const MAX_BYTES = 4 * 1_048_576;
const HEAD =
  "# Written by palyra: the orders of profiles, and what happened to them, which may be deleted.\nversion = 1\n";
/** Times of a record: as they are written, and as they are named here. */
export const TIMES = [
  ["last_used_at", "lastUsedAt"],
  ["last_success_at", "lastSuccessAt"],
  ["last_failure_at", "lastFailureAt"],
  ["cooldown_until", "cooldownUntil"],
  ["expires_at", "expiresAt"],
] as const;

/** Nothing is known. */
export const EMPTY_STATE: RuntimeState = { records: new Map(), orders: new Map() };

/** Reads the state. One that cannot be read is as good as none: it is a cache. */
export function readState({ files }: Platform, { state }: ProfilePaths): RuntimeState {
  const bytes = files.read(state, MAX_BYTES);
  if (bytes === undefined) return EMPTY_STATE;
  try {
    return parseState(decodeUtf8(bytes) ?? "");
  } catch (error) {
    if (!isPalyraError(error, "usage")) throw error;
    return EMPTY_STATE;
  }
}

/** Changes the state. Callers hold the lock of the profiles. */
export function changeState(
  platform: Platform,
  paths: ProfilePaths,
  change: (state: RuntimeState) => RuntimeState,
): RuntimeState {
  const before = readState(platform, paths);
  const after = change(before);
  const text = formatState(after);
  if (text !== formatState(before)) platform.files.replace(paths.state, encodeUtf8(text));
  return after;
}

/** The state with one record in place of another; `undefined` drops it. */
export function withRecord(
  state: RuntimeState,
  id: string,
  record: ProfileRecord | undefined,
): RuntimeState {
  const records = new Map(state.records);
  if (record === undefined) records.delete(id);
  else records.set(id, record);
  return { ...state, records };
}

/** The key of an order. */
export function orderKey(scope: string, provider: string | undefined): string {
  return provider === undefined ? scope : `${scope} ${provider}`;
}

function parseState(text: string): RuntimeState {
  const document = parseToml(text, "the runtime state");
  const records = Object.entries(tableIn(document, "records")).flatMap(([id, table]) =>
    isTable(table) ? [[id, recordIn(table)] as const] : []
  );
  const orders = Object.entries(tableIn(document, "orders")).flatMap(([key, ids]) =>
    Array.isArray(ids) ? [[key, ids.filter((id) => typeof id === "string")] as const] : []
  );
  return { records: new Map(records), orders: new Map(orders) };
}

function recordIn(table: TomlTable): ProfileRecord {
  const { credential, failure, failures, refreshable, tokens_version: tokens } = table;
  const times = TIMES.flatMap(([key, name]) => {
    const value = table[key];
    return typeof value === "bigint" ? [[name, Number(value)] as const] : [];
  });
  const kind = FAILURE_KINDS.find((one) => one === failure);
  return {
    credential: typeof credential === "string" ? credential : "",
    failures: typeof failures === "bigint" ? Number(failures) : 0,
    ...Object.fromEntries(times),
    ...(kind === undefined ? {} : { failure: kind }),
    ...(typeof refreshable === "boolean" ? { refreshable } : {}),
    ...(typeof tokens === "bigint" ? { tokensVersion: Number(tokens) } : {}),
  };
}

function formatState({ records, orders }: RuntimeState): string {
  const lines = [HEAD];
  for (const [id, record] of [...records].sort(([a], [b]) => a < b ? -1 : 1)) {
    lines.push(`[records.${formatKey([id])}]`);
    lines.push(`credential = ${formatValue(record.credential)}`);
    if (record.tokensVersion !== undefined) lines.push(`tokens_version = ${record.tokensVersion}`);
    lines.push(`failures = ${record.failures}`);
    if (record.failure !== undefined) lines.push(`failure = ${formatValue(record.failure)}`);
    if (record.refreshable !== undefined) lines.push(`refreshable = ${record.refreshable}`);
    for (const [key, name] of TIMES) {
      const value = record[name];
      if (value !== undefined) lines.push(`${key} = ${Math.round(value)}`);
    }
    lines.push("");
  }
  if (orders.size > 0) lines.push("[orders]");
  for (const [key, ids] of [...orders].sort(([a], [b]) => a < b ? -1 : 1)) {
    lines.push(`${formatKey([key])} = ${formatValue([...ids])}`);
  }
  return `${lines.join("\n")}\n`;
}

function tableIn(document: TomlTable, key: string): TomlTable {
  const value = document[key];
  return isTable(value) ? value : {};
}
