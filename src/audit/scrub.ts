/** The first and the last part of `apply`: modes; and what is taken away when all is in the vault. */

import type { ChangeContext } from "../config/change.ts";
import { MAX_CONFIG_BYTES } from "../config/config.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { PalyraError } from "../errors.ts";
import type { Plan } from "./plan.ts";

/** Tightens modes: first of all, for an unsafe state root is used by nobody. */
export async function tightenModes({ platform }: ChangeContext, { steps }: Plan): Promise<void> {
  const trees = await platform.trees();
  for (const step of steps) {
    if (step.action === "tighten_mode") trees.setMode(step.path, parseInt(step.mode, 8));
  }
}

/**
 * Removes backups. Throws `precondition` for one that is another one by now, or holds what is nowhere else
 * by now: somebody has written to the vault meanwhile.
 */
export async function scrub(
  { platform }: ChangeContext,
  { steps }: Plan,
  isElsewhere: (backup: Uint8Array) => Promise<boolean>,
): Promise<void> {
  const documents = await platform.documents();
  for (const step of steps) {
    if (step.action !== "remove_backup") continue;
    const bytes = documents.read(step.path, MAX_CONFIG_BYTES);
    if (bytes === undefined) continue;
    if (await sha256Hex(bytes) !== step.sha256) {
      throw new PalyraError("precondition", `Cannot remove ${step.path}: it was written meanwhile`);
    }
    if (!await isElsewhere(bytes)) {
      throw new PalyraError(
        "precondition",
        `Cannot remove ${step.path}: it holds what is in the vault no more`,
        { hint: "palyra secrets plan tells what is to be done with it" },
      );
    }
    platform.files.remove(step.path);
  }
}
