/** What the audit commands look at: config, auth profiles and vault, as far as they can be opened. */

import type { AuditSubject } from "../../audit/audit.ts";
import { isPalyraError, type PalyraError } from "../../errors.ts";
import type { Vault } from "../../vault/vault.ts";
import type { App } from "../app.ts";
import { readExistingConfig, requireTrustedConfig } from "../configs.ts";
import { hasVault, openVaultToRead } from "../stores.ts";
import { profilesToAudit } from "./profiles.ts";

/** A subject that is open. */
export interface OpenSubject extends AuditSubject, Disposable {}

/**
 * Opens them. A config that is not trusted is looked at, and nothing that it names is read; a vault that
 * may not be opened, or is not whole, is something to be told. Throws what else keeps them shut: a
 * locked keystore says nothing about its secrets.
 */
export async function openSubject(app: App): Promise<OpenSubject> {
  const { platform, stateRoot } = app;
  const found = await readExistingConfig(app);
  const { config, blocked } = found === undefined
    ? { config: undefined, blocked: undefined }
    : await trustedOr(app, found);
  const profiles = await profilesToAudit(app);
  const { vault, vaultError } = await tryOpenVault(app);
  const others = { platform };
  return {
    platform,
    stateRoot,
    config,
    profiles,
    sources: { vault, vaultError, others, blocked },
    [Symbol.dispose]: () => vault?.[Symbol.dispose](),
  };
}

/** Says that the auth profiles are left out, for commands that have no findings. */
export function noteUnreadable(app: App, { profiles: { mistake } }: AuditSubject): void {
  if (mistake !== undefined) app.note(`auth profiles are left out: ${mistake.message}`);
}

async function trustedOr(
  app: App,
  found: NonNullable<AuditSubject["config"]>,
): Promise<{ config: typeof found; blocked: PalyraError | undefined }> {
  try {
    const config = await requireTrustedConfig(app, found, () => readExistingConfig(app));
    return { config, blocked: undefined };
  } catch (error) {
    if (!isPalyraError(error, "denied")) throw error;
    return { config: found, blocked: error };
  }
}

async function tryOpenVault(
  app: App,
): Promise<{ vault: Vault | undefined; vaultError: PalyraError | undefined }> {
  try {
    const vault = hasVault(app) ? await openVaultToRead(app, { opensValues: true }) : undefined;
    return { vault, vaultError: undefined };
  } catch (error) {
    if (!isPalyraError(error, "denied") && !isPalyraError(error, "integrity")) throw error;
    return { vault: undefined, vaultError: error };
  }
}
