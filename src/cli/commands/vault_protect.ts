/** `palyra vault protect`: changes what protects the identity store's key. */

import { PalyraError } from "../../errors.ts";
import { changeProtection, protectorOf } from "../../identity/protection.ts";
import type { Protection, Protector } from "../../identity/protector.ts";
import { isKeystore } from "../../keystore/keystore.ts";
import { liveBlob } from "../../vault/catalog.ts";
import { openLiveVaultKey } from "../../vault/key_chain.ts";
import { KEYS_LOCK_TIMEOUT_MS, type Vault } from "../../vault/vault.ts";
import type { App } from "../app.ts";
import { openVaultToChange } from "../stores.ts";
import type { RecordView } from "../view.ts";

/** Flags of `vault protect`. */
export interface VaultProtectFlags {
  readonly "new-passphrase-file"?: string | undefined;
}

/** Changes the protector; says so when it is that one already. */
export async function vaultProtect(
  app: App,
  flags: VaultProtectFlags,
  protector: Protector,
): Promise<RecordView> {
  const newFile = flags["new-passphrase-file"];
  if (newFile !== undefined && protector !== "passphrase") {
    throw new PalyraError(
      "usage",
      "Cannot use --new-passphrase-file: it goes with vault protect passphrase",
    );
  }
  const passphrases = await app.passphrases(newFile);
  const { platform, identityDirectory, access } = app;
  using vault = await openVaultToChange(app, { anyBackend: true });
  if (protector === "passphrase") {
    // A person may take their time: others need not wait for the locks meanwhile.
    if (protectorOf(platform, identityDirectory) === "passphrase") {
      using _current = await access.passphrase();
    }
    await passphrases.askFresh();
  }
  // A migration away from the keystore must not come in between.
  using _lock = await platform.locks.acquire(vault.paths.keysLock, KEYS_LOCK_TIMEOUT_MS);
  // A keyring that merely happens to be open here would shut the vault out everywhere else.
  if (protector === "keystore") await openLiveVaultKey(vault.keys, vault.database);
  const protection: Protection = protector === "file"
    ? { protector }
    : protector === "passphrase"
    ? { protector, newPassphrase: () => passphrases.fresh() }
    : { protector, backend: keystoreOfVault(vault) };
  const changed = await changeProtection(platform, identityDirectory, protection, access);
  const by = protector === "file" ? "file modes only" : `a ${protector}`;
  return {
    kind: "record",
    json: { protect: protector, changed },
    text: changed
      ? `the identity is protected by ${by} now`
      : `the identity is protected by ${by} already: nothing changed`,
  };
}

/** The keystore that keeps the vault's key: one that works, and is unlocked when secrets are read. */
function keystoreOfVault({ database }: Vault): Extract<
  Protection,
  { protector: "keystore" }
>["backend"] {
  const backend = liveBlob(database)?.backend;
  if (backend !== undefined && isKeystore(backend)) return backend;
  throw new PalyraError(
    "precondition",
    "Cannot protect the identity by a keystore: the vault's key is kept by encrypted_file",
    { hint: "palyra vault migrate --to a keystore comes first; or protect it by a passphrase" },
  );
}
