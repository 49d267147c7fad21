/** Where `palyra.toml` is: named by flag or variable, found by search, or the user's own. */

import { isPalyraError, PalyraError } from "../errors.ts";
import type { Environment, Platform } from "../platform/platform.ts";

/** How a config was found. What is found by search may have come with a cloned repository. */
export type ConfigOrigin = "flag" | "environment" | "search" | "user";

/** A config, or the place where one would be made. */
export interface ConfigLocation {
  readonly origin: ConfigOrigin;
  /** As it was named or found; absolute. */
  readonly path: string;
  /** Where it leads through symbolic links; `undefined` when there is no config yet. */
  readonly realPath: string | undefined;
  /** Where its directory leads; `undefined` when there is none. */
  readonly realDirectory?: string | undefined;
}

const NAME = "palyra.toml";

/**
 * The config by `--config`, `PALYRA_CONFIG`, a search from the working directory upwards, or
 * `$XDG_CONFIG_HOME/palyra/palyra.toml` (by default in `~/.config`; Windows `%APPDATA%\Palyra`).
 * One that is named is never passed over, whether it is there or not. Throws `usage` when no place
 * can be told.
 */
export async function findConfig(
  { environment, documents }: Pick<Platform, "environment" | "documents">,
  flag: string | undefined,
): Promise<ConfigLocation> {
  const { realPath } = await documents();
  const located = (origin: ConfigOrigin, path: string): ConfigLocation => {
    const directory = path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"))) || "/";
    return { origin, path, realPath: realPath(path), realDirectory: realPath(directory) };
  };
  if (flag !== undefined) return located("flag", absolute(environment, flag));
  const named = nonEmpty(environment, "PALYRA_CONFIG");
  if (named !== undefined) return located("environment", absolute(environment, named));
  const own = userConfigPath(environment);
  for (const directory of upwards(environment.workingDirectory())) {
    const path = directory === "/" ? `/${NAME}` : `${directory}/${NAME}`;
    if (path === own) continue; // the user's own, wherever one stands
    if (isThere(realPath, path)) return located("search", path);
  }
  if (own !== undefined) return located("user", own);
  throw new PalyraError("usage", "Cannot find a place for the config: HOME is not set", {
    hint: "Name it with --config or PALYRA_CONFIG",
  });
}

/** The same, but only a config that is there. Throws `usage` for a named one that is not. */
export async function findExistingConfig(
  platform: Pick<Platform, "environment" | "documents">,
  flag: string | undefined,
): Promise<(ConfigLocation & { readonly realPath: string }) | undefined> {
  if (flag === undefined && !canSearch(platform.environment)) return undefined;
  const found = await findConfig(platform, flag);
  const { origin, path, realPath } = found;
  if (realPath !== undefined) return { ...found, realPath };
  if (origin === "user") return undefined;
  throw new PalyraError("usage", `Cannot read ${path}: there is no such config`);
}

/**
 * The config by `--config`, `PALYRA_CONFIG`, or in the user's own place, and never by a search:
 * programs that run palyra do so in directories that came from elsewhere. `undefined` when there is
 * none of the user's own. Throws `usage` for a named one that is not there.
 */
export async function findOwnConfig(
  { environment, documents }: Pick<Platform, "environment" | "documents">,
  flag: string | undefined,
): Promise<(ConfigLocation & { readonly realPath: string }) | undefined> {
  const named = flag ?? nonEmpty(environment, "PALYRA_CONFIG");
  const path = named === undefined ? userConfigPath(environment) : absolute(environment, named);
  if (path === undefined) return undefined;
  const origin = flag !== undefined ? "flag" : named === undefined ? "user" : "environment";
  const realPath = (await documents()).realPath(path);
  if (realPath !== undefined) return { origin, path, realPath };
  if (named === undefined) return undefined;
  throw new PalyraError("usage", `Cannot read ${path}: there is no such config`);
}

/** Without HOME there is no config of the user's own, yet there may be one to find. */
function canSearch(environment: Environment): boolean {
  return nonEmpty(environment, "PALYRA_CONFIG") !== undefined ||
    userConfigPath(environment) !== undefined;
}

function userConfigPath(environment: Environment): string | undefined {
  if (environment.os === "windows") {
    const roaming = nonEmpty(environment, "APPDATA");
    return roaming && `${roaming}\\Palyra\\${NAME}`;
  }
  const xdg = nonEmpty(environment, "XDG_CONFIG_HOME");
  if (xdg?.startsWith("/")) return `${trimmed(xdg)}/palyra/${NAME}`;
  const home = nonEmpty(environment, "HOME");
  return home?.startsWith("/") ? `${trimmed(home)}/.config/palyra/${NAME}` : undefined;
}

/** What this user may not even look at was not put there for them. */
function isThere(realPath: (path: string) => string | undefined, path: string): boolean {
  try {
    return realPath(path) !== undefined;
  } catch (error) {
    if (isPalyraError(error, "denied")) return false;
    throw error;
  }
}

function* upwards(directory: string): Generator<string> {
  for (let at = directory;;) {
    yield at;
    const cut = Math.max(at.lastIndexOf("/"), at.lastIndexOf("\\"));
    if (at === "/" || cut === -1) return;
    at = at.slice(0, cut) || "/";
  }
}

function absolute(environment: Environment, path: string): string {
  const isAbsolute = path.startsWith("/") || /^[A-Za-z]:[\\/]/.test(path);
  return isAbsolute ? path : `${trimmed(environment.workingDirectory())}/${path}`;
}

function nonEmpty(environment: Environment, name: string): string | undefined {
  const value = environment.get(name);
  return value === "" ? undefined : value;
}

function trimmed(path: string): string {
  return path === "/" ? "" : path.replace(/\/+$/, "");
}
