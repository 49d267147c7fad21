/** Storing what a source gives: all of it or nothing, read back before anybody takes it from the source. */

import { equalBytes } from "../crypto/equal_bytes.ts";
import { isPalyraError, PalyraError } from "../errors.ts";
import { readSecret } from "../vault/read_secret.ts";
import { lockConfigure } from "../vault/recovery.ts";
import { requireValueFits } from "../vault/set_secret.ts";
import type { Vault } from "../vault/vault.ts";
import { formatSecretId } from "../vault/vault_ref.ts";
import { type Preview, previewMany, writeMany, type WriteRequest } from "../vault/write_many.ts";
import type { NamedEntry } from "./entry.ts";

/** How entries are stored. */
export interface StoreOptions {
  /** A secret that holds another value gets a new version; without this it is an error. */
  readonly replace: boolean;
  readonly progress: (done: number, total: number) => void;
}

/** What would be done. Throws as {@link storeEntries} does, and writes nothing. */
export async function previewEntries(
  vault: Vault | undefined,
  entries: readonly NamedEntry[],
  { replace }: StoreOptions,
): Promise<Preview[]> {
  for (const { value } of entries) requireValueFits(value);
  const previews = await previewMany(vault, entries.map(requestOf));
  const taken = entries.filter((_, at) => previews[at]!.changed && !previews[at]!.created);
  if (taken.length > 0 && !replace) throw takenError(taken);
  return previews;
}

/**
 * Stores all entries in one transaction and reads each back. Throws `precondition` for a secret that
 * holds another value, `integrity` for one that does not read back.
 */
export async function storeEntries(
  vault: Vault,
  entries: readonly NamedEntry[],
  options: StoreOptions,
): Promise<Preview[]> {
  using _lock = await lockConfigure(vault);
  await previewEntries(vault, entries, options);
  const outcomes = await writeMany(vault, entries.map(requestOf));
  for (const [at, { id, value, key }] of entries.entries()) {
    try {
      using opened = await readSecret(vault, id);
      if (!equalBytes(opened.value.reveal(), value.reveal())) throw notAsStored(key);
    } catch (error) {
      if (isPalyraError(error, "not_found")) throw notAsStored(key);
      throw error;
    }
    options.progress(at + 1, entries.length);
  }
  return outcomes;
}

function requestOf({ id, value }: NamedEntry): WriteRequest {
  return { id, value, ifAbsent: false, lifetimeMs: undefined, field: "" };
}

function takenError(taken: readonly NamedEntry[]): PalyraError {
  const refs = taken.map(({ id }) => formatSecretId(id));
  const more = refs.length > 3 ? ` and ${refs.length - 3} more` : "";
  return new PalyraError(
    "precondition",
    `Cannot import: another value is stored as ${refs.slice(0, 3).join(", ")}${more}`,
    { hint: "--replace stores new versions; --scope names another place", details: { refs } },
  );
}

function notAsStored(key: string): PalyraError {
  return new PalyraError("integrity", `Cannot import ${key}: it does not read back as stored`, {
    hint: "The source was left as it is; palyra vault check tells more",
  });
}
