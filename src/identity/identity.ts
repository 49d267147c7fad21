/**
 * The identity as a whole: store key, device CA, device. Made once, under a lock, in that order;
 * the device record comes last, so that its presence says that the others were there.
 */

import { PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import { createAuthority, type DeviceAuthority, openAuthority } from "./authority.ts";
import { findStoreKey } from "./found_key.ts";
import type { Protection, ProtectorAccess } from "./protector.ts";
import { identityStoreWith, openIdentityStore } from "./store.ts";
import { besideKeyFile, createStoreKey } from "./store_key.ts";

const LOCK_TIMEOUT_MS = 10_000;
/** Keys that may not be in force; there while one is exchanged. */
const PENDING_FILE = "store.key.pending";
const BOTH_KEYS = ["store.key", "store.key.ref"] as const;
/** Names that the platform gives to temporary files, and SQLite to their journals. */
const TEMP_NAME = /^\.[0-9a-f-]{36}\.tmp(?:-journal)?$/;
/** The last file of an identity to be made: once it is there, none may be missing. */
const DEVICE_FILE = "device.sealed";
const CA_FILE = "ca.sealed";

/**
 * Opens the identity; `undefined` when there is certainly none, or only the beginning of one.
 * Throws `integrity` when a part of it is missing or damaged. One that a keystore or a passphrase
 * protects is opened when its first key is derived: until then nobody is asked.
 */
export async function openIdentity(
  platform: Platform,
  directory: string,
  access: ProtectorAccess,
): Promise<DeviceAuthority | undefined> {
  if (!platform.directories.check(directory)) return undefined;
  const names = platform.directories.list(directory); // first: another process may just be making them
  const found = findStoreKey(platform, directory);
  if (found !== undefined && found.protector !== "file") {
    if (!names.includes(DEVICE_FILE)) return undefined;
    if (!names.includes(CA_FILE)) throw incomplete(directory);
    return openLater(platform, directory, access);
  }
  using store = found && identityStoreWith(platform, directory, found.key);
  const authority = store === undefined ? undefined : await openAuthority(store);
  if (authority !== undefined) return names.includes(DEVICE_FILE) ? authority : undefined;
  const later = store === undefined ? names.find((name) => name.endsWith(".sealed")) : undefined;
  if (later !== undefined || names.includes(DEVICE_FILE)) throw incomplete(directory);
  return undefined;
}

/** The authority of a protected identity. */
function openLater(
  platform: Platform,
  directory: string,
  access: ProtectorAccess,
): DeviceAuthority {
  let opening: Promise<DeviceAuthority> | undefined;
  async function open(): Promise<DeviceAuthority> {
    using store = await openIdentityStore(platform, directory, access);
    let authority: DeviceAuthority | undefined;
    try {
      authority = store && await openAuthority(store);
    } catch (error) {
      throw besideKeyFile(platform, directory, error);
    }
    if (authority === undefined) throw incomplete(directory);
    return authority;
  }
  return {
    isAtHand: false,
    kekFor: async (salt) => await (await (opening ??= open())).kekFor(salt),
  };
}

/** How an identity is made, and opened. */
export interface EnsureOptions {
  /** Throws where an identity must have been there. */
  readonly mayCreate: () => void;
  /** For a new identity. */
  readonly protection: Protection;
  readonly access: ProtectorAccess;
}

/** Holds the identity for who changes it. Throws `precondition` when that takes too long. */
export async function lockIdentity({ locks }: Platform, directory: string): Promise<Disposable> {
  return await locks.acquire(`${directory}/identity.lock`, LOCK_TIMEOUT_MS);
}

/**
 * Opens the identity, and makes it when there is none. `mayCreate` is asked before each look: whoever uses an identity has completed it before, so
 * what is in use by then and still not found is missing, and not just being made.
 */
export async function ensureIdentity(
  platform: Platform,
  directory: string,
  options: EnsureOptions,
): Promise<DeviceAuthority> {
  const found = await openOrRefuse(platform, directory, options);
  if (found !== undefined) return found;
  platform.directories.ensure(directory);
  using _lock = await lockIdentity(platform, directory);
  const made = await openOrRefuse(platform, directory, options);
  if (made !== undefined) return made;
  await createStoreKey(platform, directory, options.protection, options.access);
  using store = await openIdentityStore(platform, directory, options.access);
  if (store === undefined) throw incomplete(directory);
  if (await openAuthority(store) === undefined) await createAuthority(store);
  const { createDevice } = await import("./device.ts");
  await createDevice(store, platform);
  const authority = await openAuthority(store);
  if (authority === undefined) throw incomplete(directory);
  return authority;
}

async function openOrRefuse(
  platform: Platform,
  directory: string,
  { mayCreate, access }: EnsureOptions,
): Promise<DeviceAuthority | undefined> {
  let refusal: unknown;
  try {
    mayCreate();
  } catch (error) {
    refusal = error;
  }
  const found = await openIdentity(platform, directory, access);
  if (found === undefined && refusal !== undefined) throw refusal;
  return found;
}

/**
 * Removes what writers left in the directory when they were killed. Only if nobody is at work. `access`
 * asks nobody: where the passphrase is not given, a key file beside a reference stays for now.
 */
export async function collectIdentityLeftovers(
  platform: Platform,
  directory: string,
  access: ProtectorAccess,
): Promise<number> {
  const names = platform.directories.list(directory);
  const strays = names.filter((name) => TEMP_NAME.test(name));
  const hasKeys = names.includes(PENDING_FILE) || BOTH_KEYS.every((name) => names.includes(name));
  if (strays.length === 0 && !hasKeys) return 0;
  using lock = platform.locks.tryAcquire(`${directory}/identity.lock`);
  if (lock === undefined) return 0;
  for (const name of strays) platform.files.remove(`${directory}/${name}`);
  if (!hasKeys) return strays.length;
  const { collectKeys } = await import("./pending_keys.ts");
  // Not only the reference must open: the key that it gives must be the one of the records.
  const opens = async (): Promise<boolean> => {
    try {
      using store = await openIdentityStore(platform, directory, access);
      return store !== undefined && await openAuthority(store) !== undefined;
    } catch {
      return false;
    }
  };
  return strays.length + await collectKeys(platform, directory, opens);
}

/** Names of temporary files in the directory. */
export function strayFiles(platform: Platform, directory: string): string[] {
  return platform.directories.list(directory).filter((name) => TEMP_NAME.test(name));
}

function incomplete(directory: string): PalyraError {
  return new PalyraError(
    "integrity",
    `Cannot use the identity in ${directory}: a part of it is missing`,
    {
      hint: "It is never made anew: restore the state root from a backup",
    },
  );
}
