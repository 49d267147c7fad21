/** First use of a vault, and what a writer puts right before it begins. */

import { migrate } from "../database/schema.ts";
import { encodeUtf8 } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import { causeOf, whyOf } from "../keystore/failure.ts";
import { keystoreOf } from "../keystore/keystore.ts";
import type { Platform } from "../platform/platform.ts";
import { type BackendKind, type BackendPreference } from "./backend.ts";
import { liveBlob } from "./catalog.ts";
import { renewVaultKey } from "./generations.ts";
import { collectIfIdle, collectLeftovers } from "./leftovers.ts";
import { settleIntent } from "./recovery.ts";
import { VAULT_SCHEMA } from "./schema.ts";
import {
  KEYS_LOCK_TIMEOUT_MS,
  openVault,
  readMarker,
  requirePinned,
  type Vault,
  type VaultContext,
  type VaultPaths,
} from "./vault.ts";

const VAULT_ID_BYTES = 16;

/** A vault that can be written to. */
export interface WritableVault {
  readonly vault: Vault;
  readonly backend: BackendKind;
  /** Whether this call has made it. */
  readonly created: boolean;
  /** The keystore that `auto` wanted to use, and why it could not. */
  readonly fallback?: Fallback;
}

/** Why the key of a new vault is not kept by the keystore of the system. */
export interface Fallback {
  readonly from: BackendKind;
  readonly why: string;
}

/** What the vault is opened with. */
export interface CreateOptions extends VaultContext {
  /** What keeps the key of a new vault. */
  readonly preference: BackendPreference;
  /** A vault that is there may be kept by another one: the command is about to change that. */
  readonly anyBackend?: boolean;
}

/**
 * Opens the vault for writing and makes it when there is none. Throws `precondition` when it is
 * pinned to another backend than the one that is asked for.
 */
export async function ensureVault(
  platform: Platform,
  paths: VaultPaths,
  options: CreateOptions,
): Promise<WritableVault> {
  const vault = await openVault(platform, paths, { ...options, toWrite: true });
  if (vault === undefined) return await createVault(platform, paths, options);
  try {
    const blob = liveBlob(vault.database);
    // Missing or different after a crash: what the database says is in force, the marker follows.
    if (blob === undefined || readMarker(platform, paths) !== blob.backend) {
      return await complete(vault, options);
    }
    if (!options.anyBackend) requirePinned(blob.backend, options.preference);
    await collectIfIdle(vault);
    await settleIntent(vault);
    return { vault, backend: blob.backend, created: false };
  } catch (error) {
    vault[Symbol.dispose]();
    throw error;
  }
}

/**
 * Throws `unavailable` where a backend that was asked for by name cannot be used, as far as can be
 * told without storing anything: asked before anything is made, and never answered with something
 * weaker.
 */
export async function requireUsable(
  platform: Platform,
  { directory }: VaultPaths,
  preference: BackendPreference,
): Promise<void> {
  if (preference === "auto" || preference === "encrypted_file") return;
  const { openKeystore } = await import("../keystore/open_keystore.ts");
  const keystore = await openKeystore(platform, preference, {
    holder: { kind: "vault", id: platform.random.bytes(VAULT_ID_BYTES).toHex() },
    item: "vault_key",
    directory,
    mayUnlock: false,
  });
  await keystore.look();
}

async function createVault(
  platform: Platform,
  paths: VaultPaths,
  options: CreateOptions,
): Promise<WritableVault> {
  platform.directories.ensure(paths.directory);
  {
    using _lock = await platform.locks.acquire(paths.keysLock, KEYS_LOCK_TIMEOUT_MS);
    using found = await openVault(platform, paths, options); // another process may have been first
    if (found === undefined) await createDatabase(platform, paths);
  }
  const vault = await openVault(platform, paths, options);
  if (vault === undefined) {
    throw new PalyraError("precondition", "Cannot create the vault: it was removed meanwhile");
  }
  try {
    return await complete(vault, options);
  } catch (error) {
    vault[Symbol.dispose]();
    throw error;
  }
}

async function createDatabase(platform: Platform, paths: VaultPaths): Promise<void> {
  const databases = await platform.databases();
  const vaultId = platform.random.bytes(VAULT_ID_BYTES).toHex();
  const nowAt = new Date(platform.clock.now()).toISOString();
  await databases.create(paths.database, (database) =>
    database.write(() => {
      migrate(database, VAULT_SCHEMA);
      database.run(
        "INSERT INTO vault (one, vault_id, created_at) VALUES (1, ?, ?)",
        vaultId,
        nowAt,
      );
    }));
}

/** Makes the first vault key if there is none, then the marker: each may be missing after a crash. */
async function complete(
  vault: Vault,
  { preference, anyBackend = false }: CreateOptions,
): Promise<WritableVault> {
  let fallback: Fallback | undefined;
  const { platform, paths, database } = vault;
  using _lock = await platform.locks.acquire(paths.keysLock, KEYS_LOCK_TIMEOUT_MS);
  await collectLeftovers(vault);
  const before = liveBlob(database);
  if (before === undefined) fallback = await makeFirstKey(vault, preference);
  else if (!anyBackend) requirePinned(before.backend, preference);
  const backend = liveBlob(database)!.backend;
  // Of several first commands one makes the database and maybe another one the key: the key decides.
  const created = before === undefined;
  // Made now, so that a command that is refused later makes nothing.
  platform.locks.tryAcquire(paths.configureLock)?.[Symbol.dispose]();
  if (readMarker(platform, paths) !== backend) {
    platform.files.replace(paths.marker, encodeUtf8(`${backend}\n`));
  }
  return { vault, backend, created, ...(fallback === undefined ? {} : { fallback }) };
}

/**
 * Makes the first vault key in the backend that was named. `auto` is the keystore of the system if it
 * keeps and gives back what it is given, else the encrypted file, and then the caller is told why.
 */
async function makeFirstKey(
  vault: Vault,
  preference: BackendPreference,
): Promise<Fallback | undefined> {
  const keystore = keystoreOf(vault.platform.environment.os);
  if (preference !== "auto" || keystore === undefined) {
    await renewVaultKey(vault, preference === "auto" ? "encrypted_file" : preference);
    return undefined;
  }
  try {
    await renewVaultKey(vault, keystore);
    return undefined;
  } catch (error) {
    const cause = causeOf(error);
    if (cause === undefined) throw error; // the database, not the keystore
    await renewVaultKey(vault, "encrypted_file");
    return { from: keystore, why: whyOf(cause) };
  }
}
