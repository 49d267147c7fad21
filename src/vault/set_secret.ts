/** Storing a value, under the conditions and with the lifetime that the caller names. */

import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import { MAX_VALUE_BYTES } from "./envelope.ts";
import { isSessionScope } from "./scope.ts";
import type { Vault } from "./vault.ts";
import { formatVaultRef, type SecretId } from "./vault_ref.ts";
import {
  livingVersion,
  unchanged,
  type WriteOutcome,
  writeUnlessSame,
  writeWithKey,
} from "./write_version.ts";

/** Conditions and lifetime of a new version. */
export interface SetOptions {
  /** Milliseconds until it expires; without it never, in a session scope after 24 hours. */
  readonly lifetimeMs?: number;
  /** Keep whatever is there. */
  readonly ifAbsent?: boolean;
  /** Only when the current version has this number; 0: only when there is none. */
  readonly ifVersion?: number;
}

const SESSION_LIFETIME_MS = 86_400_000;
const LAST_INSTANT_MS = 253_402_300_799_999; // 9999-12-31T23:59:59.999Z

/**
 * Stores a value. The same value again, where neither expires, changes nothing. Throws `usage` for
 * an empty or too large value, `precondition` when `ifVersion` does not hold.
 */
export async function setSecret(
  vault: Vault,
  id: SecretId,
  value: SensitiveBytes,
  { lifetimeMs, ifAbsent, ifVersion }: SetOptions = {},
): Promise<WriteOutcome> {
  requireValueFits(value);
  return await writeWithKey(vault, id, async (key) => {
    const now = vault.platform.clock.now();
    const at = instantOf(now);
    const living = livingVersion(vault, id, at);
    requireVersion(id, living?.version ?? 0, ifVersion);
    if (living !== undefined && ifAbsent) return unchanged(living);
    const expiresAt = expiryOf(id, now, lifetimeMs);
    return await writeUnlessSame(vault, id, { living, next: { value, key, at, expiresAt } });
  });
}

/** When a version stored now expires. Throws `usage` when that is too far away. */
export function expiryOf(
  { scope }: SecretId,
  now: number,
  lifetimeMs: number | undefined,
): string | undefined {
  const lifetime = lifetimeMs ?? (isSessionScope(scope) ? SESSION_LIFETIME_MS : undefined);
  if (lifetime === undefined) return undefined;
  requireLifetimeFits(now, lifetime);
  return new Date(now + lifetime).toISOString();
}

/** RFC 3339. Throws `unavailable` when the clock is beyond what four digits of a year can say. */
export function instantOf(now: number): string {
  if (now >= 0 && now <= LAST_INSTANT_MS) return new Date(now).toISOString();
  throw new PalyraError(
    "unavailable",
    "Cannot store the value: the clock is not between 1970 and 9999",
  );
}

/** Throws `precondition` unless the version that was found is the one that is wanted. */
export function requireVersion(id: SecretId, found: number, wanted: number | undefined): void {
  if (wanted === undefined || wanted === found) return;
  const why = found === 0 ? "there is no such secret" : `its current version is ${found}`;
  throw new PalyraError("precondition", `Cannot write ${formatVaultRef(id)}: ${why}`, {
    details: { expected_version: wanted, current_version: found },
  });
}

/** Throws `usage` for an empty or too large value. */
export function requireValueFits(value: SensitiveBytes): void {
  const { length } = value.reveal();
  if (length === 0) throw new PalyraError("usage", "Cannot store the value: it is empty");
  if (length > MAX_VALUE_BYTES) {
    throw new PalyraError(
      "usage",
      `Cannot store the value: it is larger than ${MAX_VALUE_BYTES} bytes`,
    );
  }
}

/** Throws `usage` when something stored now would expire after the year 9999. Both in milliseconds. */
export function requireLifetimeFits(now: number, lifetimeMs: number): void {
  if (now + lifetimeMs <= LAST_INSTANT_MS) return;
  throw new PalyraError("usage", "Cannot store the value: it would expire after the year 9999", {
    hint: "--expires-in takes a number and s, m, h or d",
  });
}
