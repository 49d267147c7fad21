/**
 * New generations of the vault key. A blob is never overwritten: a new one is written, read back
 * and put in force by one transaction, and only then the old one goes. The caller holds `keys.lock`,
 * so rows in state `writing` or `deleting` belong to nobody.
 */

import { importWrappingKey, rewrapKey } from "../crypto/jwe.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import { isKeystore } from "../keystore/keystore.ts";
import type { BackendKind, BlobBackend } from "./backend.ts";
import { allScopeKeys } from "./catalog.ts";
import type { ScopeKeyRow } from "./catalog_rows.ts";
import { KEK_SALT_BYTES, openLiveVaultKey } from "./key_chain.ts";
import { collectLeftovers, dropBlob } from "./leftovers.ts";
import { damagedIndex } from "./read_secret.ts";
import { numberOf } from "./rows.ts";
import type { Vault } from "./vault.ts";
import { sealVaultKey } from "./sealing.ts";
import { openVaultKey, VAULT_KEY_BYTES } from "./vault_key.ts";

const BLOB_ID_BYTES = 16;

/** The vault key that has come into force. */
export interface VaultKeyGeneration {
  readonly generation: number;
  readonly kekKid: string;
}

/**
 * Makes a vault key under a new KEK, keeps it in a backend of this kind, wraps every scope key with
 * it, and drops the one before. Serves first use, rotation and migration alike.
 */
export async function renewVaultKey(vault: Vault, kind: BackendKind): Promise<VaultKeyGeneration> {
  const { database, vaultId, platform } = vault;
  const scopeKeys = allScopeKeys(database);
  const oldKey = await openLiveVaultKey(vault.keys, database); // none in a vault never used
  using material = new SensitiveBytes(platform.random.bytes(VAULT_KEY_BYTES));
  const salt = platform.random.bytes(KEK_SALT_BYTES);
  const { kid, kek } = await vault.keks.kekFor(salt);
  const last = database.get("SELECT coalesce(max(generation), 0) AS last FROM blobs");
  const place = { vaultId, generation: numberOf(last!, "last") + 1, kid };
  const id = platform.random.bytes(BLOB_ID_BYTES).toHex();
  const blob = await sealVaultKey(material, place, kek);
  const newKey = await importWrappingKey(material.reveal());
  const rewrapped = await rewrapAll(scopeKeys, oldKey, newKey); // fails before anything is written

  await announce(vault, { id, kind, salt, ...place });
  const backend = await prepared(vault, id, kind);
  await backend.put(id, blob);
  const stored = await backend.get(id);
  if (stored !== blob || await openVaultKey(stored, place, kek) === undefined) {
    throw new PalyraError(
      "unavailable",
      `Cannot keep the vault key in ${kind}: it does not come back`,
      {
        hint: "The key that was in force before still is",
        ...(isKeystore(kind) ? { details: { backend: kind, cause: "corrupt" } } : {}),
      },
    );
  }
  await enforce(vault, id, rewrapped);
  await collectLeftovers(vault);
  return { generation: place.generation, kekKid: kid };
}

/** The backend, tried out; where it cannot be used, nothing of it stays announced. */
async function prepared(vault: Vault, id: string, kind: BackendKind): Promise<BlobBackend> {
  try {
    const backend = await vault.backendFor(kind);
    await backend.prepare();
    return backend;
  } catch (error) {
    await dropBlob(vault, id);
    throw error;
  }
}

interface Announcement {
  readonly id: string;
  readonly kind: BackendKind;
  readonly salt: Uint8Array;
  readonly generation: number;
  readonly kid: string;
}

/** Says where a blob is going to be, so that it can be found and deleted after a crash. */
async function announce({ database, platform }: Vault, row: Announcement): Promise<void> {
  const nowAt = new Date(platform.clock.now()).toISOString();
  await database.write(() => {
    database.run(
      "INSERT INTO keks (kid, salt, created_at) VALUES (?, ?, ?)",
      row.kid,
      row.salt,
      nowAt,
    );
    database.run(
      `INSERT INTO blobs (id, generation, kek_kid, backend, state, created_at)
       VALUES (?, ?, ?, ?, 'writing', ?)`,
      row.id,
      row.generation,
      row.kid,
      row.kind,
      nowAt,
    );
  });
}

type Rewrapped = readonly { readonly kid: string; readonly wrapped: Uint8Array<ArrayBuffer> }[];

async function rewrapAll(
  rows: ScopeKeyRow[],
  oldKey: CryptoKey | undefined,
  newKey: CryptoKey,
): Promise<Rewrapped> {
  const result = [];
  for (const { kid, wrapped } of rows) {
    const fresh = oldKey === undefined ? undefined : await rewrapKey(wrapped, oldKey, newKey);
    if (fresh === undefined) {
      throw new PalyraError("integrity", "Cannot open a scope key: wrong key or altered data");
    }
    result.push({ kid, wrapped: fresh });
  }
  return result;
}

async function enforce({ database }: Vault, id: string, rewrapped: Rewrapped): Promise<void> {
  await database.write(() => {
    for (const { kid, wrapped } of rewrapped) {
      if (database.run("UPDATE scope_keys SET wrapped = ? WHERE kid = ?", wrapped, kid) !== 1) {
        throw damagedIndex(); // nobody removes a scope key while we hold the lock
      }
    }
    database.run("UPDATE blobs SET state = 'deleting' WHERE state = 'live'");
    database.run("UPDATE blobs SET state = 'live' WHERE id = ?", id);
  });
}
