/**
 * `auth_profiles.toml`: the profiles, one table each. People may edit it by hand: what palyra changes
 * leaves every other byte as it is, and what is wrong is told with its line.
 */

import { parseToml, type TomlTable } from "../config/toml_document.ts";
import type { TomlEdit } from "../config/toml_meaning.ts";
import type { Position } from "../config/toml_positions.ts";
import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import { type AuthProfile, MAX_PROFILES, type ProfileId } from "./profile.ts";
import { profileFrom, ProfileMistake, tableOf } from "./profile_table.ts";

const MAX_BYTES = 4 * 1_048_576;
const LOCK_TIMEOUT_MS = 10_000;
const TABLE = "profiles";
const HEAD =
  "# The auth profiles of palyra. Values are in the vault; references to them are here.\n" +
  "version = 1\n";

/** Profiles by id, in the order in which they stand in the file. */
export type Profiles = ReadonlyMap<ProfileId, AuthProfile>;

/** Where the profiles are. */
export interface ProfilePaths {
  readonly profiles: string;
  readonly state: string;
  /** Held by whoever changes either file. */
  readonly lock: string;
}

/** The paths under a state root. */
export function profilePaths(stateRoot: string): ProfilePaths {
  return {
    profiles: `${stateRoot}/auth_profiles.toml`,
    state: `${stateRoot}/auth_profile_runtime_state.toml`,
    lock: `${stateRoot}/auth_profiles.lock`,
  };
}

/** Reads all profiles; none where there is no file. Throws `usage` with a line for a mistake. */
export async function readProfiles(platform: Platform, paths: ProfilePaths): Promise<Profiles> {
  return await profilesIn(textOf(platform, paths));
}

/** Profiles, and where they stand in their file. */
export interface PlacedProfiles {
  readonly profiles: Profiles;
  /** Where a key of a profile stands. */
  readonly placeOf: (id: ProfileId, key: string) => Position;
}

/** Reads all profiles as {@link readProfiles} does, with their places in the same text. */
export async function readPlacedProfiles(
  platform: Platform,
  paths: ProfilePaths,
): Promise<PlacedProfiles> {
  const text = textOf(platform, paths);
  const profiles = await profilesIn(text);
  const place = await placesIn(text);
  return { profiles, placeOf: (id, key) => place([TABLE, id, key]) };
}

/** All profiles around a change. */
export interface ProfilesChange {
  readonly before: Profiles;
  readonly after: Profiles;
}

/**
 * Changes profiles under the lock: `undefined` in place of a profile removes it. What is done beforehand is
 * done under the lock, when nothing but the writing itself can fail any more.
 */
export async function changeProfiles(
  platform: Platform,
  paths: ProfilePaths,
  change: (profiles: Profiles) => ReadonlyMap<ProfileId, AuthProfile | undefined>,
  beforehand: () => Promise<void> = () => Promise.resolve(),
): Promise<ProfilesChange> {
  using _lock = await platform.locks.acquire(paths.lock, LOCK_TIMEOUT_MS);
  const old = textOf(platform, paths);
  const before = await profilesIn(old);
  const edits = [...change(before)].flatMap(([id, profile]) =>
    editsFor(id, before.get(id), profile)
  );
  const { editToml } = await import("../config/toml_edit.ts");
  const text = edits.length === 0 ? old : editToml(old === "" ? HEAD : old, edits);
  const after = await profilesIn(text);
  await beforehand();
  if (text !== old) platform.files.replace(paths.profiles, encodeUtf8(text));
  return { before, after };
}

function textOf({ files }: Platform, { profiles }: ProfilePaths): string {
  const bytes = files.read(profiles, MAX_BYTES);
  if (bytes === undefined) return "";
  const text = decodeUtf8(bytes);
  if (text !== undefined) return text;
  throw new PalyraError("usage", `Cannot read ${profiles}: it is not UTF-8`);
}

async function profilesIn(text: string): Promise<Profiles> {
  const document = parseToml(text, "auth_profiles.toml");
  const version = document["version"];
  if (text.trim() !== "" && version !== 1n) {
    throw await mistake(text, ["version"], "it is 1, and a later palyra may write another");
  }
  const stray = Object.keys(document).find((key) => key !== "version" && key !== TABLE);
  if (stray !== undefined) throw await mistake(text, [stray], "there is no such key");
  const tables = document[TABLE] ?? {};
  if (!isPlain(tables)) throw await mistake(text, [TABLE], "it holds a table for each profile");
  const entries = Object.entries(tables);
  if (entries.length > MAX_PROFILES) {
    throw await mistake(text, [TABLE], `there are more than ${MAX_PROFILES}`);
  }
  const profiles = new Map<ProfileId, AuthProfile>();
  for (const [id, table] of entries) {
    if (!isPlain(table)) throw await mistake(text, [TABLE, id], "it is a table");
    try {
      const profile = profileFrom(id, table);
      profiles.set(profile.profileId, profile);
    } catch (error) {
      if (!(error instanceof ProfileMistake)) throw error;
      const path = error.key === undefined ? [TABLE, id] : [TABLE, id, error.key];
      throw await mistake(text, path, error.message);
    }
  }
  return profiles;
}

/** A mistake at a path. */
async function mistake(
  text: string,
  path: readonly string[],
  why: string,
): Promise<PalyraError> {
  const { line, column } = (await placesIn(text))(path);
  const what = path.at(-1)!;
  return new PalyraError(
    "usage",
    `Cannot read auth_profiles.toml: line ${line}, ${printable(what)}: ${why}`,
    { details: { line, column } },
  );
}

/** Where a path of the text stands, or would stand. */
async function placesIn(text: string): Promise<(path: readonly string[]) => Position> {
  const { positionsOf } = await import("../config/toml_positions.ts");
  const positions = positionsOf(text);
  return (path) => {
    const lengths = Array.from({ length: path.length }, (_, at) => path.length - at);
    const found = lengths.map((length) => positions.get(JSON.stringify(path.slice(0, length))))
      .find((position) => position !== undefined);
    return found ?? { line: 1, column: 1 };
  };
}

function editsFor(
  id: ProfileId,
  before: AuthProfile | undefined,
  after: AuthProfile | undefined,
): TomlEdit[] {
  const path = [TABLE, id];
  if (after === undefined) return before === undefined ? [] : [{ kind: "remove", path }];
  const table = tableOf(after);
  const old = before === undefined ? {} : tableOf(before);
  return [
    ...Object.keys(old).filter((key) => !Object.hasOwn(table, key))
      .map((key): TomlEdit => ({ kind: "remove", path: [...path, key] })),
    ...Object.entries(table)
      .filter(([key, value]) => JSON.stringify(old[key]) !== JSON.stringify(value))
      .map(([key, value]): TomlEdit => ({ kind: "set", path: [...path, key], value })),
  ];
}

function isPlain(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date);
}

/** Keys are not secrets, but somebody may have typed one in the wrong place. */
function printable(key: string): string {
  return /^[A-Za-z0-9._-]{1,128}$/.test(key) ? key : "a key";
}
