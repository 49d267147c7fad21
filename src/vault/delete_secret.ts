/** Removing a secret with all its versions. */

import { buryAll } from "./catalog.ts";
import { purgeExpired } from "./purge.ts";
import { notFound, readSecret } from "./read_secret.ts";
import { settleIntent } from "./recovery.ts";
import { findIntent } from "./staged.ts";
import { requireVersion } from "./set_secret.ts";
import type { Vault } from "./vault.ts";
import type { SecretId } from "./vault_ref.ts";
import { livingVersion } from "./write_version.ts";

/**
 * Removes a secret; needs no key, so what cannot be opened can be deleted. Throws `not_found`, and
 * `precondition` where its current version is not the one that is named.
 */
export async function deleteSecret(
  vault: Vault,
  id: SecretId,
  { ifVersion }: { readonly ifVersion?: number } = {},
): Promise<void> {
  const { database, platform } = vault;
  const tryToDelete = (): boolean | undefined => {
    if (findIntent(database) !== undefined) return undefined;
    const nowAt = new Date(platform.clock.now()).toISOString();
    const living = livingVersion(vault, id, nowAt);
    if (living === undefined) return false;
    requireVersion(id, living.version, ifVersion);
    buryAll(database, id, nowAt);
    purgeExpired(database, nowAt);
    return true;
  };
  let deleted: boolean | undefined;
  for (; deleted === undefined; deleted = await database.write(tryToDelete)) {
    await settleIntent(vault); // what a config is about to name must not go
  }
  if (deleted) return;
  (await readSecret(vault, id))[Symbol.dispose](); // says whether it is absent or was altered, and throws
  throw notFound(id);
}
