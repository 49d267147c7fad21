/** First use of a vault, and what a writer puts right before it begins. */

import { encodeUtf8 } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import { type BackendKind, type BackendPreference } from "./backend.ts";
import { liveBlob } from "./catalog.ts";
import { renewVaultKey } from "./generations.ts";
import { collectIfIdle, collectLeftovers } from "./leftovers.ts";
import { settleIntent } from "./recovery.ts";
import { migrate } from "./schema.ts";
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
}

/** What the vault is opened with. */
export interface CreateOptions extends VaultContext {
  readonly preference: BackendPreference;
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
      return await complete(vault, options, false);
    }
    requirePinned(blob.backend, options.preference);
    await collectIfIdle(vault);
    await settleIntent(vault);
    return { vault, backend: blob.backend, created: false };
  } catch (error) {
    vault[Symbol.dispose]();
    throw error;
  }
}

/**
 * The kind of backend that a new vault gets. Throws `unavailable` for one that this version cannot
 * use: asked before anything is made, and never answered with something weaker.
 */
export function chooseKind(preference: BackendPreference): BackendKind {
  if (preference === "auto" || preference === "encrypted_file") return "encrypted_file";
  throw new PalyraError(
    "unavailable",
    `Cannot use the backend ${preference}: this version has no support for it`,
    {
      hint: "encrypted_file works everywhere",
    },
  );
}

async function createVault(
  platform: Platform,
  paths: VaultPaths,
  options: CreateOptions,
): Promise<WritableVault> {
  platform.directories.ensure(paths.directory);
  let created = false;
  {
    using _lock = await platform.locks.acquire(paths.keysLock, KEYS_LOCK_TIMEOUT_MS);
    using found = await openVault(platform, paths, options); // another process may have been first
    if (found === undefined) {
      await createDatabase(platform, paths);
      created = true;
    }
  }
  const vault = await openVault(platform, paths, options);
  if (vault === undefined) {
    throw new PalyraError("precondition", "Cannot create the vault: it was removed meanwhile");
  }
  try {
    return await complete(vault, options, created);
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
      migrate(database);
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
  { preference }: CreateOptions,
  created: boolean,
): Promise<WritableVault> {
  const { platform, paths, database } = vault;
  using _lock = await platform.locks.acquire(paths.keysLock, KEYS_LOCK_TIMEOUT_MS);
  await collectLeftovers(vault);
  const before = liveBlob(database);
  if (before !== undefined) requirePinned(before.backend, preference);
  else await renewVaultKey(vault, chooseKind(preference));
  const backend = liveBlob(database)!.backend;
  // Made now, so that a command that is refused later makes nothing.
  platform.locks.tryAcquire(paths.configureLock)?.[Symbol.dispose]();
  if (readMarker(platform, paths) !== backend) {
    platform.files.replace(paths.marker, encodeUtf8(`${backend}\n`));
  }
  return { vault, backend, created };
}
