/** The common part of all writes: one transaction that compares, seals and inserts a version. */

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
} from "./catalog.ts";
import type { SealedRow } from "./catalog_rows.ts";
import { sealValue } from "./sealing.ts";
import { purgeExpired } from "./purge.ts";
import { damagedIndex, hasExpired, openInTransaction } from "./read_secret.ts";
import { settleIntent } from "./recovery.ts";
import type { ScopeKey } from "./scope_key.ts";
import { ensureScopeKey } from "./scope_keys.ts";
import { findIntent } from "./staged.ts";
import type { Vault } from "./vault.ts";
import { formatSecretId, type SecretId } from "./vault_ref.ts";

/** What became of a write. */
export interface WriteOutcome {
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

/** A value that is to become the next version. */
export interface NewVersion {
  readonly value: SensitiveBytes;
  readonly key: ScopeKey;
  /** Now: RFC 3339, UTC. */
  readonly at: string;
  readonly expiresAt: string | undefined;
}

/** The highest version number that a reference can name. */
const MAX_VERSION = 999_999_999;

/** Each try needs a rotation of the scope that came between, so few are ever made. */
const MAX_TRIES = 1_000;

/**
 * Runs `body` in a write transaction with the key of the scope in force. The key was opened before
 * (a keystore must not be asked inside); if a rotation came between, it is opened anew.
 */
export async function writeWithKey(
  vault: Vault,
  id: SecretId,
  body: (key: ScopeKey) => Promise<WriteOutcome>,
): Promise<WriteOutcome> {
  const { database } = vault;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const key = await ensureScopeKey(vault, id.scope);
    const outcome = await database.write(() =>
      findIntent(database) === undefined && liveScopeKey(database, id.scope)?.kid === key.kid
        ? body(key)
        : undefined
    );
    if (outcome !== undefined) return outcome;
    await settleIntent(vault); // a staged version number is never passed
  }
  throw new PalyraError(
    "precondition",
    `Cannot write ${formatSecretId(id)}: its key keeps changing`,
  );
}

/** The current version unless it has expired. */
export function livingVersion(
  { database }: Vault,
  id: SecretId,
  nowAt: string,
): SealedRow | undefined {
  const current = currentVersion(database, id);
  return current === undefined || hasExpired(current.expiresAt, nowAt) ? undefined : current;
}

/** Puts a sealed version where it belongs. */
export type PutVersion = (row: Omit<SealedRow, "rowId">) => void;

/**
 * Adds a version unless the living one holds the same value and expires at the same time. With
 * `put` it is only sealed, and put elsewhere.
 */
export async function writeUnlessSame(
  vault: Vault,
  id: SecretId,
  { living, next, put }: {
    readonly living: SealedRow | undefined;
    readonly next: NewVersion;
    readonly put?: PutVersion;
  },
): Promise<WriteOutcome> {
  const comparison = living === undefined ? "other" : await compare(vault, living, next);
  if (comparison === "same") return unchanged(living!);
  return {
    version: put === undefined
      ? await append(vault, id, next)
      : await sealNext(vault, id, { next, put }),
    created: living === undefined,
    changed: true,
    updatedAt: next.at,
    replacedUnreadable: comparison === "unreadable",
  };
}

/** The outcome of a write that found everything as it should be. */
export function unchanged({ version, createdAt }: SealedRow): WriteOutcome {
  return {
    version,
    created: false,
    changed: false,
    updatedAt: createdAt,
    replacedUnreadable: false,
  };
}

/** A version that cannot be opened must not stop a new one from being set. */
async function compare(
  vault: Vault,
  living: SealedRow,
  { value, key, expiresAt }: NewVersion,
): Promise<"same" | "other" | "unreadable"> {
  try {
    using opened = await openInTransaction(vault, living, key);
    const same = opened.expiresAt === expiresAt &&
      equalBytes(opened.value.reveal(), value.reveal());
    return same ? "same" : "other";
  } catch (error) {
    if (isPalyraError(error, "integrity")) return "unreadable";
    throw error;
  }
}

/** Seals and inserts the next version; drops what is older than the versions to keep, or expired. */
async function append(
  vault: Vault,
  id: SecretId,
  next: NewVersion,
): Promise<number> {
  const { database, keepVersions } = vault;
  const before = currentVersion(database, id);
  if (before !== undefined && hasExpired(before.expiresAt, next.at)) {
    buryAll(database, id, next.at);
  }
  purgeExpired(database, next.at);
  const version = await sealNext(vault, id, { next, put: (row) => insertVersion(database, row) });
  // Looked up as a reader will: where an index is damaged, the write is undone and not acknowledged.
  if (currentVersion(database, id)?.version !== version) throw damagedIndex();
  removeVersionsUpTo(database, id, version - keepVersions);
  return version;
}

/** Seals the value under the number that comes next, and puts it. */
async function sealNext(
  { database, vaultId }: Vault,
  id: SecretId,
  { next, put }: { readonly next: NewVersion; readonly put: PutVersion },
): Promise<number> {
  const { value, key, at, expiresAt } = next;
  const version = lastVersionNumber(database, id) + 1;
  if (version < 1 || version > MAX_VERSION) throw damagedIndex(); // no counting leads there
  const place = { vaultId, id, version, createdAt: at, expiresAt };
  const parts = await sealValue(value, place, key.key);
  put({ id, version, createdAt: at, expiresAt, kid: key.kid, parts });
  return version;
}
