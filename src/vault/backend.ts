/** The port to the place where the vault's one sealed key rests, and the kinds of such places. */

import { PalyraError } from "../errors.ts";
import { KEYSTORE_KINDS } from "../keystore/keystore.ts";

/**
 * Where the sealed vault key rests. A backend sees one short text that is sealed already: at most
 * {@link MAX_BLOB_LENGTH} ASCII characters, under a random id that says nothing.
 */
export interface BlobBackend {
  /** Makes sure that blobs can be kept here, by trying. Throws `unavailable` with the cause. */
  prepare(): Promise<void>;
  /**
   * Stores the blob so that it survives a power loss. A blob is never overwritten by palyra; its
   * caller reads it back before it relies on it.
   */
  put(id: string, blob: string): Promise<void>;
  /** The blob; `undefined` only when there is certainly none under the id. */
  get(id: string): Promise<string | undefined>;
  /** Removes the blob; one that is not there counts as removed. Throws unless it is certainly gone. */
  delete(id: string): Promise<void>;
  /** Removes what {@link prepare} has made: the vault keeps nothing here any more. */
  retire(): Promise<void>;
}

/** Longest blob: every keystore holds at least this much under one item. */
export const MAX_BLOB_LENGTH = 1_024;

/** Kinds of backends; their names are stored and public. */
export const BACKEND_KINDS = ["encrypted_file", ...KEYSTORE_KINDS] as const;

/** One of the {@link BACKEND_KINDS}. */
export type BackendKind = typeof BACKEND_KINDS[number];

/** What a user may ask for: a kind, or `auto`. */
export type BackendPreference = BackendKind | "auto";

/** Reads a kind that palyra stored itself. Throws `integrity`. */
export function parseStoredKind(text: string): BackendKind {
  const kind = BACKEND_KINDS.find((known) => known === text);
  if (kind !== undefined) return kind;
  throw new PalyraError("integrity", "Cannot open the vault: its backend kind is unknown");
}

/** Reads a preference from a flag or variable, named by `source` in the `usage` error. */
export function parsePreference(text: string, source: string): BackendPreference {
  const found = [...BACKEND_KINDS, "auto" as const].find((known) => known === text);
  if (found !== undefined) return found;
  throw new PalyraError("usage", `Cannot use ${source}: it names no backend`, {
    hint: `Backends are auto, ${BACKEND_KINDS.join(", ")}`,
  });
}

/** Throws `internal` for a blob that would not fit every keystore. */
export function requireBlobFits(blob: string): void {
  if (blob.length > MAX_BLOB_LENGTH || !/^[\x21-\x7e]+$/.test(blob)) {
    throw new PalyraError("internal", "Cannot store the vault key: its sealed form is too long");
  }
}
