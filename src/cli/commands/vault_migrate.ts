/** `palyra vault migrate --to BACKEND`: moves the vault's key to another backend. */

import { PalyraError } from "../../errors.ts";
import { protectorOf } from "../../identity/protection.ts";
import { type BackendKind, parsePreference } from "../../vault/backend.ts";
import { requireUsable } from "../../vault/create_vault.ts";
import { migrateVault } from "../../vault/migrate_vault.ts";
import { vaultPaths } from "../../vault/vault.ts";
import type { App } from "../app.ts";
import { openVaultToChange, openVaultToRead } from "../stores.ts";
import type { RecordView } from "../view.ts";

/** Flags of `vault migrate`. */
export interface VaultMigrateFlags {
  readonly to?: string | undefined;
}

/** Moves the key; says so when it is there already. */
export async function vaultMigrate(app: App, flags: VaultMigrateFlags): Promise<RecordView> {
  const to = targetOf(flags.to);
  const { platform, stateRoot, identityDirectory } = app;
  (await openVaultToRead(app, { anyBackend: true }))[Symbol.dispose]();
  await requireUsable(platform, vaultPaths(stateRoot), to);
  using vault = await openVaultToChange(app, { anyBackend: true });
  const { backend, previous, changed } = await migrateVault(vault, to, (from) => {
    if (from === "encrypted_file" || protectorOf(platform, identityDirectory) !== "keystore") {
      return;
    }
    throw new PalyraError(
      "precondition",
      `Cannot leave ${from}: it protects the identity as well`,
      { hint: "palyra vault protect file, or passphrase, comes first" },
    );
  });
  return {
    kind: "record",
    json: { backend, previous, changed },
    text: changed
      ? `moved the vault key from ${previous} to ${backend}`
      : `the vault key is kept by ${backend} already: nothing changed`,
  };
}

function targetOf(text: string | undefined): BackendKind {
  if (text === undefined) {
    throw new PalyraError("usage", "Cannot migrate: --to says which backend is to keep the key");
  }
  const to = parsePreference(text, "--to");
  if (to !== "auto") return to;
  throw new PalyraError("usage", "Cannot migrate to auto: name the backend");
}
