/** What palyra has stored for a profile and a later login, or a later key, has taken the place of. */

import type { AuthProfile } from "../../auth/profile.ts";
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
  before: AuthProfile,
  now: Iterable<AuthProfile>,
): Promise<void> {
  const refs = await ownRefs(before, now);
  if (refs.length === 0) return;
  try {
    await deleteUnnamed(app, vault, refs);
  } catch (error) {
    if (!isPalyraError(error)) throw error;
    // What was stored stands; `auth profiles audit` names what is left.
  }
}
