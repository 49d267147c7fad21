/** Opens identity and vault for commands: the composition root, where neither knows the other. */

import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import { openIdentity } from "../identity/identity.ts";
import type { Protector } from "../identity/protector.ts";
import { type BackendPreference, parsePreference } from "../vault/backend.ts";
import { liveBlob } from "../vault/catalog.ts";
import type { KekSource } from "../vault/key_chain.ts";
import type { WritableVault } from "../vault/create_vault.ts";
import {
  type BindingsOf,
  openVault,
  requirePinned,
  type Vault,
  vaultExists,
  vaultPaths,
} from "../vault/vault.ts";
import type { App } from "./app.ts";

/** For who must not ask the config: no backend is wanted, and no version goes. */
const ANY = { backend: undefined, keepVersions: Number.MAX_SAFE_INTEGER };
const BACKEND_VARIABLE = "PALYRA_VAULT_BACKEND";

/** Whether there is a vault, or a part of one. Throws `denied` for unsafe directories. */
export function hasVault({ platform, stateRoot }: App): boolean {
  return platform.directories.check(stateRoot) && vaultExists(platform, vaultPaths(stateRoot));
}

/** How a vault is opened to read. */
export interface ReadOptions {
  /** Whatever backend is asked for elsewhere: the command is about to change it. */
  readonly anyBackend?: boolean;
  /** The command will open a value. */
  readonly opensValues?: boolean;
}

/** Opens the vault to read. Nothing is made: without a vault it throws `not_found`. */
export async function openVaultToRead(
  app: App,
  { anyBackend = false, opensValues = false }: ReadOptions = {},
): Promise<Vault> {
  const { platform, stateRoot, identityDirectory } = app;
  const paths = vaultPaths(stateRoot);
  const preference = anyBackend ? "auto" : preferenceOf(app) ?? "auto";
  if (!hasVault(app)) throw noVault(stateRoot);
  const keks = async (): Promise<KekSource> => {
    const authority = await openIdentity(platform, identityDirectory, app.access);
    if (authority === undefined) throw noIdentity(identityDirectory);
    return authority;
  };
  const { mayUnlock } = app;
  const vault = await openVault(platform, paths, { keks, bindings, mayUnlock, opensValues });
  if (vault === undefined) throw noVault(stateRoot);
  try {
    const blob = preference === "auto" ? undefined : liveBlob(vault.database);
    if (blob !== undefined) requirePinned(blob.backend, preference);
    return vault;
  } catch (error) {
    vault[Symbol.dispose]();
    throw error;
  }
}

/**
 * Opens the vault to change what is in it, and clears away what killed writers left. Nothing is
 * made: without a vault it throws `not_found`.
 */
export async function openVaultToChange(app: App, options: WriteOptions = {}): Promise<Vault> {
  (await openVaultToRead(app, options))[Symbol.dispose](); // the checks of a reader come first
  return (await openVaultToWrite(app, options)).vault;
}

/** How a vault is opened to write. */
export interface WriteOptions {
  /** The backend for a new vault; without it what variable and config say. */
  readonly wanted?: BackendPreference | undefined;
  /** What protects a new identity. */
  readonly protect?: Protector | undefined;
  /** Whatever backend is asked for elsewhere: the command is about to change it. */
  readonly anyBackend?: boolean;
  /** The command makes the config where the one that is named is not there. */
  readonly newConfig?: boolean;
  /** The command mends the config, whose settings may be what is wrong with it: all versions stay. */
  readonly withoutSettings?: boolean;
}

/** Opens the vault to write; identity and vault are made when there is neither. */
export async function openVaultToWrite(
  app: App,
  {
    wanted = preferenceOf(app),
    protect,
    newConfig = false,
    withoutSettings = false,
    anyBackend = false,
  }: WriteOptions = {},
): Promise<WritableVault> {
  const { platform, stateRoot, identityDirectory } = app;
  const paths = vaultPaths(stateRoot);
  const { trustedSettings } = await import("./configs.ts");
  const settings = withoutSettings ? ANY : await trustedSettings(app, newConfig);
  const asked = wanted ?? settings?.backend ?? "auto";
  const { ensureVault, requireUsable } = await import("../vault/create_vault.ts");
  const { collectIdentityLeftovers } = await import("../identity/identity.ts");
  const { makeIdentity } = await import("./make_identity.ts");
  if (!hasVault(app)) await requireUsable(platform, paths, asked);
  platform.directories.ensure(stateRoot);
  const { keks, preference } = await makeIdentity(app, { preference: asked, protect }, () => {
    if (vaultExists(platform, paths)) throw noIdentity(identityDirectory);
  });
  const passphrase = async (): Promise<SensitiveBytes> => await (await app.passphrases()).given();
  await collectIdentityLeftovers(platform, identityDirectory, { mayUnlock: false, passphrase });
  const writable = await ensureVault(platform, paths, {
    keks,
    preference,
    anyBackend,
    bindings,
    mayUnlock: app.mayUnlock,
    ...(settings?.keepVersions === undefined ? {} : { keepVersions: settings.keepVersions }),
  });
  await collectStrays(app);
  tellCreated(app, writable);
  return writable;
}

/** That the key is kept by something weaker than was to be expected is told in any case. */
function tellCreated(app: App, { created, backend, fallback }: WritableVault): void {
  const kept = `created ${app.stateRoot}; the vault key is kept by ${backend}`;
  if (fallback !== undefined) {
    app.warn(`${kept}: ${fallback.from} cannot be used, ${fallback.why}`);
  } else if (created) app.note(kept);
}

/** What killed writers left in the state root itself. */
async function collectStrays({ platform, stateRoot }: App): Promise<void> {
  if (!platform.directories.list(stateRoot).some((name) => name.endsWith(".tmp"))) return;
  const { removeStrays } = await import("../config/trust.ts");
  removeStrays(platform, stateRoot);
}

/** What a config says of its fields; the room of the config is loaded when it is asked. */
async function bindings(
  ...document: Parameters<BindingsOf>
): Promise<Awaited<ReturnType<BindingsOf>>> {
  return await (await import("../config/bindings.ts")).bindingsOf(...document);
}

function preferenceOf({ platform }: App): BackendPreference | undefined {
  const text = platform.environment.get(BACKEND_VARIABLE);
  return text === undefined || text === "" ? undefined : parsePreference(text, BACKEND_VARIABLE);
}

function noVault(stateRoot: string): PalyraError {
  return new PalyraError("not_found", `Cannot open the vault: there is none in ${stateRoot}`, {
    hint: "palyra init makes one, and so does the first palyra secrets set",
  });
}

function noIdentity(directory: string): PalyraError {
  return new PalyraError(
    "integrity",
    `Cannot open the vault: its identity is missing from ${directory}`,
    {
      hint: "It is never made anew: put the identity directory back, or restore a backup",
    },
  );
}
