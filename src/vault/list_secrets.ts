/** Names and dates of what is stored. Nothing is opened, so nothing of it is authenticated. */

import { isPalyraError } from "../errors.ts";
import { committedVersion, versionsOf } from "./catalog.ts";
import { type VersionRow, versionRowOf } from "./catalog_rows.ts";
import { committedVersions } from "./commitment.ts";
import { hasExpired, notFound, provenAbsent, readSecret } from "./read_secret.ts";
import { textOf } from "./rows.ts";
import type { VaultScope } from "./scope.ts";
import type { Vault } from "./vault.ts";
import type { SecretId } from "./vault_ref.ts";

/** One secret of a list. */
export interface ListedSecret extends VersionRow {
  /** When the oldest version that is kept was stored. */
  readonly oldestCreatedAt: string;
}

const VERSIONS = "SELECT id, scope, name, version, created_at, expires_at, kid FROM versions";
const WITH_COMMITTED = `${VERSIONS} UNION ALL
  SELECT id, scope, name, version, created_at, expires_at, kid FROM staged
   WHERE intent = ?2 AND id IN (SELECT value FROM json_each(?3))`;

/** Current versions of all secrets, or of a scope, by scope and name; expired ones are left out. */
export async function listSecrets(vault: Vault, scope?: VaultScope): Promise<ListedSecret[]> {
  const { database, platform } = vault;
  const committed = await committedVersions(vault).catch(untold);
  const nowAt = new Date(platform.clock.now()).toISOString();
  const rows = database.all(
    `WITH all_versions AS (${committed === undefined ? VERSIONS : WITH_COMMITTED})
     SELECT v.id, v.scope, v.name, v.version, v.created_at, v.expires_at, v.kid,
            o.created_at AS oldest_created_at
       FROM (SELECT scope, name, min(version) AS oldest, max(version) AS newest
               FROM all_versions WHERE ?1 IS NULL OR scope = ?1 GROUP BY scope, name) g
       JOIN all_versions v ON v.scope = g.scope AND v.name = g.name AND v.version = g.newest
       JOIN all_versions o ON o.scope = g.scope AND o.name = g.name AND o.version = g.oldest
      ORDER BY v.scope, v.name`,
    scope ?? null,
    ...(committed === undefined ? [] : [committed.intentId, JSON.stringify(committed.rowIds)]),
  );
  return rows
    .map((row) => ({ ...versionRowOf(row), oldestCreatedAt: textOf(row, "oldest_created_at") }))
    .filter(({ expiresAt }) => !hasExpired(expiresAt, nowAt));
}

/** A document that cannot be read keeps nobody from the names of all other secrets. */
function untold(error: unknown): undefined {
  if (!isPalyraError(error)) throw error;
}

/** Versions of a secret that are kept, the newest first. Throws `not_found` when there is none. */
export async function secretHistory(vault: Vault, id: SecretId): Promise<VersionRow[]> {
  const { database, platform } = vault;
  const nowAt = new Date(platform.clock.now()).toISOString();
  const committed = await committedVersions(vault);
  const rows = database.read(() => {
    const staged = committed && committedVersion(database, id, committed);
    return [...(staged === undefined ? [] : [staged]), ...versionsOf(database, id)];
  });
  if (rows.length === 0) throw provenAbsent(vault, id);
  if (hasExpired(rows[0]!.expiresAt, nowAt)) {
    (await readSecret(vault, id))[Symbol.dispose](); // says whether the date is true, and throws
    throw notFound(id);
  }
  return rows.filter(({ expiresAt }) => !hasExpired(expiresAt, nowAt));
}
