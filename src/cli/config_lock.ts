/** `configure.lock` for commands that change the config alone, whether or not there is a vault. */

import { acquireConfigureLock, lockConfigure } from "../vault/recovery.ts";
import { vaultPaths } from "../vault/vault.ts";
import type { App } from "./app.ts";
import { hasVault, openVaultToChange } from "./stores.ts";

/** Takes the lock; an interrupted `configure` is finished or undone first. */
export async function lockConfig(app: App): Promise<Disposable> {
  if (hasVault(app)) {
    using vault = await openVaultToChange(app, { withoutSettings: true });
    return await lockConfigure(vault);
  }
  const { platform, stateRoot } = app;
  const paths = vaultPaths(stateRoot);
  platform.directories.ensure(stateRoot);
  platform.directories.ensure(paths.directory);
  return await acquireConfigureLock(platform, paths);
}
