/** Entries of a backup: versions of secrets, and the numbers of those that were deleted. Format: FORMAT.md 8. */

import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import { MAX_VALUE_BYTES } from "../vault/envelope.ts";
import { scopeOf } from "../vault/scope.ts";
import { makeSecretId, parseName, type SecretId } from "../vault/vault_ref.ts";

/** One version of a secret. */
export interface VersionEntry {
  readonly kind: "version";
  readonly id: SecretId;
  readonly version: number;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  readonly expiresAt: string | undefined;
  readonly value: SensitiveBytes;
}

/** A secret that was deleted: its numbers never return. */
export interface DeletedEntry {
  readonly kind: "deleted";
  readonly id: SecretId;
  readonly lastVersion: number;
  readonly deletedAt: string;
}

/** An entry. */
export type BackupEntry = VersionEntry | DeletedEntry;

const MAX_VERSION = 999_999_999;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What stands before the value of an entry. */
export function formatHead(entry: BackupEntry): Uint8Array<ArrayBuffer> {
  const { scope, name } = entry.id;
  return encodeUtf8(JSON.stringify(
    entry.kind === "version"
      ? ["version", scope, name, entry.version, entry.createdAt, entry.expiresAt ?? null]
      : ["deleted", scope, name, entry.lastVersion, entry.deletedAt],
  ));
}

/** Reads a head; `value` is what stands behind it. Throws `integrity` for what was not written so. */
export function parseEntry(head: Uint8Array, value: SensitiveBytes): BackupEntry {
  const text = decodeUtf8(head);
  const entry = text === undefined ? undefined : entryOf(text, value);
  if (entry === undefined || decodeUtf8(formatHead(entry)) !== text) throw malformed();
  return entry;
}

/** The error for what {@link formatHead} and its payload would not have written. */
export function malformed(): PalyraError {
  return new PalyraError("integrity", "Cannot read the backup: it is not one that palyra wrote");
}

/** Less than 0 where the first one stands before the second one. */
export function compareEntries(a: BackupEntry, b: BackupEntry): number {
  return compareText(a.id.scope, b.id.scope) || compareText(a.id.name, b.id.name) ||
    numberOf(a) - numberOf(b);
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function numberOf(entry: BackupEntry): number {
  return entry.kind === "version" ? entry.version : 0;
}

function entryOf(text: string, value: SensitiveBytes): BackupEntry | undefined {
  const fields = parseArray(text);
  const id = idOf(fields[1], fields[2]);
  const number = fields[3];
  if (id === undefined || !isNumber(number) || !isInstant(fields[4])) return undefined;
  const { length } = value.reveal();
  if (fields[0] === "deleted" && fields.length === 5 && length === 0) {
    return { kind: "deleted", id, lastVersion: number, deletedAt: fields[4] };
  }
  const expiresAt = fields[5];
  const isVersion = fields[0] === "version" && fields.length === 6 &&
    (expiresAt === null || isInstant(expiresAt));
  if (!isVersion || length === 0 || length > MAX_VALUE_BYTES) return undefined;
  const createdAt = fields[4];
  return {
    kind: "version",
    id,
    version: number,
    createdAt,
    expiresAt: expiresAt ?? undefined,
    value,
  };
}

function idOf(scope: unknown, name: unknown): SecretId | undefined {
  if (typeof scope !== "string" || typeof name !== "string") return undefined;
  const known = scopeOf(scope);
  try {
    return known && makeSecretId(known, parseName(name));
  } catch {
    return undefined;
  }
}

function parseArray(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch { // its message would quote the text
    return [];
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MAX_VERSION;
}

function isInstant(value: unknown): value is string {
  return typeof value === "string" && INSTANT.test(value) && !Number.isNaN(Date.parse(value));
}
