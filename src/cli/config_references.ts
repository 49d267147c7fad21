/** The references of the config that `resolve` may use: only of one that is trusted. */

import type { ConfigReference } from "../config/lookup.ts";
import { allReferences, referenceAt } from "../config/lookup.ts";
import { PalyraError } from "../errors.ts";
import type { App } from "./app.ts";
import { readExistingConfig, readUnlessForeign, requireTrustedConfig } from "./configs.ts";

/** Looks up references in the config that was found. */
export interface ReferencesOfConfig {
  readonly referenceAt: (field: string) => ConfigReference;
  readonly allReferences: () => ConfigReference[];
  /** Whether the config is still the one that was read. */
  readonly isCurrent: () => Promise<boolean>;
}

/** Finds and reads the config. Throws `not_found` without one, `denied` for one that is not trusted. */
export async function referencesOfConfig(app: App): Promise<ReferencesOfConfig> {
  const config = await readUnlessForeign(app);
  if (config === "foreign") {
    throw new PalyraError("denied", "Cannot use the config that was found: it is not trusted", {
      hint: "palyra config path tells where it is; nor can it be read as TOML",
    });
  }
  if (config === undefined) {
    throw new PalyraError("not_found", "Cannot read references of the config: there is none", {
      hint: "palyra config path tells where one would be; palyra secrets configure makes it",
    });
  }
  const trusted = await requireTrustedConfig(app, config, () => readExistingConfig(app));
  return {
    referenceAt: (field) => referenceAt(trusted, field),
    allReferences: () => allReferences(trusted),
    isCurrent: async () => (await readExistingConfig(app))?.digest === trusted.digest,
  };
}
