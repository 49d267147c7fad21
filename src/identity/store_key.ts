/**
 * The identity store's key: as a file of its own, or sealed in `store.key.ref` under a key that a
 * keystore keeps or a passphrase gives. Where both are there, the reference is in force. Whoever
 * changes anything here holds `identity.lock`.
 */

import { ARGON2_COST, ARGON2_SALT_BYTES, argon2id } from "../crypto/argon2.ts";
import { NONCE_BYTES } from "../crypto/aead.ts";
import { decodeBase64Url, encodeBase64Url, encodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { isPalyraError, PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import { findStoreKey, keyLost, keyPaths } from "./found_key.ts";
import {
  formatReference,
  type KeyReference,
  openStoreKey,
  type ProtectorPlace,
  sealStoreKey,
  STORE_KEY_BYTES,
} from "./key_reference.ts";
import type { KeptKey } from "./pending_keys.ts";
import type { Protection, ProtectorAccess } from "./protector.ts";

const MAX_TRIES = 5;
const ID_BYTES = 16;
/** What a keystore holds: this, a dot, and 32 bytes as base64url. */
const MAGIC = "PSK1";

/** Reads the key; looks again where it was protected in another way meanwhile. */
export async function readStoreKey(
  platform: Platform,
  directory: string,
  access: ProtectorAccess,
): Promise<SensitiveBytes | undefined> {
  let found = findStoreKey(platform, directory);
  for (let tries = 1;; tries++) {
    if (found === undefined) return undefined;
    if (found.protector === "file") return found.key;
    try {
      return await openReference(platform, directory, found.reference, access);
    } catch (error) {
      const now = findStoreKey(platform, directory);
      const isSame = now !== undefined && now.protector !== "file" && now.text === found.text;
      if (isSame || tries === MAX_TRIES) throw besideKeyFile(platform, directory, error);
      found = now;
    }
  }
}

/** A key file beside a reference that does not open was put back by somebody: they are told how to use it. */
export function besideKeyFile(platform: Platform, directory: string, error: unknown): unknown {
  if (!isPalyraError(error, "integrity")) return error;
  if (!platform.directories.list(directory).includes("store.key")) return error;
  const { key, reference } = keyPaths(directory);
  return new PalyraError("integrity", error.message, {
    hint: `${key} is there as well: if it came from a backup, remove ${reference}, and it is used`,
    cause: error,
  });
}

/** Makes a key, and writes it as it is to be protected. */
export async function createStoreKey(
  platform: Platform,
  directory: string,
  protection: Protection,
  { mayUnlock }: Pick<ProtectorAccess, "mayUnlock">,
): Promise<void> {
  const there = findStoreKey(platform, directory);
  if (there?.protector === "file") there.key[Symbol.dispose]();
  if (there !== undefined) return;
  using key = new SensitiveBytes(platform.random.bytes(STORE_KEY_BYTES));
  const paths = keyPaths(directory);
  if (protection.protector === "file") {
    platform.files.create(paths.key, key.reveal());
    return;
  }
  const { collectKeys, readPending } = await import("./pending_keys.ts");
  // Of one who was killed while making it.
  await collectKeys(platform, directory, () => Promise.resolve(false));
  const before = readPending(platform, directory);
  const reference = await protect(platform, directory, { key, protection, before, mayUnlock });
  platform.files.create(paths.reference, encodeUtf8(formatReference(reference)));
}

/** What is protected, how, and what rests in keystores by now. */
interface Protecting {
  readonly key: SensitiveBytes;
  readonly protection: Exclude<Protection, { protector: "file" }>;
  readonly before: readonly KeptKey[];
  /** A person may be asked to unlock the keystore. */
  readonly mayUnlock: boolean;
}

/**
 * Seals the key under a new protecting key. One for a keystore is written down as pending before it
 * is stored, then read back.
 */
export async function protect(
  platform: Platform,
  directory: string,
  { key, protection, before, mayUnlock }: Protecting,
): Promise<KeyReference> {
  const { random } = platform;
  const nonce = random.bytes(NONCE_BYTES);
  if (protection.protector === "passphrase") {
    const salt = random.bytes(ARGON2_SALT_BYTES);
    const place: ProtectorPlace = { protector: "passphrase", salt, cost: ARGON2_COST };
    using passphrase = await protection.newPassphrase();
    using derived = new SensitiveBytes(await argon2id(passphrase.reveal(), salt, place.cost));
    return await sealStoreKey(key, place, { key: derived, nonce });
  }
  const { backend } = protection;
  const [holder, id] = [random.bytes(ID_BYTES).toHex(), random.bytes(ID_BYTES).toHex()];
  const { openShelf, writePending } = await import("./pending_keys.ts");
  using made = new SensitiveBytes(random.bytes(STORE_KEY_BYTES));
  const kept = { backend, holder, id };
  const shelf = await openShelf(platform, directory, kept, { mayUnlock });
  writePending(platform, directory, [...before, kept]);
  try {
    await shelf.prepare();
  } catch (error) {
    writePending(platform, directory, before); // it was never stored
    throw error;
  }
  const text = `${MAGIC}.${encodeBase64Url(made.reveal())}`;
  await shelf.put(id, text);
  if (await shelf.get(id) !== text) {
    throw new PalyraError(
      "unavailable",
      `Cannot keep the identity's key in ${backend}: it does not come back`,
    );
  }
  return await sealStoreKey(key, { protector: "keystore", ...kept }, { key: made, nonce });
}

async function openReference(
  platform: Platform,
  directory: string,
  reference: KeyReference,
  access: ProtectorAccess,
): Promise<SensitiveBytes> {
  const { place } = reference;
  using key = place.protector === "keystore"
    ? await keyFromKeystore(platform, directory, place, access)
    : await keyFromPassphrase(place, access);
  const opened = await openStoreKey(reference, key);
  if (opened !== undefined) return opened;
  throw place.protector === "passphrase"
    ? new PalyraError(
      "integrity",
      "Cannot open the identity: wrong passphrase, or altered data",
    )
    : keyLost("Cannot open the identity: wrong key in the keystore, or altered data");
}

async function keyFromKeystore(
  platform: Platform,
  directory: string,
  { backend, holder, id }: Extract<ProtectorPlace, { protector: "keystore" }>,
  { mayUnlock }: ProtectorAccess,
): Promise<SensitiveBytes> {
  const { openShelf } = await import("./pending_keys.ts");
  const shelf = await openShelf(platform, directory, { backend, holder }, { mayUnlock });
  const text = await shelf.get(id);
  if (text === undefined) {
    throw keyLost(`Cannot open the identity: its key is gone from ${backend}`);
  }
  const [magic, encoded] = text.split(".");
  const bytes = decodeBase64Url(encoded ?? "");
  if (magic === MAGIC && bytes?.length === STORE_KEY_BYTES) return new SensitiveBytes(bytes);
  throw keyLost(`Cannot open the identity: what ${backend} holds is not its key`);
}

async function keyFromPassphrase(
  { salt, cost }: Extract<ProtectorPlace, { protector: "passphrase" }>,
  access: ProtectorAccess,
): Promise<SensitiveBytes> {
  using passphrase = await access.passphrase();
  return new SensitiveBytes(await argon2id(passphrase.reveal(), salt, cost));
}
