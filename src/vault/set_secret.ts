/** Storing values: new versions, sealed and committed in one transaction. */

import { equalBytes } from "../crypto/equal_bytes.ts";
import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { isPalyraError, PalyraError } from "../errors.ts";
import {
  buryAll,
  currentVersion,
  insertVersion,
  lastVersionNumber,
  liveScopeKey,
  removeVersionsUpTo,
  type SealedRow,
  versionOf,
} from "./catalog.ts";
import { MAX_VALUE_BYTES, sealValue } from "./envelope.ts";
import { purgeExpired } from "./purge.ts";
import { hasExpired, notFound, openInTransaction } from "./read_secret.ts";
import { isSessionScope } from "./scope.ts";
import type { ScopeKey } from "./scope_key.ts";
import { ensureScopeKey } from "./scope_keys.ts";
import type { Vault } from "./vault.ts";
import { formatSecretId, formatVaultRef, type SecretId } from "./vault_ref.ts";

/** Conditions and lifetime of a new version. */
export interface SetOptions {
  /** Milliseconds until it expires; without it never, in a session scope after 24 hours. */
  readonly lifetimeMs?: number;
  /** Keep whatever is there. */
  readonly ifAbsent?: boolean;
  /** Only when the current version has this number; 0: only when there is none. */
  readonly ifVersion?: number;
}

/** What became of a write. */
export interface SetOutcome {
  readonly version: number;
  /** There was no such secret before. */
  readonly created: boolean;
  /** A version was added. */
  readonly changed: boolean;
  /** When the current version was stored: RFC 3339, UTC. */
  readonly updatedAt: string;
  /** The version before could not be opened, so it was not compared. */
  readonly replacedUnreadable: boolean;
}

/** Versions that are kept of each secret. */
export const KEEP_VERSIONS = 10;

const SESSION_LIFETIME_MS = 86_400_000;
const MAX_TRIES = 1_000;
const LAST_INSTANT_MS = 253_402_300_799_999; // 9999-12-31T23:59:59.999Z

/**
 * Stores a value. The same value again, where neither expires, changes nothing. Throws `usage` for
 * an empty or too large value, `precondition` when `ifVersion` does not hold.
 */
export async function setSecret(
  vault: Vault,
  id: SecretId,
  value: SensitiveBytes,
  options: SetOptions = {},
): Promise<SetOutcome> {
  requireValueFits(value);
  return await writeWithKey(vault, id, async (key) => {
    const now = instants(vault, id, options.lifetimeMs);
    const current = livingVersion(vault, id, now.at);
    requireVersion(id, current?.version ?? 0, options.ifVersion);
    if (current !== undefined && options.ifAbsent) return unchanged(current);
    const comparison = await compare(vault, current, { value, key, ...now });
    if (comparison === "same") return unchanged(current!);
    const version = await append(vault, id, { value, key, ...now });
    return {
      version,
      created: current === undefined,
      changed: true,
      updatedAt: now.at,
      replacedUnreadable: comparison === "unreadable",
    };
  });
}

/**
 * Makes the value of an old version current again, as a new version that expires when the old one
 * would have. Throws `not_found` when there is no such version, `integrity` when it cannot be opened.
 */
export async function rollBackSecret(vault: Vault, id: SecretId, to: number): Promise<SetOutcome> {
  return await writeWithKey(vault, id, async (key) => {
    const now = instants(vault, id, undefined);
    const current = livingVersion(vault, id, now.at);
    const row = current && versionOf(vault.database, id, to);
    if (row === undefined || hasExpired(row.expiresAt, now.at)) {
      throw notFound({ ...id, version: to });
    }
    if (row.version === current!.version) return unchanged(current!);
    using old = await openInTransaction(vault, row, key);
    const fresh = { value: old.value, key, at: now.at, expiresAt: old.expiresAt };
    const comparison = await compare(vault, current, fresh);
    if (comparison === "same") return unchanged(current!);
    const version = await append(vault, id, fresh);
    return {
      version,
      created: false,
      changed: true,
      updatedAt: now.at,
      replacedUnreadable: comparison === "unreadable",
    };
  });
}

/** Removes a secret with all its versions. Throws `not_found` when there is none. */
export async function deleteSecret(vault: Vault, id: SecretId): Promise<void> {
  const { database, platform } = vault;
  await database.write(() => {
    const nowAt = new Date(platform.clock.now()).toISOString();
    if (livingVersion(vault, id, nowAt) === undefined) throw notFound(id);
    buryAll(database, id, nowAt);
    purgeExpired(database, nowAt);
  });
}

/**
 * Runs `body` in a write transaction with the key of the scope in force. The key was opened before
 * (a keystore must not be asked inside); if a rotation came between, it is opened anew.
 */
async function writeWithKey(
  vault: Vault,
  id: SecretId,
  body: (key: ScopeKey) => Promise<SetOutcome>,
): Promise<SetOutcome> {
  const { database } = vault;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const key = await ensureScopeKey(vault, id.scope);
    const outcome = await database.write(() =>
      liveScopeKey(database, id.scope)?.kid === key.kid ? body(key) : undefined
    );
    if (outcome !== undefined) return outcome;
  }
  throw new PalyraError(
    "precondition",
    `Cannot write ${formatSecretId(id)}: its key keeps changing`,
  );
}

interface Instants {
  readonly at: string;
  readonly expiresAt: string | undefined;
}

function instants({ platform }: Vault, id: SecretId, lifetimeMs: number | undefined): Instants {
  const now = platform.clock.now();
  const lifetime = lifetimeMs ?? (isSessionScope(id.scope) ? SESSION_LIFETIME_MS : undefined);
  if (lifetime !== undefined) requireLifetimeFits(now, lifetime);
  return {
    at: new Date(now).toISOString(),
    expiresAt: lifetime === undefined ? undefined : new Date(now + lifetime).toISOString(),
  };
}

/** Throws `usage` when something stored now would expire after the year 9999. Both in milliseconds. */
export function requireLifetimeFits(now: number, lifetimeMs: number): void {
  if (now + lifetimeMs <= LAST_INSTANT_MS) return;
  throw new PalyraError("usage", "Cannot store the value: it would expire after the year 9999", {
    hint: "--expires-in takes a number and s, m, h or d",
  });
}

/** The current version unless it has expired. */
function livingVersion({ database }: Vault, id: SecretId, nowAt: string): SealedRow | undefined {
  const current = currentVersion(database, id);
  return current === undefined || hasExpired(current.expiresAt, nowAt) ? undefined : current;
}

/** A version that cannot be opened must not stop a new one from being set. */
async function compare(
  vault: Vault,
  current: SealedRow | undefined,
  { value, key, expiresAt }: NewVersion,
): Promise<"same" | "other" | "unreadable"> {
  if (current === undefined) return "other";
  try {
    using opened = await openInTransaction(vault, current, key);
    const same = opened.expiresAt === expiresAt &&
      equalBytes(opened.value.reveal(), value.reveal());
    return same ? "same" : "other";
  } catch (error) {
    if (isPalyraError(error, "integrity")) return "unreadable";
    throw error;
  }
}

interface NewVersion extends Instants {
  readonly value: SensitiveBytes;
  readonly key: ScopeKey;
}

/** Seals and inserts the next version; drops what is older than the versions to keep, or expired. */
async function append(
  vault: Vault,
  id: SecretId,
  { value, key, at, expiresAt }: NewVersion,
): Promise<number> {
  const { database, vaultId } = vault;
  const before = currentVersion(database, id);
  if (before !== undefined && hasExpired(before.expiresAt, at)) buryAll(database, id, at);
  purgeExpired(database, at);
  const version = lastVersionNumber(database, id) + 1;
  const place = { vaultId, id, version, createdAt: at, expiresAt };
  const parts = await sealValue(value, place, key.key);
  insertVersion(database, { id, version, createdAt: at, expiresAt, kid: key.kid, parts });
  removeVersionsUpTo(database, id, version - KEEP_VERSIONS);
  return version;
}

function unchanged({ version, createdAt }: SealedRow): SetOutcome {
  return {
    version,
    created: false,
    changed: false,
    updatedAt: createdAt,
    replacedUnreadable: false,
  };
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
