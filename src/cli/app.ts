/** The composition root: gives commands what they ask for, and wires identity and vault together. */

import { PalyraError } from "../errors.ts";
import type { DeviceAuthority } from "../identity/authority.ts";
import { openIdentity } from "../identity/identity.ts";
import type { Platform } from "../platform/platform.ts";
import type { BackendPreference } from "../vault/backend.ts";
import type { WritableVault } from "../vault/create_vault.ts";
import { openVault, type Vault, vaultExists, vaultPaths } from "../vault/vault.ts";
import type { GlobalOptions } from "./global_flags.ts";
import { findStateRoot } from "./state_root.ts";

/** What a command works with. */
export class App {
  readonly platform: Platform;
  readonly options: GlobalOptions;
  /** Of palyra itself. */
  readonly version: string;
  #stateRoot: string | undefined;

  constructor(platform: Platform, options: GlobalOptions, version: string) {
    this.platform = platform;
    this.options = options;
    this.version = version;
  }

  /** The state root. Throws `usage` when none can be told. */
  get stateRoot(): string {
    return this.#stateRoot ??= findStateRoot(this.platform.environment, this.options.stateRoot);
  }

  /** The directory of the identity store. */
  get identityDirectory(): string {
    return `${this.stateRoot}/identity`;
  }

  /** Opens the vault to read. Nothing is made: without a vault it throws `not_found`. */
  async openVault(): Promise<Vault> {
    const { platform, stateRoot } = this;
    const paths = vaultPaths(stateRoot);
    if (!platform.directories.check(stateRoot) || !vaultExists(platform, paths)) {
      throw noVault(stateRoot);
    }
    const authority = await openIdentity(platform, this.identityDirectory);
    if (authority === undefined) throw noIdentity(this.identityDirectory);
    const vault = await openVault(platform, paths, authority);
    if (vault === undefined) throw noVault(stateRoot);
    await this.#requirePreference(vault);
    return vault;
  }

  /**
   * Opens the vault to change what is in it, and clears away what killed writers left. Nothing is
   * made: without a vault it throws `not_found`.
   */
  async openExistingVault(): Promise<Vault> {
    (await this.openVault())[Symbol.dispose](); // the checks of a reader come first
    return (await this.openWritableVault()).vault;
  }

  /** Opens the vault to write; identity and vault are made when there is neither. */
  async openWritableVault(wanted?: BackendPreference): Promise<WritableVault> {
    const { platform, stateRoot } = this;
    const paths = vaultPaths(stateRoot);
    const preference = wanted ?? await this.#preference();
    const { chooseKind, ensureVault } = await import("../vault/create_vault.ts");
    if (!platform.directories.check(stateRoot) || !vaultExists(platform, paths)) {
      chooseKind(preference);
    }
    platform.directories.ensure(stateRoot);
    const keks = await this.#ensureIdentity(() => {
      if (vaultExists(platform, paths)) throw noIdentity(this.identityDirectory);
    });
    const writable = await ensureVault(platform, paths, { keks, preference });
    if (writable.created) {
      this.note(`created ${stateRoot}; the vault key is kept by ${writable.backend}`);
    }
    return writable;
  }

  /** A line on standard error, unless the user wants quiet. */
  note(text: string): void {
    if (!this.options.quiet) this.platform.streams.writeError(`palyra: ${text}\n`);
  }

  /** A line on standard error that only `--verbose` shows. */
  noteVerbose(text: string): void {
    if (this.options.verbose) this.note(text);
  }

  async #ensureIdentity(mayCreate: () => void): Promise<DeviceAuthority> {
    const { collectIdentityLeftovers, ensureIdentity } = await import("../identity/identity.ts");
    const authority = await ensureIdentity(this.platform, this.identityDirectory, mayCreate);
    collectIdentityLeftovers(this.platform, this.identityDirectory);
    return authority;
  }

  async #requirePreference(vault: Vault): Promise<void> {
    if (!this.platform.environment.get(BACKEND_VARIABLE)) return;
    const { liveBlob } = await import("../vault/catalog.ts");
    const { requirePinned } = await import("../vault/create_vault.ts");
    const blob = liveBlob(vault.database);
    try {
      if (blob !== undefined) requirePinned(blob.backend, await this.#preference());
    } catch (error) {
      vault[Symbol.dispose]();
      throw error;
    }
  }

  async #preference(): Promise<BackendPreference> {
    const text = this.platform.environment.get(BACKEND_VARIABLE);
    if (text === undefined || text === "") return "auto";
    const { parsePreference } = await import("../vault/backend.ts");
    return parsePreference(text, BACKEND_VARIABLE);
  }
}

const BACKEND_VARIABLE = "PALYRA_VAULT_BACKEND";

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
