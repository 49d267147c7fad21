/** An open vault: its database, its keys, its paths; and how it is found. */

import { bringUpToDate, requireTables, standIn } from "../database/schema.ts";
import { decodeUtf8 } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import type { Database, Platform } from "../platform/platform.ts";
import type { BackendKind, BackendPreference, BlobBackend } from "./backend.ts";
import { isKeystore } from "../keystore/keystore.ts";
import { liveBlob } from "./catalog.ts";
import { type KekSource, KeyChain } from "./key_chain.ts";
import { textOf } from "./rows.ts";
import { VAULT_SCHEMA } from "./schema.ts";

/** Where a vault's files are. */
export interface VaultPaths {
  readonly directory: string;
  readonly database: string;
  /** Names the backend; its presence says that there must be a database. */
  readonly marker: string;
  readonly keysLock: string;
  /** Held by whoever changes a config and secrets together. */
  readonly configureLock: string;
}

/** What a document says of one field. */
export interface FieldBinding {
  /** The secret that it names, as `<scope>/<name>`; `undefined` for none. */
  readonly ref: string | undefined;
  /** It names the secret as `configure` writes it, and in no other form as well. */
  readonly exact: boolean;
}

/** What a document says of its fields. */
export interface DocumentBindings {
  of(field: string): FieldBinding;
  /** Whether any field at all names the secret, given as `<scope>/<name>`. */
  names(ref: string): boolean;
}

/**
 * What a document says of its fields. Throws `usage` when the document cannot be read as one.
 */
export type BindingsOf = (
  document: Uint8Array<ArrayBuffer>,
  path: string,
) => Promise<DocumentBindings>;

/** What the vault is given, because it must not know where it comes from. */
export interface VaultContext {
  /** KEKs, or what opens their source: it is called when the database has been opened. */
  readonly keks: KekSource | (() => Promise<KekSource>);
  readonly bindings: BindingsOf;
  /** Versions that are kept of each secret; without it 10. */
  readonly keepVersions?: number;
  /** A writer brings an older database up to date; a reader changes nothing. */
  readonly toWrite?: boolean;
  /** A person is there, and has allowed the keystore to ask them. */
  readonly mayUnlock?: boolean;
  /** A value will be opened: the keystore is asked at once, while everything else is made ready. */
  readonly opensValues?: boolean;
}

/** Versions that are kept unless the configuration says otherwise. */
const KEEP_VERSIONS = 10;

/** A vault whose identity has been checked. Whoever opened it disposes of it. */
export interface Vault extends Disposable {
  readonly platform: Platform;
  readonly paths: VaultPaths;
  readonly database: Database;
  readonly vaultId: string;
  readonly keks: KekSource;
  readonly bindings: BindingsOf;
  readonly keepVersions: number;
  readonly keys: KeyChain;
  /** Throws `unavailable` for a kind that cannot be used here. */
  readonly backendFor: (kind: BackendKind) => Promise<BlobBackend>;
}

/** Where the keystore of a system keeps nothing itself, its items are files in here. */
const KEYSTORE_FILES = "keystore";

/** How long a writer waits for `keys.lock`, in milliseconds. */
export const KEYS_LOCK_TIMEOUT_MS = 10_000;

/** Most bytes of `backend.kind`. */
const MAX_MARKER_BYTES = 64;

/** The paths of the vault under a state root. */
export function vaultPaths(stateRoot: string): VaultPaths {
  const directory = `${stateRoot}/vault`;
  return {
    directory,
    database: `${directory}/vault.db`,
    marker: `${directory}/backend.kind`,
    keysLock: `${directory}/keys.lock`,
    configureLock: `${directory}/configure.lock`,
  };
}

/** What `backend.kind` says; `undefined` when there is certainly no such file. */
export function readMarker({ files }: Platform, { marker }: VaultPaths): string | undefined {
  const bytes = files.read(marker, MAX_MARKER_BYTES);
  return bytes === undefined ? undefined : (decodeUtf8(bytes) ?? "").trim();
}

/** Whether a vault, or a part of one, is there. Throws `denied` for unsafe directories. */
export function vaultExists(platform: Platform, paths: VaultPaths): boolean {
  const { directories } = platform;
  if (!directories.check(paths.directory)) return false;
  return readMarker(platform, paths) !== undefined ||
    directories.list(paths.directory).includes("vault.db");
}

/**
 * Opens the vault; `undefined` when there is certainly none. Throws `integrity` when it belongs to
 * another identity, was altered, or has a marker but no database.
 */
export async function openVault(
  platform: Platform,
  paths: VaultPaths,
  context: VaultContext,
): Promise<Vault | undefined> {
  if (!platform.directories.check(paths.directory)) return undefined;
  const marker = readMarker(platform, paths); // first: the database is made before it
  const marked = marker !== undefined;
  if (context.opensValues && marked && isKeystore(marker)) {
    // Loaded while the database is: what the marker says is only likely.
    import("../keystore/open_keystore.ts").then(({ loadAdapter }) => loadAdapter(marker));
  }
  const databases = await platform.databases();
  const database = databases.open(paths.database);
  if (database === undefined) {
    if (!marked) return undefined;
    throw new PalyraError("integrity", "Cannot open the vault: its database is missing", {
      hint: "Restore the state root from a backup",
    });
  }
  try {
    return await openDatabase({ platform, paths, database, context });
  } catch (error) {
    database[Symbol.dispose]();
    throw error;
  }
}

/** Throws `precondition` when a preference contradicts the backend that the vault is pinned to. */
export function requirePinned(pinned: BackendKind, preference: BackendPreference): void {
  if (preference === "auto" || preference === pinned) return;
  throw new PalyraError(
    "precondition",
    `Cannot use the backend ${preference}: the vault is pinned to ${pinned}`,
    { hint: `palyra vault migrate --to ${preference} moves the vault's key there` },
  );
}

interface OpenParts {
  readonly platform: Platform;
  readonly paths: VaultPaths;
  readonly database: Database;
  readonly context: VaultContext;
}

async function openDatabase({ platform, paths, database, context }: OpenParts): Promise<Vault> {
  const { bindings, keepVersions = KEEP_VERSIONS, toWrite = false } = context;
  const { mayUnlock = false, opensValues = false } = context;
  const version = requireTables(database, VAULT_SCHEMA);
  const { row, blob } = database.read(() => ({
    row: database.get("SELECT vault_id FROM vault"),
    blob: liveBlob(database),
  }));
  if (row === undefined) {
    throw new PalyraError("integrity", "Cannot open the vault: its database was altered");
  }
  const vaultId = textOf(row, "vault_id");
  const backendFor = (kind: BackendKind): Promise<BlobBackend> =>
    backendOf(kind, { platform, paths, database, vaultId, mayUnlock });
  const asked = blob !== undefined && opensValues && isKeystore(blob.backend)
    ? { id: blob.id, sealed: await begin(backendFor(blob.backend), blob.id) }
    : undefined;
  const keks = typeof context.keks === "function" ? await context.keks() : context.keks;
  const keys = new KeyChain({ vaultId, keks, backendFor, asked });
  // Another identity ends here, whatever the command; one that must be asked for waits for a value.
  if (blob !== undefined && keks.isAtHand) await keys.kek(blob);
  if (toWrite) await bringUpToDate(database, VAULT_SCHEMA);
  else standIn(database, VAULT_SCHEMA, version);
  const dispose = (): void => database[Symbol.dispose]();
  const given = { platform, paths, database, keks, bindings, keepVersions };
  return { ...given, vaultId, keys, backendFor, [Symbol.dispose]: dispose };
}

/** Asks a backend; resolves as soon as it has been asked, to what it will answer. */
async function begin(
  opening: Promise<BlobBackend>,
  id: string,
): Promise<() => Promise<string | undefined>> {
  let answer: Promise<string | undefined>;
  try {
    answer = (await opening).get(id);
  } catch (error) {
    answer = Promise.reject(error);
  }
  answer.catch(() => {}); // whoever needs it is told
  return () => answer;
}

interface BackendPlace {
  readonly platform: Platform;
  readonly paths: VaultPaths;
  readonly database: Database;
  readonly vaultId: string;
  readonly mayUnlock: boolean;
}

async function backendOf(
  kind: BackendKind,
  { platform, paths, database, vaultId, mayUnlock }: BackendPlace,
): Promise<BlobBackend> {
  if (kind === "encrypted_file") {
    const { encryptedFileBackend } = await import("./backends/encrypted_file.ts");
    return encryptedFileBackend(database);
  }
  const { openKeystore } = await import("../keystore/open_keystore.ts");
  return await openKeystore(platform, kind, {
    holder: { kind: "vault", id: vaultId },
    item: "vault_key",
    directory: `${paths.directory}/${KEYSTORE_FILES}`,
    mayUnlock,
  });
}
