/** `palyra vault backup`: all secrets with their history into one encrypted, signed file. */

import type { BackupEntry } from "../../backup/entry.ts";
import { compareEntries } from "../../backup/entry.ts";
import { encryptAge } from "../../backup/age_file.ts";
import { formatPayload } from "../../backup/payload.ts";
import { decodeBase64Url } from "../../crypto/encoding.ts";
import { PalyraError } from "../../errors.ts";
import { readDevice } from "../../identity/device.ts";
import { keyFingerprint, signAsDevice } from "../../identity/signing.ts";
import { type IdentityStore, openIdentityStore } from "../../identity/store.ts";
import { type ExportedVault, exportVersions } from "../../vault/export_versions.ts";
import { formatSecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { counted } from "../counted.ts";
import { backupLock } from "../backup_keys.ts";
import { showProgress } from "../progress.ts";
import { openVaultToRead } from "../stores.ts";
import type { RecordView } from "../view.ts";

/** Flags of `vault backup`. */
export interface VaultBackupFlags {
  readonly out?: string | undefined;
  readonly recipient?: readonly string[] | undefined;
  readonly "backup-passphrase-file"?: string | undefined;
  readonly force?: boolean | undefined;
}

/** What is not in a backup is said where it is made and where it is restored. */
export const NOT_IN_A_BACKUP =
  "not in it: the identity of this device, its devices and pairings, and the config";

/** Writes the backup. Throws `precondition` where something stands in its place, without `--force`. */
export async function vaultBackup(app: App, flags: VaultBackupFlags): Promise<RecordView> {
  const { platform } = app;
  const out = flags.out;
  if (out === undefined) {
    throw new PalyraError("usage", "Cannot back up: --out says which file to write");
  }
  if (!flags.force && platform.directories.inspect(out) !== undefined) throw taken(out);
  const lock = await backupLock(app, flags);
  using _wiped = lock.kind === "passphrase" ? lock.passphrase : undefined;
  using vault = await openVaultToRead(app, { opensValues: true });
  using store = await openStore(app);
  const device = await readDevice(store);
  if (device === undefined) throw noIdentity();
  using watched = showProgress(app, "opened");
  using exported = await exportVersions(vault, watched.report);
  const signer = decodeBase64Url(device.publicKey);
  if (signer === undefined) throw noIdentity();
  const manifest = {
    createdAt: new Date(platform.clock.now()).toISOString(),
    deviceId: device.deviceId,
    signer,
    vaultId: vault.vaultId,
  };
  using payload = await formatPayload(
    manifest,
    entriesOf(exported),
    (message) => signAsDevice(store, message),
  );
  const file = await encryptAge(payload, lock);
  if (flags.force) platform.userFiles.replace(out, file);
  else if (!platform.files.create(out, file)) throw taken(out);
  const fingerprint = await keyFingerprint(signer);
  const versions = exported.versions.length;
  const secrets = new Set(exported.versions.map(({ id }) => formatSecretId(id))).size;
  return {
    kind: "record",
    json: {
      path: out,
      created_at: manifest.createdAt,
      vault_id: manifest.vaultId,
      device_id: manifest.deviceId,
      signer: fingerprint,
      encrypted: lock.kind,
      secrets,
      versions,
      deleted: exported.deletions.length,
    },
    text: [
      `backed up  ${counted(secrets, "secret")}, ${counted(versions, "version")}`,
      `signer     ${fingerprint}`,
      NOT_IN_A_BACKUP,
    ].join("\n"),
  };
}

async function openStore(app: App): Promise<IdentityStore> {
  const store = await openIdentityStore(app.platform, app.identityDirectory, app.access);
  if (store === undefined) throw noIdentity();
  return store;
}

function entriesOf({ versions, deletions }: ExportedVault): BackupEntry[] {
  return [
    ...versions.map((version): BackupEntry => ({ kind: "version", ...version })),
    ...deletions.map((deletion): BackupEntry => ({ kind: "deleted", ...deletion })),
  ].sort(compareEntries);
}

function taken(path: string): PalyraError {
  return new PalyraError("precondition", `Cannot write ${path}: something stands there already`, {
    hint: "Choose another name, or replace it with --force",
  });
}

function noIdentity(): PalyraError {
  return new PalyraError("integrity", "Cannot sign the backup: the device identity is missing");
}
