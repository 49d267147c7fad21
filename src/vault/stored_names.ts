/** What is stored, by name alone: for completion, which may neither ask for a key nor change anything. */

import type { Platform } from "../platform/platform.ts";
import { hasExpired } from "./read_secret.ts";
import { optionalTextOf, textOf } from "./rows.ts";
import type { VaultPaths } from "./vault.ts";

const CURRENT = `SELECT scope, name, expires_at FROM versions v
  WHERE version = (SELECT max(version) FROM versions w WHERE w.scope = v.scope AND w.name = v.name)
  ORDER BY scope, name`;

/**
 * Scope and name of every secret that has not expired; none without a vault. Nothing is opened, so
 * nothing of it is authenticated. Throws what the database throws.
 */
export async function storedNames(
  { directories, databases, clock }: Platform,
  paths: VaultPaths,
): Promise<{ readonly scope: string; readonly name: string }[]> {
  if (!directories.check(paths.directory)) return [];
  using database = (await databases()).open(paths.database);
  const nowAt = new Date(clock.now()).toISOString();
  return (database?.all(CURRENT) ?? [])
    .filter((row) => !hasExpired(optionalTextOf(row, "expires_at"), nowAt))
    .map((row) => ({ scope: textOf(row, "scope"), name: textOf(row, "name") }));
}
