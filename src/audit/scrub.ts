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

/** Removes backups. Throws `precondition` for one that is another one by now. */
export async function scrub({ platform }: ChangeContext, { steps }: Plan): Promise<void> {
  const documents = await platform.documents();
  for (const step of steps) {
    if (step.action !== "remove_backup") continue;
    const bytes = documents.read(step.path, MAX_CONFIG_BYTES);
    if (bytes === undefined) continue;
    if (await sha256Hex(bytes) !== step.sha256) {
      throw new PalyraError("precondition", `Cannot remove ${step.path}: it was written meanwhile`);
    }
    platform.files.remove(step.path);
  }
}
