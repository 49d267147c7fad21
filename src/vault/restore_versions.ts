/** Secrets with their history and dates into a vault, sealed anew: all of them in one transaction, or none. */

import { isPalyraError, PalyraError } from "../errors.ts";
import { equalBytes } from "../crypto/equal_bytes.ts";
import { buryAll, insertVersion, lastVersionNumber, liveScopeKey } from "./catalog.ts";
import type { SealedRow } from "./catalog_rows.ts";
import type { ExportedDeletion, ExportedVersion } from "./export_versions.ts";
import { type Progress, untold } from "./progress.ts";
import { damagedIndex, hasExpired, openInTransaction } from "./read_secret.ts";
import { settleIntent } from "./recovery.ts";
import type { VaultScope } from "./scope.ts";
import type { ScopeKey } from "./scope_key.ts";
import { ensureScopeKey } from "./scope_keys.ts";
import { sealValue } from "./sealing.ts";
import { instantOf } from "./set_secret.ts";
import { findIntent } from "./staged.ts";
import type { Vault } from "./vault.ts";
import { formatSecretId, type SecretId } from "./vault_ref.ts";
import { livingVersion } from "./write_version.ts";

/** What is to be restored; versions of a secret follow one another, the oldest first. */
export interface RestoreRequest {
  readonly versions: readonly ExportedVersion[];
  readonly deletions: readonly ExportedDeletion[];
  /** The vault may hold something: what it holds stays in force. */
  readonly merge: boolean;
}

/** What became of it. */
export interface RestoreReport {
  /** Secrets that were restored, and their versions. */
  readonly secrets: number;
  readonly versions: number;
  /** Secrets whose value is the one of this vault already. */
  readonly unchanged: number;
  /** Secrets that this vault holds with another value, which stays. */
  readonly kept: readonly string[];
  /** Secrets whose time was over. */
  readonly expired: number;
}

const MAX_TRIES = 1_000;
const MAX_VERSION = 999_999_999;

interface Group {
  readonly id: SecretId;
  readonly versions: readonly ExportedVersion[];
}

/** Whether a vault holds nothing that a restored secret could be mixed up with. */
export function isEmptyVault({ database }: Vault): boolean {
  return database.get("SELECT 1 FROM versions UNION ALL SELECT 1 FROM staged LIMIT 1") ===
    undefined;
}

/**
 * Restores. Throws `precondition` for a vault that is not empty, without `merge`. What this vault
 * holds is never replaced, nor does a number return: an older secret takes numbers above the last one.
 */
export async function restoreVersions(
  vault: Vault,
  request: RestoreRequest,
  progress: Progress = untold,
): Promise<RestoreReport> {
  const { database } = vault;
  const groups = groupsOf(request.versions);
  const scopes = new Set(groups.map(({ id }) => id.scope));
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (!request.merge && !isEmptyVault(vault)) throw notEmpty();
    const keys = new Map<VaultScope, ScopeKey>();
    for (const scope of scopes) keys.set(scope, await ensureScopeKey(vault, scope));
    const sealed = await sealAll(vault, groups, { keys, progress });
    const inForce = (): boolean =>
      findIntent(database) === undefined &&
      [...keys].every(([scope, key]) => liveScopeKey(database, scope)?.kid === key.kid);
    const report = await database.write(() =>
      inForce() ? write(vault, groups, { request, keys, sealed }) : undefined
    );
    if (report !== undefined) return report;
    await settleIntent(vault); // a staged version number is never passed
  }
  throw new PalyraError("precondition", "Cannot restore: the keys of the vault keep changing");
}

/** The error for a vault that holds something. */
export function notEmpty(): PalyraError {
  return new PalyraError("precondition", "Cannot restore: the vault is not empty", {
    hint: "--merge adds what is missing, and keeps what is there",
  });
}

type Sealed = Omit<SealedRow, "rowId">;

interface Given {
  readonly request: RestoreRequest;
  readonly keys: ReadonlyMap<VaultScope, ScopeKey>;
  readonly sealed: ReadonlyMap<ExportedVersion, Sealed>;
}

/** Under the numbers that they had, which most of them keep: nobody has to wait for it. */
async function sealAll(
  vault: Vault,
  groups: readonly Group[],
  { keys, progress }: Pick<Given, "keys"> & { readonly progress: Progress },
): Promise<ReadonlyMap<ExportedVersion, Sealed>> {
  const sealed = new Map<ExportedVersion, Sealed>();
  const total = groups.reduce((sum, { versions }) => sum + versions.length, 0);
  for (const { id, versions } of groups) {
    for (const one of versions) {
      progress(sealed.size, total);
      sealed.set(one, await seal(vault, one, one.version, keys.get(id.scope)!));
    }
  }
  return sealed;
}

async function seal(
  { vaultId }: Vault,
  { id, createdAt, expiresAt, value }: ExportedVersion,
  version: number,
  { kid, key }: ScopeKey,
): Promise<Sealed> {
  const parts = await sealValue(value, { vaultId, id, version, createdAt, expiresAt }, key);
  return { id, version, createdAt, expiresAt, kid, parts };
}

async function write(vault: Vault, groups: readonly Group[], given: Given): Promise<RestoreReport> {
  const { database, platform } = vault;
  const { request, keys } = given;
  if (!request.merge && !isEmptyVault(vault)) throw notEmpty();
  const nowAt = instantOf(platform.clock.now());
  const report = { secrets: 0, versions: 0, unchanged: 0, kept: [] as string[], expired: 0 };
  for (const { id, versions } of groups) {
    if (hasExpired(versions.at(-1)!.expiresAt, nowAt)) {
      report.expired++;
      continue;
    }
    const living = livingVersion(vault, id, nowAt);
    if (living !== undefined) {
      const key = keys.get(id.scope)!;
      if (await holds(vault, { living, key }, versions.at(-1)!)) report.unchanged++;
      else report.kept.push(formatSecretId(id));
      continue;
    }
    const last = lastVersionNumber(database, id);
    if (last > 0) buryAll(database, id, nowAt); // an expired one goes with its history
    const shift = Math.max(0, last + 1 - versions[0]!.version);
    for (const one of versions) {
      if (hasExpired(one.expiresAt, nowAt)) continue;
      const version = one.version + shift;
      if (version > MAX_VERSION) throw damagedIndex();
      const row = shift === 0
        ? given.sealed.get(one)!
        : await seal(vault, one, version, keys.get(id.scope)!);
      insertVersion(database, row);
      report.versions++;
    }
    report.secrets++;
  }
  for (const { id, lastVersion, deletedAt } of request.deletions) {
    if (lastVersionNumber(database, id) >= lastVersion) continue;
    if (livingVersion(vault, id, nowAt) !== undefined) continue; // newer ones will not get there soon
    database.run(
      `INSERT INTO tombstones (scope, name, last_version, deleted_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (scope, name) DO UPDATE SET last_version = excluded.last_version`,
      id.scope,
      id.name,
      lastVersion,
      deletedAt,
    );
  }
  return report;
}

/** Whether the living version has this value. One that cannot be opened has another, and stays. */
async function holds(
  vault: Vault,
  { living, key }: { readonly living: SealedRow; readonly key: ScopeKey },
  { value }: ExportedVersion,
): Promise<boolean> {
  try {
    using opened = await openInTransaction(vault, living, key);
    return equalBytes(opened.value.reveal(), value.reveal());
  } catch (error) {
    if (isPalyraError(error, "integrity")) return false;
    throw error;
  }
}

function groupsOf(versions: readonly ExportedVersion[]): Group[] {
  const groups = new Map<string, ExportedVersion[]>();
  for (const one of versions) {
    const name = formatSecretId(one.id);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [one]);
    else group.push(one);
  }
  return [...groups.values()].map((group) => ({ id: group[0]!.id, versions: group }));
}
