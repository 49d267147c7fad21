/** The tables of `vault.db`, version by version. */

import type { Migration, Schema } from "../database/schema.ts";

const VERSION_1 = [
  `CREATE TABLE vault (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    vault_id TEXT NOT NULL,
    created_at TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE keks (
    kid TEXT PRIMARY KEY NOT NULL,
    salt BLOB NOT NULL,
    created_at TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE blobs (
    id TEXT PRIMARY KEY NOT NULL,
    generation INTEGER NOT NULL UNIQUE,
    kek_kid TEXT NOT NULL REFERENCES keks (kid) ON DELETE RESTRICT,
    backend TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('writing', 'live', 'deleting')),
    created_at TEXT NOT NULL,
    content TEXT
  ) STRICT`,
  `CREATE UNIQUE INDEX one_live_blob ON blobs (state) WHERE state = 'live'`,
  `CREATE TABLE scope_keys (
    kid TEXT PRIMARY KEY NOT NULL,
    scope TEXT NOT NULL,
    generation INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (scope, generation)
  ) STRICT`,
  `CREATE TABLE versions (
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    kid TEXT NOT NULL REFERENCES scope_keys (kid) ON DELETE RESTRICT,
    encrypted_key BLOB NOT NULL,
    iv BLOB NOT NULL,
    tag BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    UNIQUE (scope, name, version)
  ) STRICT`,
  `CREATE INDEX versions_by_kid ON versions (kid)`,
  `CREATE INDEX versions_by_expiry ON versions (expires_at) WHERE expires_at IS NOT NULL`,
  `CREATE TABLE tombstones (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    last_version INTEGER NOT NULL,
    deleted_at TEXT NOT NULL,
    PRIMARY KEY (scope, name)
  ) STRICT`,
];

/** Version 2 adds what `configure` has sealed before the config names it. */
const ADDED_2 = [
  `CREATE TABLE intents (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL,
    sha256_before TEXT,
    sha256_after TEXT NOT NULL,
    temp_path TEXT NOT NULL,
    witnesses TEXT NOT NULL,
    created_at TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE staged (
    id INTEGER PRIMARY KEY,
    intent TEXT NOT NULL REFERENCES intents (id) ON DELETE RESTRICT,
    field TEXT NOT NULL,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    kid TEXT NOT NULL REFERENCES scope_keys (kid) ON DELETE RESTRICT,
    encrypted_key BLOB NOT NULL,
    iv BLOB NOT NULL,
    tag BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    UNIQUE (scope, name)
  ) STRICT`,
];

/** Every version that palyra has shipped; `user_version` n stands for the first n of them. */
export const MIGRATIONS: readonly Migration[] = [
  { statements: VERSION_1, schema: VERSION_1 },
  { statements: ADDED_2, schema: [...VERSION_1, ...ADDED_2] },
];

/** What `vault.db` consists of. */
export const VAULT_SCHEMA: Schema = { subject: "the vault", migrations: MIGRATIONS };
