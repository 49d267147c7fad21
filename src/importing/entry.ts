/** What a source gives: names with values, each with the place that it is taken from. */

import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import { makeSecretId, parseName, type SecretId } from "../vault/vault_ref.ts";
import type { VaultScope } from "../vault/scope.ts";

/** Where a value stands in a text, and how a reference takes its place. */
export interface Place {
  /** In characters of the text. */
  readonly range: readonly [number, number];
  /** What the reference stands between, so that whoever reads the text finds the whole of it. */
  readonly around: readonly [string, string];
}

/** Something that a source holds. */
export interface SourceEntry {
  /** As the source calls it: a variable, keys joined by slashes, a path. */
  readonly key: string;
  readonly value: SensitiveBytes;
  /** Where the source is a text. */
  readonly place?: Place;
}

/** Something that is left where it is, and why. */
export interface LeftEntry {
  readonly key: string;
  readonly why: string;
}

/** All of a source. Disposing wipes the values. */
export interface SourceEntries extends Disposable {
  readonly entries: readonly SourceEntry[];
  readonly left: readonly LeftEntry[];
}

/** An entry and the secret that it becomes. */
export interface NamedEntry extends SourceEntry {
  readonly id: SecretId;
}

/**
 * The secrets of entries: the key in lower case, every run of characters that a name cannot have as one
 * `_`, without what a segment cannot begin with. Throws `usage` for keys that become the same name, and
 * for one with a segment of which nothing is left: a name without it could be that of another.
 */
export function nameEntries(entries: readonly SourceEntry[], scope: VaultScope): NamedEntry[] {
  const keys = new Map<string, string>();
  return entries.map((entry) => {
    const name = nameOf(entry.key);
    const other = keys.get(name);
    if (other !== undefined) {
      throw new PalyraError(
        "usage",
        `Cannot import: ${other} and ${entry.key} would both become ${scope}/${name}`,
        { hint: "Name those that are wanted after the file, and import the other elsewhere" },
      );
    }
    keys.set(name, entry.key);
    try {
      return { ...entry, id: makeSecretId(scope, parseName(name)) };
    } catch {
      throw new PalyraError("usage", `Cannot import ${entry.key}: no name can be made of it`, {
        hint: "Name those that are wanted after the source",
      });
    }
  });
}

function nameOf(key: string): string {
  return key.toLowerCase().split("/").filter((part) => part !== "")
    .map((part) => part.replaceAll(/[^a-z0-9._-]+/g, "_").replace(/^[._-]+/, ""))
    .join("/"); // a segment that is empty now makes it no name
}
