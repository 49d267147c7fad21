/** Finds and reads the config for commands, and gives its settings to the vault. */

import type { ChangeContext } from "../config/change.ts";
import type { Config } from "../config/config.ts";
import type { ConfigLocation } from "../config/location.ts";
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
 * The configs that may refer to secrets: the one that is found from here, and the user's own, which a
 * config in the working directory does not replace for who is about to delete something. What is foreign
 * counts as not there. Throws as {@link readExistingConfig} does.
 */
export async function referringConfigs(app: App): Promise<readonly Config[]> {
  const read = await readUnlessForeign(app);
  if (read === "foreign") {
    app.noteVerbose("the config that was found is left out: it cannot be read, and is not trusted");
  }
  const found = read === "foreign" || read === undefined ? [] : [read];
  const { findOwnConfig } = await import("../config/location.ts");
  const own = await findOwnConfig(app.platform, app.options.config);
  if (own === undefined || found[0]?.location.realPath === own.realPath) return found;
  const { readConfig } = await import("../config/config.ts");
  return [...found, await readConfig(await app.platform.documents(), own)];
}

/**
 * A config that is there; `foreign` for one that comes from a search, is not trusted as it stands, and cannot
 * be read: it need be no TOML. Throws as {@link readExistingConfig} does.
 */
export async function readUnlessForeign(app: App): Promise<Config | "foreign" | undefined> {
  try {
    return await readExistingConfig(app);
  } catch (error) {
    if (isPalyraError(error) && await isForeign(app)) return "foreign";
    throw error;
  }
}

async function isForeign(app: App): Promise<boolean> {
  const [{ findExistingConfig }, { isTrusted }] = await Promise.all([
    import("../config/location.ts"),
    import("../config/trust.ts"),
  ]);
  try {
    const location = await findExistingConfig(app.platform, app.options.config);
    if (location?.origin !== "search") return false;
    const raw = await rawConfig(app, location);
    return raw === undefined || !isTrusted(app.platform, app.stateRoot, raw);
  } catch (error) {
    if (!isPalyraError(error)) throw error;
    return !isNamed(app); // a directory, or a link that leads nowhere
  }
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
 * A config that came with a clone steers nothing, whatever it is. `newConfig`: one that is named
 * need not be there yet. Throws `usage` for settings that are wrong.
 */
export async function trustedSettings(
  app: App,
  newConfig: boolean,
): Promise<Settings | undefined> {
  if (!app.options.searchesConfig && app.options.config === undefined) return undefined;
  const { findConfig, findExistingConfig } = await import("../config/location.ts");
  let location: ConfigLocation | undefined;
  let isTrusted = false;
  try {
    location = await (newConfig ? findConfig : findExistingConfig)(
      app.platform,
      app.options.config,
    );
    if (location?.realPath === undefined) return undefined;
    const config = await rawConfig(app, location);
    // A typing mistake elsewhere in the config must not keep anybody from storing a secret.
    if (config === undefined || !HAS_SETTINGS.test(config.text)) return undefined;
    const found = location;
    const trusted = await requireTrustedConfig(app, config, () => rawConfig(app, found));
    isTrusted = true;
    const [{ readSettings }, { parseToml }] = await Promise.all([
      import("../config/settings.ts"),
      import("../config/toml_document.ts"),
    ]);
    return readSettings({ table: parseToml(trusted.text, location.path) });
  } catch (error) {
    const wasFound = location?.origin === "search" || (location === undefined && !isNamed(app));
    if (isTrusted || !wasFound || !isPalyraError(error)) throw error;
    app.noteVerbose("the settings in the config that was found are not used: it is not trusted");
    return undefined;
  }
}

/** The text and digest of a config, which need be no TOML. */
async function rawConfig(app: App, location: ConfigLocation): Promise<Config | undefined> {
  const documents = await app.platform.documents();
  const [{ MAX_CONFIG_BYTES, textOf }, { sha256Hex }] = await Promise.all([
    import("../config/config.ts"),
    import("../crypto/digest.ts"),
  ]);
  const bytes = documents.read(location.realPath!, MAX_CONFIG_BYTES);
  if (bytes === undefined) return undefined;
  const text = textOf(bytes, location.path);
  return { location, text, digest: await sha256Hex(bytes), table: {} };
}

function isNamed({ options, platform }: App): boolean {
  return options.config !== undefined || Boolean(platform.environment.get("PALYRA_CONFIG"));
}
