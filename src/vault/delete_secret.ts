/** Removing a secret with all its versions. */

import { buryAll } from "./catalog.ts";
import { purgeExpired } from "./purge.ts";
import { notFound, readSecret } from "./read_secret.ts";
import type { Vault } from "./vault.ts";
import type { SecretId } from "./vault_ref.ts";
import { livingVersion } from "./write_version.ts";

/** Removes a secret; needs no key, so what cannot be opened can be deleted. Throws `not_found`. */
export async function deleteSecret(vault: Vault, id: SecretId): Promise<void> {
  const { database, platform } = vault;
  const deleted = await database.write(() => {
    const nowAt = new Date(platform.clock.now()).toISOString();
    if (livingVersion(vault, id, nowAt) === undefined) return false;
    buryAll(database, id, nowAt);
    purgeExpired(database, nowAt);
    return true;
  });
  if (deleted) return;
  (await readSecret(vault, id))[Symbol.dispose](); // says whether it is absent or was altered, and throws
  throw notFound(id);
}
