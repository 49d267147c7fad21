/**
 * The identity as a whole: store key, device CA, device. Made once, under a lock, in that order;
 * the device record comes last, so that its presence says that the others were there.
 */

import { PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import { createAuthority, type DeviceAuthority, openAuthority } from "./authority.ts";
import { createStoreKey, openIdentityStore } from "./store.ts";

const LOCK_TIMEOUT_MS = 10_000;
/** Names that the platform gives to temporary files. */
const TEMP_NAME = /^\.[0-9a-f-]{36}\.tmp$/;
/** The last file of an identity to be made: once it is there, none may be missing. */
const DEVICE_FILE = "device.sealed";

/**
 * Opens the identity; `undefined` when there is certainly none, or only the beginning of one.
 * Throws `integrity` when a part of it is missing or damaged.
 */
export async function openIdentity(
  platform: Platform,
  directory: string,
): Promise<DeviceAuthority | undefined> {
  if (!platform.directories.check(directory)) return undefined;
  const names = platform.directories.list(directory); // first: another process may just be making them
  using store = openIdentityStore(platform, directory);
  const authority = store === undefined ? undefined : await openAuthority(store);
  if (authority !== undefined) return names.includes(DEVICE_FILE) ? authority : undefined;
  const later = store === undefined ? names.find((name) => name.endsWith(".sealed")) : undefined;
  if (later !== undefined || names.includes(DEVICE_FILE)) throw incomplete(directory);
  return undefined;
}

/**
 * Opens the identity, and makes it when there is none. `mayCreate` throws where an identity must
 * have been there. It is asked before each look: whoever uses an identity has completed it before, so
 * what is in use by then and still not found is missing, and not just being made.
 */
export async function ensureIdentity(
  platform: Platform,
  directory: string,
  mayCreate: () => void,
): Promise<DeviceAuthority> {
  const found = await openOrRefuse(platform, directory, mayCreate);
  if (found !== undefined) return found;
  platform.directories.ensure(directory);
  using _lock = await platform.locks.acquire(`${directory}/identity.lock`, LOCK_TIMEOUT_MS);
  const made = await openOrRefuse(platform, directory, mayCreate);
  if (made !== undefined) return made;
  createStoreKey(platform, directory);
  using store = openIdentityStore(platform, directory);
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
  mayCreate: () => void,
): Promise<DeviceAuthority | undefined> {
  let refusal: unknown;
  try {
    mayCreate();
  } catch (error) {
    refusal = error;
  }
  const found = await openIdentity(platform, directory);
  if (found === undefined && refusal !== undefined) throw refusal;
  return found;
}

/** Removes what writers left in the directory when they were killed. Only if nobody is at work. */
export function collectIdentityLeftovers(platform: Platform, directory: string): number {
  const strays = strayFiles(platform, directory);
  if (strays.length === 0) return 0;
  using lock = platform.locks.tryAcquire(`${directory}/identity.lock`);
  if (lock === undefined) return 0;
  for (const name of strays) platform.files.remove(`${directory}/${name}`);
  return strays.length;
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
