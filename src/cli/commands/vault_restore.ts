/** `palyra vault restore`: the secrets of a backup into this vault, sealed anew. */

import { decryptAge } from "../../backup/age_file.ts";
import type { BackupEntry, DeletedEntry, VersionEntry } from "../../backup/entry.ts";
import { MAX_PAYLOAD_BYTES, type OpenedBackup, parsePayload } from "../../backup/payload.ts";
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { PalyraError } from "../../errors.ts";
import { readDevice } from "../../identity/device.ts";
import { keyFingerprint } from "../../identity/signing.ts";
import { openIdentityStore } from "../../identity/store.ts";
import { isEmptyVault, notEmpty, restoreVersions } from "../../vault/restore_versions.ts";
import type { App } from "../app.ts";
import { counted } from "../counted.ts";
import { backupKey } from "../backup_keys.ts";
import { showProgress } from "../progress.ts";
import { hasVault, openVaultToRead, openVaultToWrite } from "../stores.ts";
import type { RecordView } from "../view.ts";
import { NOT_IN_A_BACKUP } from "./vault_backup.ts";

/** Flags of `vault restore`. */
export interface VaultRestoreFlags {
  readonly "accept-signer"?: string | undefined;
  readonly merge?: boolean | undefined;
  readonly "identity-file"?: string | undefined;
  readonly "backup-passphrase-file"?: string | undefined;
}

/** What age adds: a header, and 16 bytes for every 65,536. */
const MAX_FILE_BYTES = MAX_PAYLOAD_BYTES + 1_048_576;

/** Restores. Throws `denied` for a signer that is not accepted; nothing is made before that is clear. */
export async function vaultRestore(
  app: App,
  flags: VaultRestoreFlags,
  path: string,
): Promise<RecordView> {
  const file = await app.platform.userFiles.read(path, MAX_FILE_BYTES);
  const key = await backupKey(app, file, flags);
  using backup = await open(file, key);
  const signer = await keyFingerprint(backup.manifest.signer);
  const isOwn = await isThisDevice(app, backup);
  if (!isOwn && flags["accept-signer"] !== signer) throw unknownSigner(backup, signer, flags);
  const merge = flags.merge ?? false;
  await requireRoom(app, merge);
  const { vault } = await openVaultToWrite(app);
  using _open = vault;
  using watched = showProgress(app, "restored");
  const report = await restoreVersions(
    vault,
    { ...partsOf(backup.entries), merge },
    watched.report,
  );
  const { secrets, versions, unchanged, kept, expired } = report;
  const { createdAt, deviceId, vaultId } = backup.manifest;
  return {
    kind: "record",
    json: {
      path,
      created_at: createdAt,
      vault_id: vaultId,
      device_id: deviceId,
      signer,
      own: isOwn,
      changed: secrets > 0,
      secrets,
      versions,
      unchanged,
      kept,
      expired,
    },
    text: [
      `backup of  ${createdAt}, device ${deviceId}${isOwn ? ", this one" : ""}`,
      `signer     ${signer}`,
      `restored   ${counted(secrets, "secret")}, ${counted(versions, "version")}`,
      ...(unchanged === 0 ? [] : [`unchanged  ${unchanged}`]),
      ...(expired === 0 ? [] : [`expired    ${expired}`]),
      ...kept.map((ref) => `kept       ${ref}: this vault holds another value`),
      NOT_IN_A_BACKUP,
    ].join("\n"),
  };
}

async function open(
  file: Uint8Array,
  key: Awaited<ReturnType<typeof backupKey>>,
): Promise<OpenedBackup> {
  using _wiped = key.kind === "passphrase" ? key.passphrase : key.text;
  using payload = await decryptAge(file, key);
  return await parsePayload(payload);
}

/** Refused before anything is made, where it would be refused then. */
async function requireRoom(app: App, merge: boolean): Promise<void> {
  if (merge || !hasVault(app)) return;
  using vault = await openVaultToRead(app);
  if (!isEmptyVault(vault)) throw notEmpty();
}

async function isThisDevice(app: App, { manifest }: OpenedBackup): Promise<boolean> {
  const { platform, stateRoot, identityDirectory, access } = app;
  const { directories } = platform;
  if (!directories.check(stateRoot) || !directories.check(identityDirectory)) return false;
  using store = await openIdentityStore(platform, identityDirectory, access);
  const device = store && await readDevice(store);
  return device?.publicKey === encodeBase64Url(manifest.signer);
}

function unknownSigner(
  { manifest }: OpenedBackup,
  signer: string,
  flags: VaultRestoreFlags,
): PalyraError {
  const why = flags["accept-signer"] === undefined
    ? `another device has signed it, ${manifest.deviceId}`
    : "its signer is not the one that --accept-signer names";
  return new PalyraError("denied", `Cannot restore: ${why}`, {
    hint: `If palyra vault backup printed this signer there: --accept-signer ${signer}`,
    details: { signer, device_id: manifest.deviceId },
  });
}

function partsOf(
  entries: readonly BackupEntry[],
): { versions: readonly VersionEntry[]; deletions: readonly DeletedEntry[] } {
  return {
    versions: entries.filter((entry) => entry.kind === "version"),
    deletions: entries.filter((entry) => entry.kind === "deleted"),
  };
}
