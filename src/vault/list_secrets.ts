/** Names and dates of what is stored. Nothing is opened, so nothing of it is authenticated. */

import { versionsOf } from "./catalog.ts";
import { type VersionRow, versionRowOf } from "./catalog_rows.ts";
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

/** Current versions of all secrets, or of a scope, by scope and name; expired ones are left out. */
export function listSecrets({ database, platform }: Vault, scope?: VaultScope): ListedSecret[] {
  const nowAt = new Date(platform.clock.now()).toISOString();
  const rows = database.all(
    `SELECT v.id, v.scope, v.name, v.version, v.created_at, v.expires_at, v.kid,
            o.created_at AS oldest_created_at
       FROM (SELECT scope, name, min(version) AS oldest, max(version) AS newest
               FROM versions WHERE ?1 IS NULL OR scope = ?1 GROUP BY scope, name) g
       JOIN versions v ON v.scope = g.scope AND v.name = g.name AND v.version = g.newest
       JOIN versions o ON o.scope = g.scope AND o.name = g.name AND o.version = g.oldest
      ORDER BY v.scope, v.name`,
    scope ?? null,
  );
  return rows
    .map((row) => ({ ...versionRowOf(row), oldestCreatedAt: textOf(row, "oldest_created_at") }))
    .filter(({ expiresAt }) => !hasExpired(expiresAt, nowAt));
}

/** Versions of a secret that are kept, the newest first. Throws `not_found` when there is none. */
export async function secretHistory(vault: Vault, id: SecretId): Promise<VersionRow[]> {
  const { database, platform } = vault;
  const nowAt = new Date(platform.clock.now()).toISOString();
  const rows = versionsOf(database, id);
  if (rows.length === 0) throw provenAbsent(vault, id);
  if (hasExpired(rows[0]!.expiresAt, nowAt)) {
    (await readSecret(vault, id))[Symbol.dispose](); // says whether the date is true, and throws
    throw notFound(id);
  }
  return rows.filter(({ expiresAt }) => !hasExpired(expiresAt, nowAt));
}
