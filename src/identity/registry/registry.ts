/**
 * The registry of this device's CA: `pairing.db` with its keys. It is made by the first command that has
 * something to put there; once it has been, it may not be missing.
 */

import { NONCE_BYTES, openChaCha, sealChaCha } from "../../crypto/aead.ts";
import { decodeBase64Url, encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import { hkdf, importHkdfKey } from "../../crypto/kdf.ts";
import { importMacKey } from "../../crypto/mac.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { migrate, requireTables } from "../../database/schema.ts";
import { PalyraError } from "../../errors.ts";
import type { Database, Platform } from "../../platform/platform.ts";
import { lockIdentity } from "../identity.ts";
import { malformed, parseRecord } from "../record.ts";
import type { IdentityStore } from "../store.ts";
import { Rows } from "./rows.ts";
import { REGISTRY_SCHEMA } from "./tables.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const KEY_RECORD = "pairing-key";
/** Written when the database is complete: from then on it may not be missing. */
const MADE_RECORD = "pairing-made";
const KEY_BYTES = 32;

/** Where the registry is, and what opens it. */
export interface RegistryContext {
  readonly platform: Platform;
  /** The directory of the identity. */
  readonly directory: string;
  readonly store: IdentityStore;
}

/** An open registry. */
export interface Registry extends Disposable, RegistryContext {
  readonly rows: Rows;
  /** Seals what only this device may read, bound to a name. */
  seal(name: string, secret: SensitiveBytes): Promise<Sealed>;
  /** Opens it again. Throws `integrity`. */
  unseal(name: string, sealed: Sealed): Promise<SensitiveBytes>;
}

/** Something sealed, as it lies in a row: base64url. */
export interface Sealed {
  readonly nonce: string;
  readonly sealed: string;
}

/** Opens the registry; `undefined` when there has never been one. Throws `integrity`. */
export async function openRegistry(context: RegistryContext): Promise<Registry | undefined> {
  const { platform, directory, store } = context;
  const isMade = await has(store, MADE_RECORD); // first: the database is made before it
  const database = (await platform.databases()).open(pathIn(directory));
  const key = await readKeyOrClose(store, database); // last: it is made before the database
  if (database === undefined || key === undefined) {
    database?.[Symbol.dispose]();
    key?.[Symbol.dispose]();
    if (!isMade && database === undefined) return undefined;
    throw new PalyraError("integrity", "Cannot open the devices: a part of them is missing", {
      hint: "Restore the state root from a backup",
    });
  }
  using _wiped = key;
  try {
    requireTables(database, REGISTRY_SCHEMA);
    return await registryWith(context, database, key);
  } catch (error) {
    database[Symbol.dispose]();
    throw error;
  }
}

/** Opens the registry, and makes it where there has never been one. */
export async function ensureRegistry(context: RegistryContext): Promise<Registry> {
  const { platform, directory, store } = context;
  const found = await openOrUndefined(context);
  if (found !== undefined) return found;
  using _lock = await lockIdentity(platform, directory);
  const made = await openOrUndefined(context);
  if (made !== undefined) return made;
  using fresh = new SensitiveBytes(platform.random.bytes(KEY_BYTES));
  await store.add(KEY_RECORD, recordOf({ key: encodeBase64Url(fresh.reveal()) }));
  const databases = await platform.databases();
  const path = pathIn(directory);
  if (!platform.directories.list(directory).includes("pairing.db")) {
    await databases.create(
      path,
      (database) => database.write(() => migrate(database, REGISTRY_SCHEMA)),
    );
  }
  await store.add(MADE_RECORD, recordOf({}));
  const registry = await openRegistry(context);
  if (registry === undefined) throw new Error("the registry that was just made is gone");
  return registry;
}

/** What a killed maker left is nothing yet. */
async function openOrUndefined(context: RegistryContext): Promise<Registry | undefined> {
  return await has(context.store, MADE_RECORD) ? await openRegistry(context) : undefined;
}

async function registryWith(
  context: RegistryContext,
  database: Database,
  key: SensitiveBytes,
): Promise<Registry> {
  const hkdfKey = await importHkdfKey(key.reveal());
  const salt = new Uint8Array(0);
  const derive = (info: string): Promise<Bytes> => hkdf(hkdfKey, { salt, info, length: KEY_BYTES });
  using rowKey = new SensitiveBytes(await derive("palyra/v1/pairing-rows"));
  const sealKey = new SensitiveBytes(await derive("palyra/v1/pairing-codes"));
  const aadOf = (name: string): Bytes =>
    encodeUtf8(JSON.stringify(["palyra/v1/pairing-sealed", name]));
  return {
    ...context,
    rows: new Rows(database, await importMacKey(rowKey.reveal())),
    seal: async (name, secret) => {
      const nonce = context.platform.random.bytes(NONCE_BYTES);
      const input = { key: sealKey.reveal(), nonce, aad: aadOf(name) };
      const sealed = await sealChaCha(secret.reveal(), input);
      return { nonce: encodeBase64Url(nonce), sealed: encodeBase64Url(sealed) };
    },
    unseal: async (name, { nonce, sealed }) => {
      const [at, bytes] = [decodeBase64Url(nonce), decodeBase64Url(sealed)];
      const opened = at === undefined || bytes === undefined
        ? undefined
        : await openChaCha(bytes, { key: sealKey.reveal(), nonce: at, aad: aadOf(name) });
      if (opened === undefined) throw malformed("a pairing code");
      return new SensitiveBytes(opened);
    },
    [Symbol.dispose]: () => {
      sealKey[Symbol.dispose]();
      database[Symbol.dispose]();
    },
  };
}

async function readKeyOrClose(
  store: IdentityStore,
  database: Database | undefined,
): Promise<SensitiveBytes | undefined> {
  try {
    return await readKey(store);
  } catch (error) {
    database?.[Symbol.dispose]();
    throw error;
  }
}

async function readKey(store: IdentityStore): Promise<SensitiveBytes | undefined> {
  using record = await store.get(KEY_RECORD);
  if (record === undefined) return undefined;
  const what = "the key of the devices";
  const { key } = parseRecord(record, what);
  const bytes = typeof key === "string" ? decodeBase64Url(key) : undefined;
  if (bytes?.length !== KEY_BYTES) throw malformed(what);
  return new SensitiveBytes(bytes);
}

async function has(store: IdentityStore, key: string): Promise<boolean> {
  using record = await store.get(key);
  return record !== undefined;
}

function recordOf(document: Readonly<Record<string, string>>): SensitiveBytes {
  return new SensitiveBytes(encodeUtf8(JSON.stringify(document)));
}

function pathIn(directory: string): string {
  return `${directory}/pairing.db`;
}
