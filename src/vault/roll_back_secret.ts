/** Making the value of an old version current again. */

import { currentVersion, versionOf } from "./catalog.ts";
import { hasExpired, notFound, openInTransaction } from "./read_secret.ts";
import type { ScopeKey } from "./scope_key.ts";
import type { Vault } from "./vault.ts";
import type { SecretId } from "./vault_ref.ts";
import {
  livingVersion,
  unchanged,
  type WriteOutcome,
  writeUnlessSame,
  writeWithKey,
} from "./write_version.ts";

/**
 * Adds a version with the value of version `to`, which expires when that would have. Throws
 * `not_found` when there is no such version, `integrity` when it cannot be opened.
 */
export async function rollBackSecret(
  vault: Vault,
  id: SecretId,
  to: number,
): Promise<WriteOutcome> {
  return await writeWithKey(vault, id, async (key) => {
    const at = new Date(vault.platform.clock.now()).toISOString();
    const living = livingVersion(vault, id, at);
    if (living === undefined) await requireTrueExpiry(vault, id, key);
    const row = living && versionOf(vault.database, id, to);
    if (row === undefined || hasExpired(row.expiresAt, at)) throw notFound({ ...id, version: to });
    if (row.rowId === living?.rowId) return unchanged(living);
    using old = await openInTransaction(vault, row, key);
    const next = { value: old.value, key, at, expiresAt: old.expiresAt };
    return await writeUnlessSame(vault, id, { living, next });
  });
}

/** A changed date must not pass for an expired secret: what has expired is opened before it is believed. */
async function requireTrueExpiry(vault: Vault, id: SecretId, key: ScopeKey): Promise<void> {
  const expired = currentVersion(vault.database, id);
  if (expired !== undefined) (await openInTransaction(vault, expired, key))[Symbol.dispose]();
}
