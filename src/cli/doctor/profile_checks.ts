/** The auth profiles: whether their document can be read, and whether each of them can be used. */

import { hintOf } from "../../auth/hint.ts";
import { isPalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import { knownProfiles } from "../auth/profiles.ts";
import { summaryOf } from "../auth/told.ts";
import { type Check, fail, failed, ok, skipped, warn } from "./check.ts";

const ID = "auth_profiles";
const REMEDY = "palyra auth profiles doctor tells which, and what to do";

/** Looks at what is written down; no provider is asked. */
export async function checkProfiles(app: App): Promise<Check> {
  try {
    const { profiles, facts } = await knownProfiles(app);
    if (profiles.size === 0) return skipped(ID, "there are none");
    const hints = [...profiles.values()].map((profile) => hintOf(profile, facts));
    const { errors, warnings } = summaryOf(hints);
    if (errors > 0) return fail(ID, `${errors} of ${profiles.size} cannot be used`, REMEDY);
    if (warnings > 0) {
      return warn(ID, `${warnings} of ${profiles.size} failed the last time`, REMEDY);
    }
    return ok(ID, `${profiles.size} known, and none has failed`);
  } catch (error) {
    // What keeps the vault shut is told by the checks of the backend.
    if (isPalyraError(error, "usage")) return failed(ID, error);
    if (isPalyraError(error)) return skipped(ID, "the vault cannot be opened");
    throw error;
  }
}
