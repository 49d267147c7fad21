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
  /** No program is started and nobody asked for a KEK. */
  readonly isAtHand: boolean;
  /** The KEK for one salt, and the id that tells which it is. */
  kekFor(salt: Uint8Array<ArrayBuffer>): Promise<{ readonly kid: string; readonly kek: CryptoKey }>;
}

/** What a key chain is made from. */
export interface KeyChainParts {
  readonly vaultId: string;
  readonly keks: KekSource;
  readonly backendFor: (kind: BackendKind) => Promise<BlobBackend>;
  /** A blob that its backend has been asked for already. */
  readonly asked?:
    | { readonly id: string; readonly sealed: () => Promise<string | undefined> }
    | undefined;
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
    if (this.#parts.keks.isAtHand) await this.kek(blob); // another identity asks no backend
    // Started together: each may have to wait for a keystore. Another identity is told first.
    const [kekFound, found] = await Promise.allSettled([this.kek(blob), this.#sealed(blob)]);
    const kek = settled(kekFound);
    const sealed = settled(found);
    if (sealed === undefined) throw sealedKeyGone(blob.backend);
    const { vaultId } = this.#parts;
    const place = { vaultId, generation: blob.generation, kid: blob.kekKid };
    const key = await openVaultKey(sealed, place, kek);
    if (key === undefined) throw altered("the vault key");
    return key;
  }

  async #sealed(blob: BlobRow): Promise<string | undefined> {
    const { asked, backendFor } = this.#parts;
    if (asked?.id === blob.id) return await asked.sealed();
    return await (await backendFor(blob.backend)).get(blob.id);
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
      if (!mayBeStale(error) || now?.id === blob.id) throw error;
      blob = now;
    }
  }
}

/** Whether a failure may come from a key that was moved or rotated while it was read. */
export function mayBeStale(error: unknown): boolean {
  return isPalyraError(error, "integrity") || isPalyraError(error, "unavailable");
}

/** The one error for a vault whose key is certainly gone; `backend` is where it should have been. */
export function sealedKeyGone(backend: BackendKind = "encrypted_file"): PalyraError {
  const isKept = backend !== "encrypted_file";
  const what = isKept ? `the keystore (${backend}), or the whole state root,` : "the state root";
  return new PalyraError("integrity", "Cannot open the vault: its sealed key is gone", {
    hint: `Restore ${what} from a backup`,
    ...(isKept ? { details: { backend, cause: "lost_key" } } : {}),
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

function settled<T>(result: PromiseSettledResult<T>): T {
  if (result.status === "rejected") throw result.reason;
  return result.value;
}

function altered(what: string): PalyraError {
  return new PalyraError("integrity", `Cannot open ${what}: wrong key or altered data`);
}
