/** Rows of the catalog as typed values; whatever palyra has not written is `integrity`. */

import type { JweParts } from "../crypto/jwe.ts";
import { PalyraError } from "../errors.ts";
import type { SqlRow } from "../platform/platform.ts";
import { type BackendKind, parseStoredKind } from "./backend.ts";
import { bytesOf, numberOf, optionalTextOf, textOf } from "./rows.ts";
import { scopeOf, type VaultScope } from "./scope.ts";
import { parseName, type SecretId } from "./vault_ref.ts";

/** The row of a sealed vault key, with the salt of the KEK that it is sealed under. */
export interface BlobRow {
  readonly id: string;
  readonly generation: number;
  readonly kekKid: string;
  readonly backend: BackendKind;
  readonly salt: Uint8Array<ArrayBuffer>;
}

/** The row of a scope key. */
export interface ScopeKeyRow {
  readonly kid: string;
  readonly scope: VaultScope;
  readonly generation: number;
  readonly wrapped: Uint8Array<ArrayBuffer>;
}

/** One version of a secret without its content. */
export interface VersionRow {
  readonly rowId: number;
  readonly id: SecretId;
  readonly version: number;
  readonly createdAt: string;
  readonly expiresAt: string | undefined;
  readonly kid: string;
}

/** One version of a secret with its sealed content. */
export interface SealedRow extends VersionRow {
  readonly parts: JweParts;
}

/** A row of `blobs` joined with its KEK. */
export function blobRowOf(row: SqlRow): BlobRow {
  return {
    id: textOf(row, "id"),
    generation: numberOf(row, "generation"),
    kekKid: textOf(row, "kek_kid"),
    backend: parseStoredKind(textOf(row, "backend")),
    salt: bytesOf(row, "salt"),
  };
}

/** A row of `versions` without its content. */
export function versionRowOf(row: SqlRow): VersionRow {
  return {
    rowId: numberOf(row, "id"),
    id: secretIdOf(row),
    version: numberOf(row, "version"),
    createdAt: instantOf(textOf(row, "created_at")),
    expiresAt: optionalInstantOf(row, "expires_at"),
    kid: textOf(row, "kid"),
  };
}

/** Scope and name of a row, checked again: an altered one must not forge a line of output. */
export function secretIdOf(row: SqlRow): SecretId {
  const scope = scopeOf(textOf(row, "scope"));
  const name = textOf(row, "name");
  try {
    if (scope !== undefined) return { scope, name: parseName(name) };
  } catch { /* falls through to the one error for altered rows */ }
  throw new PalyraError("integrity", "Cannot open the vault: a name in its database was altered");
}

/** A row of `versions` with its content. */
export function sealedRowOf(row: SqlRow): SealedRow {
  const parts = {
    encryptedKey: bytesOf(row, "encrypted_key"),
    iv: bytesOf(row, "iv"),
    tag: bytesOf(row, "tag"),
    ciphertext: bytesOf(row, "ciphertext"),
  };
  return { ...versionRowOf(row), parts };
}

/** A row of `scope_keys`. */
export function scopeKeyRowOf(row: SqlRow): ScopeKeyRow {
  const scope = scopeOf(textOf(row, "scope"));
  if (scope === undefined) {
    throw new PalyraError(
      "integrity",
      "Cannot open the vault: a scope in its database was altered",
    );
  }
  return {
    kid: textOf(row, "kid"),
    scope,
    generation: numberOf(row, "generation"),
    wrapped: bytesOf(row, "wrapped"),
  };
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function optionalInstantOf(row: SqlRow, column: string): string | undefined {
  const text = optionalTextOf(row, column);
  return text === undefined ? undefined : instantOf(text);
}

function instantOf(text: string): string {
  if (INSTANT.test(text)) return text;
  throw new PalyraError("integrity", "Cannot open the vault: a date in its database was altered");
}
