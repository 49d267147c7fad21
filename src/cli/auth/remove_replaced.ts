/** What palyra has stored for a profile and a later login, or a later key, has taken the place of. */

import type { ProfileId } from "../../auth/profile.ts";
import type { ProfilesChange } from "../../auth/profiles_file.ts";
import { isPalyraError } from "../../errors.ts";
import type { Vault } from "../../vault/vault.ts";
import type { App } from "../app.ts";
import { deleteUnnamed, ownRefs } from "./remove_profile.ts";

/**
 * Removes the secrets of a profile as it was before that none of the profiles of now names, and the config
 * does not either: stored for another scope, or of the other type, they belong to nobody any more.
 */
export async function removeReplaced(
  app: App,
  vault: Vault,
  id: ProfileId,
  { before, after }: ProfilesChange,
): Promise<void> {
  const replaced = before.get(id);
  const refs = replaced === undefined ? [] : await ownRefs(replaced, after.values());
  if (refs.length === 0) return;
  try {
    await deleteUnnamed(app, vault, refs);
  } catch (error) {
    if (!isPalyraError(error)) throw error;
    // What was stored stands; `auth profiles audit` names what is left.
  }
}
