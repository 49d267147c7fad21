/** Removal of expired versions: done by writers in their own transaction, never by readers. */

import type { Database, SqlRow } from "../platform/platform.ts";
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
     FROM versions v WHERE expires_at <= ? AND expires_at GLOB '[0-9][0-9][0-9][0-9]-*Z' LIMIT ?`,
    nowAt,
    BATCH,
  );
  const ended = new Map<string, SecretId>();
  for (const row of rows) {
    const id = nameOf(row);
    if (id === undefined) continue; // vault check tells of it
    if (numberOf(row, "is_current") === 1) ended.set(formatSecretId(id), id);
    else database.run("DELETE FROM versions WHERE id = ?", numberOf(row, "id"));
  }
  for (const id of ended.values()) buryAll(database, id, nowAt);
}

/** The secret of a row; `undefined` when its name was altered, which must not stop every writer. */
function nameOf(row: SqlRow): SecretId | undefined {
  try {
    return secretIdOf(row);
  } catch {
    return undefined;
  }
}
