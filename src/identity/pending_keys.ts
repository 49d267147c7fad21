/** Keys in keystores that may not be in force: written down before they are stored, until they are gone. */

import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import { causeOf } from "../keystore/failure.ts";
import { isKeystore, type KeystoreKind } from "../keystore/keystore.ts";
import { openKeystore } from "../keystore/open_keystore.ts";
import type { ProvenKeystore } from "../keystore/proven.ts";
import type { Platform } from "../platform/platform.ts";
import { findStoreKey, keyPaths } from "./found_key.ts";

/** A key in a keystore. Each has a holder of its own, and so a canary of its own. */
export interface KeptKey {
  readonly backend: KeystoreKind;
  readonly holder: string;
  readonly id: string;
}

const MAX_PENDING_BYTES = 65_536;
const HEX_ID = /^[0-9a-f]{32}$/;

/** The keystore of a key. Throws `unavailable` for that of another system. */
export async function openShelf(
  platform: Platform,
  directory: string,
  { backend, holder }: { readonly backend: string; readonly holder: string },
  { mayUnlock }: { readonly mayUnlock: boolean },
): Promise<ProvenKeystore> {
  if (!isKeystore(backend)) {
    throw new PalyraError("integrity", "Cannot open the identity: its protector is not known");
  }
  return await openKeystore(platform, backend, {
    holder: { kind: "identity", id: holder },
    item: "store_key",
    directory: `${directory}/keystore`,
    mayUnlock,
  });
}

/** Writes down which keys may rest in keystores. */
export function writePending(
  { files }: Platform,
  directory: string,
  keys: readonly KeptKey[],
): void {
  if (keys.length === 0) files.remove(pathOf(directory));
  else files.replace(pathOf(directory), encodeUtf8(`${JSON.stringify(keys)}\n`));
}

/** The keys that were written down. Throws `integrity`. */
export function readPending({ files }: Platform, directory: string): KeptKey[] {
  const path = pathOf(directory);
  const bytes = files.read(path, MAX_PENDING_BYTES);
  if (bytes === undefined) return [];
  try {
    const keys: unknown = JSON.parse(decodeUtf8(bytes) ?? "");
    if (Array.isArray(keys) && keys.every(isKeptKey)) return keys;
  } catch { /* the message of a JSON error quotes the text */ }
  throw new PalyraError("integrity", `Cannot read ${path}: it is not what palyra wrote`);
}

/**
 * Removes what is not in force: pending keys from their keystores, and a key file beside a reference,
 * but that only if `opens` says that the reference gives the key: the file may be all that is left of
 * it, put back from a backup. What a keystore does not let go stays written down; it fails no
 * command. How many were removed. The caller holds `identity.lock`.
 */
export async function collectKeys(
  platform: Platform,
  directory: string,
  opens: () => Promise<boolean>,
): Promise<number> {
  const found = findStoreKey(platform, directory);
  if (found?.protector === "file") found.key[Symbol.dispose](); // which form it has is all that counts
  let removed = 0;
  const { key } = keyPaths(directory);
  const isBeside = platform.directories.list(directory).includes("store.key");
  if (found !== undefined && found.protector !== "file" && isBeside && await opens()) {
    platform.files.remove(key);
    removed++;
  }
  const pending = readPending(platform, directory);
  if (pending.length === 0) return removed;
  const place = found === undefined || found.protector === "file"
    ? undefined
    : found.reference.place;
  const inForce = place?.protector === "keystore" ? place.id : undefined;
  const left: KeptKey[] = [];
  let isStuck = false; // each further try could take as long as the first
  for (const kept of pending) {
    if (kept.id === inForce) continue;
    if (!isStuck && await tryForget(platform, directory, kept)) removed++;
    else {
      isStuck = true;
      left.push(kept);
    }
  }
  writePending(platform, directory, left);
  return removed;
}

async function tryForget(platform: Platform, directory: string, kept: KeptKey): Promise<boolean> {
  try {
    const shelf = await openShelf(platform, directory, kept, { mayUnlock: false });
    await shelf.look(); // sooner tired of waiting than a deletion
    try {
      await shelf.delete(kept.id);
    } catch (error) {
      if (causeOf(error) !== "not_here") throw error; // its canary went before a crash
    }
    await shelf.retire();
    return true;
  } catch (error) {
    if (causeOf(error) === undefined) throw error; // a disk, not a keystore
    return false;
  }
}

function isKeptKey(value: unknown): value is KeptKey {
  if (typeof value !== "object" || value === null) return false;
  const { backend, holder, id } = value as Partial<Record<keyof KeptKey, unknown>>;
  return [holder, id].every((text) => typeof text === "string" && HEX_ID.test(text)) &&
    typeof backend === "string" && isKeystore(backend);
}

function pathOf(directory: string): string {
  return `${directory}/store.key.pending`;
}
