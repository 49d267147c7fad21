/** Where palyra keeps its state: flag, then environment, then the platform's custom. */

import { PalyraError } from "../errors.ts";
import type { Environment } from "../platform/platform.ts";

/**
 * The state root: `--state-root`, `PALYRA_STATE_ROOT`, `$XDG_STATE_HOME/palyra` (only if absolute,
 * as the XDG Base Directory Specification demands), `~/.local/state/palyra`; on Windows
 * `%LOCALAPPDATA%\Palyra`. Throws `usage` when none can be told.
 */
export function findStateRoot(environment: Environment, flag: string | undefined): string {
  const named = flag ?? nonEmpty(environment, "PALYRA_STATE_ROOT");
  if (named !== undefined) return withoutTrailingSlash(named);
  if (environment.os === "windows") {
    const local = nonEmpty(environment, "LOCALAPPDATA");
    if (local !== undefined) return `${local}\\Palyra`;
  }
  const xdg = nonEmpty(environment, "XDG_STATE_HOME");
  if (xdg?.startsWith("/")) return `${withoutTrailingSlash(xdg)}/palyra`;
  const home = nonEmpty(environment, "HOME");
  if (home !== undefined) return `${withoutTrailingSlash(home)}/.local/state/palyra`;
  throw new PalyraError("usage", "Cannot find the state root: HOME is not set", {
    hint: "Name it with --state-root or PALYRA_STATE_ROOT",
  });
}

function nonEmpty(environment: Environment, name: string): string | undefined {
  const value = environment.get(name);
  return value === "" ? undefined : value;
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 ? path.replace(/(?:\/\.?)+$/, "") || "/" : path;
}
