/** Scope keys: one random key a scope, wrapped by the vault key, wrapping the DEKs of the scope. */

import { importWrappingKey } from "../crypto/jwe.ts";
import { hkdf, importHkdfKey } from "../crypto/kdf.ts";
import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { unwrapKeyBytes, wrapKeyBytes } from "../crypto/wrapped_key.ts";
import type { VaultScope } from "./scope.ts";

/** Length of a scope key in bytes. */
export const SCOPE_KEY_BYTES = 32;

const KID_BYTES = 16;
const NO_SALT = new Uint8Array(0);

/** Which scope key is meant. */
export interface ScopeKeyPlace {
  readonly vaultId: string;
  readonly scope: VaultScope;
  readonly generation: number;
}

/** A scope key that can be used. */
export interface ScopeKey {
  readonly kid: string;
  /** A256KW key, not extractable. */
  readonly key: CryptoKey;
}

/** Wraps fresh key material as the scope key of a place. */
export async function makeScopeKey(
  material: SensitiveBytes,
  place: ScopeKeyPlace,
  vaultKey: CryptoKey,
): Promise<ScopeKey & { readonly wrapped: Uint8Array<ArrayBuffer> }> {
  const bytes = material.reveal();
  return {
    kid: await kidOf(await importHkdfKey(bytes), place),
    key: await importWrappingKey(bytes),
    wrapped: await wrapKeyBytes(bytes, vaultKey),
  };
}

/**
 * Unwraps a scope key. `undefined` when the vault key does not fit, or the key does not belong to
 * this place: A256KW authenticates no context, so the id is derived anew and compared.
 */
export async function openScopeKey(
  stored: { readonly kid: string; readonly wrapped: Uint8Array<ArrayBuffer> },
  place: ScopeKeyPlace,
  vaultKey: CryptoKey,
): Promise<ScopeKey | undefined> {
  const unwrapped = await unwrapKeyBytes(stored.wrapped, vaultKey);
  if (unwrapped === undefined) return undefined;
  const kid = await kidOf(unwrapped.derivation, place);
  return kid === stored.kid ? { kid, key: unwrapped.wrapping } : undefined;
}

async function kidOf(
  key: CryptoKey,
  { vaultId, scope, generation }: ScopeKeyPlace,
): Promise<string> {
  const info = JSON.stringify(["palyra/v1/scope-kid", vaultId, scope, generation]);
  return (await hkdf(key, { salt: NO_SALT, info, length: KID_BYTES })).toHex();
}
