/** The key chain of an open vault: KEK, vault key, scope keys; each opened once and kept in memory. */

import { isPalyraError, PalyraError } from "../errors.ts";
import type { Database } from "../platform/platform.ts";
import type { BackendKind, BlobBackend } from "./backend.ts";
import { liveBlob } from "./catalog.ts";
import type { BlobRow, ScopeKeyRow } from "./catalog_rows.ts";
import { openScopeKey, type ScopeKey } from "./scope_key.ts";
import type { VaultScope } from "./scope.ts";
import { openVaultKey } from "./vault_key.ts";

/** Length of the salt of a KEK in bytes. */
export const KEK_SALT_BYTES = 32;

/** Where KEKs come from: the device CA, which this room never sees. */
export interface KekSource {
  /** The KEK for one salt, and the id that tells which it is. */
  kekFor(salt: Uint8Array<ArrayBuffer>): Promise<{ readonly kid: string; readonly kek: CryptoKey }>;
}

/** What a key chain is made from. */
export interface KeyChainParts {
  readonly vaultId: string;
  readonly keks: KekSource;
  readonly backendFor: (kind: BackendKind) => Promise<BlobBackend>;
}

/**
 * Opens keys and remembers them: each is opened once, also when several reads ask at the same time.
 * Every failure is `integrity`, but for what a backend itself throws.
 */
export class KeyChain {
  readonly #parts: KeyChainParts;
  readonly #keks = new Map<string, Promise<CryptoKey>>();
  readonly #vaultKeys = new Map<string, Promise<CryptoKey>>();
  readonly #scopeKeys = new Map<string, Promise<ScopeKey>>();

  constructor(parts: KeyChainParts) {
    this.#parts = parts;
  }

  /** The KEK of a blob. Throws before anything is decrypted when the identity is another one. */
  kek(blob: BlobRow): Promise<CryptoKey> {
    return once(this.#keks, blob.kekKid, () => this.#deriveKek(blob));
  }

  /** The vault key of a blob: one call of the backend in the life of the process. */
  vaultKey(blob: BlobRow): Promise<CryptoKey> {
    return once(this.#vaultKeys, blob.id, () => this.#openVaultKey(blob));
  }

  /** A scope key, for use in `scope`: the row's own scope is not believed. */
  scopeKey(blob: BlobRow, row: ScopeKeyRow, scope: VaultScope): Promise<ScopeKey> {
    const memory = `${row.kid} ${row.generation} ${scope} ${row.wrapped.toHex()}`;
    return once(this.#scopeKeys, memory, () => this.#openScopeKey(blob, row, scope));
  }

  async #deriveKek({ kekKid, salt }: BlobRow): Promise<CryptoKey> {
    if (salt.length === KEK_SALT_BYTES) { // HMAC would take one with zeros added for the same
      const { kid, kek } = await this.#parts.keks.kekFor(salt);
      if (kid === kekKid) return kek;
    }
    throw new PalyraError("integrity", "Cannot open the vault: it belongs to another identity", {
      hint: "Put back the identity directory that this vault was made with",
    });
  }

  async #openVaultKey(blob: BlobRow): Promise<CryptoKey> {
    const kek = await this.kek(blob);
    const backend = await this.#parts.backendFor(blob.backend);
    const sealed = await backend.get(blob.id);
    if (sealed === undefined) throw sealedKeyGone();
    const { vaultId } = this.#parts;
    const place = { vaultId, generation: blob.generation, kid: blob.kekKid };
    const key = await openVaultKey(sealed, place, kek);
    if (key === undefined) throw altered("the vault key");
    return key;
  }

  async #openScopeKey(blob: BlobRow, row: ScopeKeyRow, scope: VaultScope): Promise<ScopeKey> {
    const place = { vaultId: this.#parts.vaultId, scope, generation: row.generation };
    const key = await openScopeKey(row, place, await this.vaultKey(blob));
    if (key === undefined) throw altered("a scope key");
    return key;
  }
}

/**
 * The vault key in force; `undefined` for a vault that was never used. Looks again where a rotation
 * has moved on while the key was read.
 */
export async function openLiveVaultKey(
  keys: KeyChain,
  database: Database,
): Promise<CryptoKey | undefined> {
  for (let blob = liveBlob(database);;) {
    if (blob === undefined) {
      if (database.get("SELECT 1 FROM scope_keys LIMIT 1") === undefined) return undefined;
      throw sealedKeyGone();
    }
    try {
      return await keys.vaultKey(blob);
    } catch (error) {
      const now = liveBlob(database);
      if (!isPalyraError(error, "integrity") || now?.id === blob.id) throw error;
      blob = now;
    }
  }
}

/** The one error for a vault whose key no backend has. */
export function sealedKeyGone(): PalyraError {
  return new PalyraError("integrity", "Cannot open the vault: its sealed key is gone", {
    hint: "Restore the state root from a backup",
  });
}

/** What was begun under this name, or what begins now; a failure is forgotten, so it can be tried again. */
function once<T>(
  known: Map<string, Promise<T>>,
  name: string,
  begin: () => Promise<T>,
): Promise<T> {
  const before = known.get(name);
  if (before !== undefined) return before;
  const begun = begin();
  known.set(name, begun);
  begun.catch(() => known.delete(name));
  return begun;
}

function altered(what: string): PalyraError {
  return new PalyraError("integrity", `Cannot open ${what}: wrong key or altered data`);
}
