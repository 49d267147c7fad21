/** Removal of expired versions: done by writers in their own transaction, never by readers. */

import type { Database } from "../platform/platform.ts";
import { buryAll } from "./catalog.ts";
import { secretIdOf } from "./catalog_rows.ts";
import { numberOf } from "./rows.ts";
import { formatSecretId, type SecretId } from "./vault_ref.ts";

/** Most versions that one writer removes, so that none waits long behind it. */
const BATCH = 500;

/**
 * Removes what has expired by `nowAt`. A secret whose current version has expired goes with all
 * its history: an older value must not come back to life because a newer one ran out.
 */
export function purgeExpired(database: Database, nowAt: string): void {
  const rows = database.all(
    `SELECT id, scope, name, version,
       version = (SELECT max(version) FROM versions o WHERE o.scope = v.scope AND o.name = v.name) AS is_current
     FROM versions v WHERE expires_at <= ? AND expires_at GLOB '2*Z' LIMIT ?`,
    nowAt,
    BATCH,
  );
  const ended = new Map<string, SecretId>();
  for (const row of rows) {
    const id = secretIdOf(row);
    if (numberOf(row, "is_current") === 1) ended.set(formatSecretId(id), id);
    else database.run("DELETE FROM versions WHERE id = ?", numberOf(row, "id"));
  }
  for (const id of ended.values()) buryAll(database, id, nowAt);
}
