/** Finds and reads the config for commands, and gives its settings to the vault. */

import type { ChangeContext } from "../config/change.ts";
import type { Config } from "../config/config.ts";
import type { Settings } from "../config/settings.ts";
import { isPalyraError, PalyraError } from "../errors.ts";
import type { App } from "./app.ts";

/** How often a config is read again that changes in between. */
const MAX_READS = 10;

/** A config that is there. */
export async function readExistingConfig(app: App): Promise<Config | undefined> {
  const { findExistingConfig } = await import("../config/location.ts");
  const location = await findExistingConfig(app.platform, app.options.config);
  if (location === undefined) return undefined;
  const { readConfig } = await import("../config/config.ts");
  return await readConfig(await app.platform.documents(), location);
}

/**
 * The config, when it may be used. palyra's own edit may have come between reading it and asking for
 * the trust in it: then it is read again. Throws `denied` for one that is not trusted.
 */
export async function requireTrustedConfig(
  app: App,
  config: Config,
  read: () => Promise<Config | undefined>,
): Promise<Config> {
  const { requireTrusted } = await import("../config/trust.ts");
  let current = config;
  for (let tries = 0; tries < MAX_READS; tries++) {
    try {
      await requireTrusted(app.platform, app.stateRoot, current);
      return current;
    } catch (error) {
      const again = await read();
      if (again === undefined || again.digest === current.digest) throw error;
      current = again;
    }
  }
  throw new PalyraError(
    "precondition",
    `Cannot use ${current.location.path}: it keeps changing`,
  );
}

/** Where the config is changed, or made when there is none. */
export async function changeContext(app: App): Promise<ChangeContext> {
  const { findConfig } = await import("../config/location.ts");
  const location = await findConfig(app.platform, app.options.config);
  return { platform: app.platform, stateRoot: app.stateRoot, location };
}

/** What a config must hold somewhere before the settings of the vault are worth reading. */
const HAS_SETTINGS = /keep_versions|backend/;

/**
 * The settings of a trusted config; `undefined` where there is none, or it says nothing of palyra.
 * A config that came with a clone steers nothing. `newConfig`: one that is named need not be there
 * yet. Throws `usage` for settings that are wrong.
 */
export async function trustedSettings(
  app: App,
  newConfig: boolean,
): Promise<Settings | undefined> {
  const { findConfig, findExistingConfig } = await import("../config/location.ts");
  const find = newConfig ? findConfig : findExistingConfig;
  const location = await find(app.platform, app.options.config);
  if (location?.realPath === undefined) return undefined;
  const documents = await app.platform.documents();
  const { MAX_CONFIG_BYTES, readConfig, textOf } = await import("../config/config.ts");
  const bytes = documents.read(location.realPath, MAX_CONFIG_BYTES);
  // A typing mistake elsewhere in the config must not keep anybody from storing a secret.
  if (bytes === undefined || !HAS_SETTINGS.test(textOf(bytes, location.path))) return undefined;
  const { readSettings } = await import("../config/settings.ts");
  const read = (): Promise<Config> => readConfig(documents, location);
  try {
    return readSettings(await requireTrustedConfig(app, await read(), read));
  } catch (error) {
    if (!isPalyraError(error, "denied")) throw error;
    app.noteVerbose(`the settings in ${location.path} are not used: it is not trusted`);
    return undefined;
  }
}
