/** Changing what protects the identity store's key. */

import { encodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import { openAuthority } from "./authority.ts";
import { findStoreKey, type FoundKey, keyPaths } from "./found_key.ts";
import { lockIdentity } from "./identity.ts";
import { formatReference } from "./key_reference.ts";
import { collectKeys, type KeptKey, readPending, writePending } from "./pending_keys.ts";
import type { Protection, Protector, ProtectorAccess } from "./protector.ts";
import { identityStoreWith } from "./store.ts";
import { protect, readStoreKey } from "./store_key.ts";

/** What protects the identity now; `undefined` when there is none. */
export function protectorOf(platform: Platform, directory: string): Protector | undefined {
  const found = findStoreKey(platform, directory);
  if (found?.protector === "file") found.key[Symbol.dispose]();
  return found?.protector;
}

/**
 * Seals the store's key under the new protector, reads it back, and puts it in force in one step;
 * whether anything changed. The key itself stays, so that no record has to be sealed anew. A new
 * passphrase always counts as a change.
 */
export async function changeProtection(
  platform: Platform,
  directory: string,
  protection: Protection,
  access: ProtectorAccess,
): Promise<boolean> {
  using _lock = await lockIdentity(platform, directory);
  const found = findStoreKey(platform, directory);
  if (found === undefined) {
    throw new PalyraError(
      "not_found",
      `Cannot protect the identity: there is none in ${directory}`,
    );
  }
  if (found.protector === "file") found.key[Symbol.dispose](); // it is read again
  using key = await readStoreKey(platform, directory, access);
  if (key === undefined) {
    throw new PalyraError("integrity", "Cannot protect the identity: it is gone");
  }
  {
    using store = identityStoreWith(platform, directory, new SensitiveBytes(key.reveal().slice()));
    if (await openAuthority(store) === undefined) {
      throw new PalyraError("integrity", "Cannot protect the identity: it is gone");
    }
  }
  // The key is in our hands, and opens the records: a file beside a reference is one too many.
  await collectKeys(platform, directory, () => Promise.resolve(true));
  if (isAsWanted(found, protection)) return false;
  // What an earlier change could not remove stays on the list.
  const before = [...readPending(platform, directory), ...keptBy(found)];
  const paths = keyPaths(directory);
  const { files } = platform;
  if (protection.protector === "file") {
    writePending(platform, directory, before);
    if (!files.create(paths.key, key.reveal())) {
      throw new PalyraError(
        "precondition",
        `Cannot write ${paths.key}: somebody has put one there`,
      );
    }
    files.remove(paths.reference); // from here on the key file is in force
  } else {
    if (protection.protector !== "keystore") writePending(platform, directory, before);
    const { mayUnlock } = access;
    const reference = await protect(platform, directory, { key, protection, before, mayUnlock });
    files.replace(paths.reference, encodeUtf8(formatReference(reference)));
  }
  await collectKeys(platform, directory, () => Promise.resolve(true));
  return true;
}

function isAsWanted(found: FoundKey, protection: Protection): boolean {
  if (found.protector !== protection.protector) return false;
  if (found.protector === "file") return true;
  const { place } = found.reference;
  return protection.protector === "keystore" && place.protector === "keystore" &&
    place.backend === protection.backend;
}

function keptBy(found: FoundKey): KeptKey[] {
  const place = found.protector === "file" ? undefined : found.reference.place;
  if (place?.protector !== "keystore") return [];
  return [place as KeptKey].map(({ backend, holder, id }) => ({ backend, holder, id }));
}
