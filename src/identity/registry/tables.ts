/** The tables of `pairing.db`. Every row ends with its HMAC (FORMAT.md section 9). */

import type { Schema } from "../../database/schema.ts";

/** A table: its columns in the order in which the HMAC covers them; the first one is the key. */
export interface Table {
  readonly name: string;
  readonly columns: readonly [string, ...string[]];
}

/** Codes that were made and not used up. */
export const CODES: Table = {
  name: "codes",
  columns: ["code_id", "created_at", "expires_at", "state", "nonce", "sealed"],
};

/** Requests, with what was decided about them. */
export const REQUESTS: Table = {
  name: "requests",
  columns: [
    "request_id",
    "code_id",
    "digest",
    "device_id",
    "identity_key",
    "document",
    "submitted_at",
    "expires_at",
    "state",
    "reason",
    "decided_at",
    "decision",
  ],
};

/** Devices that are paired or revoked. */
export const DEVICES: Table = {
  name: "devices",
  columns: [
    "device_id",
    "device_kind",
    "identity_key",
    "state",
    "paired_at",
    "request_id",
    "approved_by",
    "renewed_at",
    "rotation_wanted_at",
    "revoked_at",
    "reason",
  ],
};

/** Every certificate that the CA has issued, to other devices and to this one. */
export const CERTIFICATES: Table = {
  name: "certificates",
  columns: [
    "serial",
    "device_id",
    "fingerprint",
    "usages",
    "issued_at",
    "not_before",
    "not_after",
    "revoked_at",
    "reason",
  ],
};

/** Answers to renewals, so that a lost one can be had again. */
export const ANSWERS: Table = {
  name: "answers",
  columns: ["digest", "device_id", "answered_at", "document"],
};

/** One row: the number of the last certificate revocation list. */
export const LISTS: Table = { name: "lists", columns: ["one", "number"] };

const VERSION_1 = [
  `CREATE TABLE codes (
    code_id TEXT PRIMARY KEY NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'used')),
    nonce TEXT NOT NULL,
    sealed TEXT NOT NULL,
    mac BLOB NOT NULL
  ) STRICT`,
  `CREATE TABLE requests (
    request_id TEXT PRIMARY KEY NOT NULL,
    code_id TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL UNIQUE,
    device_id TEXT NOT NULL,
    identity_key TEXT NOT NULL,
    document TEXT NOT NULL,
    submitted_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'expired')),
    reason TEXT NOT NULL,
    decided_at INTEGER,
    decision TEXT,
    mac BLOB NOT NULL
  ) STRICT`,
  `CREATE TABLE devices (
    device_id TEXT PRIMARY KEY NOT NULL,
    device_kind TEXT NOT NULL,
    identity_key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('paired', 'revoked')),
    paired_at INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    approved_by TEXT NOT NULL,
    renewed_at INTEGER,
    rotation_wanted_at INTEGER,
    revoked_at INTEGER,
    reason TEXT NOT NULL,
    mac BLOB NOT NULL
  ) STRICT`,
  `CREATE TABLE certificates (
    serial TEXT PRIMARY KEY NOT NULL,
    device_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL UNIQUE,
    usages TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    revoked_at INTEGER,
    reason TEXT NOT NULL,
    mac BLOB NOT NULL
  ) STRICT`,
  `CREATE INDEX certificates_by_device ON certificates (device_id)`,
  `CREATE INDEX certificates_by_end ON certificates (not_after)`,
  `CREATE TABLE answers (
    digest TEXT PRIMARY KEY NOT NULL,
    device_id TEXT NOT NULL,
    answered_at INTEGER NOT NULL,
    document TEXT NOT NULL,
    mac BLOB NOT NULL
  ) STRICT`,
  `CREATE TABLE lists (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL,
    mac BLOB NOT NULL
  ) STRICT`,
];

/** What `pairing.db` consists of. */
export const REGISTRY_SCHEMA: Schema = {
  subject: "the devices",
  migrations: [{ statements: VERSION_1, schema: VERSION_1 }],
};
