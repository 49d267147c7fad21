/** Reading a secret: the row and its keys on one snapshot, opened, and judged by its dates. */

import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import {
  committedVersion,
  currentVersion,
  isHiddenByIndex,
  isStaged,
  liveBlob,
  oldestVersion,
  scopeKeyById,
  versionOf,
} from "./catalog.ts";
import type { BlobRow, ScopeKeyRow, SealedRow } from "./catalog_rows.ts";
import { openValue } from "./envelope.ts";
import { mayBeStale } from "./key_chain.ts";
import type { ScopeKey } from "./scope_key.ts";
import type { Vault } from "./vault.ts";
import { formatVaultRef, type SecretId, type VaultRef } from "./vault_ref.ts";

/** A version of a secret whose place, dates and content have been authenticated. */
export interface OpenedVersion extends Disposable {
  readonly id: SecretId;
  readonly version: number;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  readonly expiresAt: string | undefined;
  readonly value: SensitiveBytes;
}

/** What is read at once, so that no rotation can come between a row and its keys. */
interface Snapshot {
  readonly row: SealedRow | undefined;
  /** The secret's current version: when that has expired, the whole secret has. */
  readonly current: SealedRow | undefined;
  readonly scopeKey: ScopeKeyRow | undefined;
  readonly blob: BlobRow | undefined;
}

/** Others may rotate keys while we read; each try needs such a change, so few are ever made. */
const MAX_TRIES = 20;

/**
 * Reads the current or the named version. Throws `not_found` when there is none, or when it has
 * expired (which is believed only after the date was authenticated); `integrity` for a wrong key
 * or altered data.
 */
export async function readSecret(vault: Vault, ref: VaultRef): Promise<OpenedVersion> {
  const { database, platform } = vault;
  const committed = isStaged(database, ref)
    ? await (await import("./commitment.ts")).committedVersions(vault)
    : undefined;
  const takeCurrent = (): SealedRow | undefined =>
    (committed && committedVersion(database, ref, committed)) ?? currentVersion(database, ref);
  function take(): Snapshot {
    const current = takeCurrent();
    const row = ref.version === undefined || ref.version === current?.version
      ? current
      : versionOf(database, ref, ref.version);
    return withKeys(vault, row, current);
  }
  const { opened, snapshot } = await openStable(vault, take);
  if (opened === undefined) throw provenAbsent(vault, ref);
  if (opened.id.scope !== ref.scope || opened.id.name !== ref.name) {
    opened[Symbol.dispose](); // a damaged index led to another row
    throw damagedIndex();
  }
  const nowAt = new Date(platform.clock.now()).toISOString();
  const current = snapshot.current!;
  const own = hasExpired(opened.expiresAt, nowAt);
  const whole = current.version !== snapshot.row!.version && hasExpired(current.expiresAt, nowAt);
  if (!own && !whole) return opened;
  opened[Symbol.dispose]();
  // A changed date must not pass for an expired secret: the current version is opened as well.
  if (whole) (await openRowOf(vault, takeCurrent))?.[Symbol.dispose]();
  throw notFound(ref);
}

/** When the oldest version that is kept was stored. Throws `integrity` for altered data. */
export async function readOldestDate(vault: Vault, id: SecretId): Promise<string | undefined> {
  using opened = await openRowOf(vault, () => oldestVersion(vault.database, id));
  return opened?.createdAt;
}

/** Opens the version that a look at the database finds; `undefined` when it finds none. */
export async function openRowOf(
  vault: Vault,
  look: () => SealedRow | undefined,
): Promise<OpenedVersion | undefined> {
  const take = (): Snapshot => {
    const row = look();
    return withKeys(vault, row, row);
  };
  return (await openStable(vault, take)).opened;
}

/**
 * Opens a row that was read in the caller's own transaction, with the key that the caller holds: a
 * backend must not be asked while others wait. Throws `integrity`.
 */
export function openInTransaction(
  vault: Vault,
  row: SealedRow,
  key: ScopeKey,
): Promise<OpenedVersion> {
  if (row.kid !== key.kid) throw altered(row);
  return openParts(vault, row, key);
}

/** Whether an instant is over. Both are RFC 3339 in UTC with milliseconds, so text order is time order. */
export function hasExpired(expiresAt: string | undefined, nowAt: string): boolean {
  return expiresAt !== undefined && expiresAt <= nowAt;
}

/** The error for what an index did not find: `not_found` only if the table does not hold it all the same. */
export function provenAbsent({ database }: Vault, ref: VaultRef): PalyraError {
  return isHiddenByIndex(database, ref, ref.version) ? damagedIndex() : notFound(ref);
}

/** The error for an index that does not agree with its table. */
export function damagedIndex(): PalyraError {
  return new PalyraError(
    "integrity",
    "Cannot open the vault: an index of its database is damaged",
    {
      hint: "Restore the state root from a backup",
    },
  );
}

/** The one error for a secret or version that is not there. */
export function notFound(ref: VaultRef): PalyraError {
  const isAny = ref.version === undefined;
  const what = isAny ? "no such secret" : "no such version";
  return new PalyraError("not_found", `Cannot read ${formatVaultRef(ref)}: ${what}`, {
    hint: isAny
      ? "palyra secrets list shows what there is"
      : "palyra secrets history shows which versions are kept",
  });
}

function withKeys(
  { database }: Vault,
  row: SealedRow | undefined,
  current: SealedRow | undefined,
): Snapshot {
  const scopeKey = row === undefined ? undefined : scopeKeyById(database, row.kid);
  return { row, current, scopeKey, blob: liveBlob(database) };
}

/** Takes a snapshot and opens it; where that fails, looks whether a rotation has moved on meanwhile. */
async function openStable(
  vault: Vault,
  take: () => Snapshot,
): Promise<{ opened: OpenedVersion | undefined; snapshot: Snapshot }> {
  let snapshot = vault.database.read(take);
  for (let tries = 1;; tries++) {
    try {
      return { opened: await openRow(vault, snapshot), snapshot };
    } catch (error) {
      if (!mayBeStale(error) || tries === MAX_TRIES) throw error;
      const again = vault.database.read(take);
      if (sameKeys(snapshot, again)) throw error;
      snapshot = again;
    }
  }
}

async function openRow(
  vault: Vault,
  { row, scopeKey, blob }: Snapshot,
): Promise<OpenedVersion | undefined> {
  if (row === undefined) return undefined;
  if (scopeKey === undefined || blob === undefined) throw altered(row);
  return await openParts(vault, row, await vault.keys.scopeKey(blob, scopeKey, row.id.scope));
}

async function openParts(
  { vaultId }: Vault,
  row: SealedRow,
  { key }: ScopeKey,
): Promise<OpenedVersion> {
  const { id, version, createdAt, expiresAt } = row;
  const value = await openValue(row.parts, { vaultId, id, version, createdAt, expiresAt }, key);
  if (value === undefined) throw altered(row);
  return {
    id,
    version,
    createdAt,
    expiresAt,
    value,
    [Symbol.dispose]: () => value[Symbol.dispose](),
  };
}

function sameKeys(a: Snapshot, b: Snapshot): boolean {
  return a.blob?.id === b.blob?.id && a.row?.version === b.row?.version &&
    a.row?.kid === b.row?.kid &&
    a.scopeKey?.wrapped.toHex() === b.scopeKey?.wrapped.toHex();
}

function altered({ id, version }: SealedRow): PalyraError {
  const ref = formatVaultRef({ ...id, version });
  return new PalyraError("integrity", `Cannot open ${ref}: wrong key or altered data`, {
    hint: "palyra vault check lists what is affected; a new value can be set over it",
  });
}
