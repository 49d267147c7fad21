/** Which configs that were found by search may be used: their owner has seen exactly this text. */

import * as v from "valibot";
import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import type { Config } from "./config.ts";

/** One config, and the digests of the texts that were trusted. */
export interface TrustRecord {
  readonly path: string;
  readonly sha256: readonly string[];
}

/** Names that the platform gives to temporary files. */
const TEMP_NAME = /^\.[0-9a-f-]{36}\.tmp$/;
const MAX_BYTES = 1_048_576;
const SCHEMA = v.strictObject({
  schema_version: v.literal(1),
  configs: v.array(v.strictObject({ path: v.string(), sha256: v.array(v.string()) })),
});

/** The file of the records. */
export function trustPath(stateRoot: string): string {
  return `${stateRoot}/trusted_configs`;
}

/** Temporary files in the state root: of killed writers, or of one that is at work. */
export function strayFiles({ directories }: Platform, stateRoot: string): string[] {
  return directories.list(stateRoot).filter((name) => TEMP_NAME.test(name));
}

/** Removes what killed writers left in the state root. */
export function removeStrays(platform: Platform, stateRoot: string): void {
  for (const name of strayFiles(platform, stateRoot)) {
    platform.files.removeAbandoned(`${stateRoot}/${name}`);
  }
}

/** Whether a config may be used for more than to be looked at. */
export function isTrusted(platform: Platform, stateRoot: string, config: Config): boolean {
  const { location, digest } = config;
  if (location.origin !== "search") return true; // named by its user, or in the user's own place
  return isRecorded(platform, stateRoot, { path: location.realPath, digest });
}

/** Whether exactly this text at this place was trusted, however it is named now. */
export function isRecorded(
  platform: Platform,
  stateRoot: string,
  { path: wanted, digest }: {
    readonly path: string | undefined;
    readonly digest: string | undefined;
  },
): boolean {
  const known = readRecords(platform, stateRoot).find(({ path }) => path === wanted);
  return digest !== undefined && known?.sha256.includes(digest) === true;
}

/**
 * Throws `denied` unless the config may be used: one that was found by search must be this user's
 * alone, and trusted with exactly this text.
 */
export async function requireTrusted(
  platform: Platform,
  stateRoot: string,
  config: Config,
): Promise<void> {
  const { location } = config;
  if (location.origin !== "search") return;
  (await platform.documents()).requireOwn(location.path);
  if (isTrusted(platform, stateRoot, config)) return;
  throw new PalyraError("denied", `Cannot use ${location.path}: it is not trusted`, {
    hint: "Read it, then run palyra config trust; or name it with --config for this once",
  });
}

/** All records; empty without a file. Throws `integrity` for one that palyra has not written. */
export function readRecords(
  { directories, files }: Platform,
  stateRoot: string,
): readonly TrustRecord[] {
  if (!directories.check(stateRoot)) return [];
  const bytes = files.read(trustPath(stateRoot), MAX_BYTES);
  if (bytes === undefined) return [];
  try {
    return v.parse(SCHEMA, JSON.parse(decodeUtf8(bytes) ?? "")).configs;
  } catch { // the message would quote the file
    throw new PalyraError("integrity", `Cannot read ${trustPath(stateRoot)}: it was altered`, {
      hint: "Remove it, and trust your configs again",
    });
  }
}

/**
 * Sets what is trusted of one config; without digests it is forgotten. Whether anything changed.
 * The caller holds `configure.lock`.
 */
export function recordTrust(
  platform: Platform,
  stateRoot: string,
  { path, sha256 }: TrustRecord,
): boolean {
  const before = readRecords(platform, stateRoot);
  const others = before.filter((record) => record.path !== path);
  const configs = sha256.length === 0 ? others : [...others, { path, sha256 }];
  const same = before.find((record) => record.path === path);
  if ((same?.sha256 ?? []).join() === sha256.join()) return false;
  removeStrays(platform, stateRoot);
  const text = JSON.stringify({ schema_version: 1, configs }, null, 2);
  platform.files.replace(trustPath(stateRoot), encodeUtf8(`${text}\n`));
  return true;
}
