/** Sealed envelopes: one JWE a secret version, bound by its AAD to where it stands; opening them. */

import { type JweParts, openJwe } from "../crypto/jwe.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import type { SecretId } from "./vault_ref.ts";

/** Most bytes of a value. */
export const MAX_VALUE_BYTES = 1_048_576;

/** Where an envelope stands. Computed from the row that it was found in, never read from it. */
export interface EnvelopePlace {
  readonly vaultId: string;
  readonly id: SecretId;
  readonly version: number;
  /** RFC 3339, UTC, as stored. */
  readonly createdAt: string;
  /** RFC 3339, UTC, as stored. */
  readonly expiresAt: string | undefined;
}

/** Opens an envelope; `undefined` for a wrong key, another place, or altered data. */
export async function openValue(
  parts: JweParts,
  place: EnvelopePlace,
  scopeKey: CryptoKey,
): Promise<SensitiveBytes | undefined> {
  const opened = await openJwe(parts, envelopeAad(place), scopeKey);
  if (opened === undefined || opened.length === 0 || opened.length > MAX_VALUE_BYTES) {
    return undefined;
  }
  return new SensitiveBytes(opened);
}

/** What an envelope is bound to. */
export function envelopeAad({ vaultId, id, version, createdAt, expiresAt }: EnvelopePlace): string {
  const { scope, name } = id;
  const fields = [vaultId, scope, name, version, createdAt, expiresAt ?? null];
  return JSON.stringify(["palyra/v1/value", ...fields]);
}
