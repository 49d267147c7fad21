/** Finding the identity store's key: which form of it is in force, without opening it. */

import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import {
  formatReference,
  type KeyReference,
  parseReference,
  STORE_KEY_BYTES,
} from "./key_reference.ts";
import type { Protector } from "./protector.ts";

/** What is in force. */
export type FoundKey =
  | { readonly protector: "file"; readonly key: SensitiveBytes }
  | {
    readonly protector: Exclude<Protector, "file">;
    readonly reference: KeyReference;
    /** The text of the reference, to see whether it was exchanged. */
    readonly text: string;
  };

const MAX_REFERENCE_BYTES = 4_096;

/** The paths of a key in its directory. */
export function keyPaths(directory: string): { readonly key: string; readonly reference: string } {
  return { key: `${directory}/store.key`, reference: `${directory}/store.key.ref` };
}

/** Finds the key; `undefined` when there is none. Nobody is asked. Throws `integrity`. */
export function findStoreKey({ files }: Platform, directory: string): FoundKey | undefined {
  const paths = keyPaths(directory);
  // Twice: the one may be made, and the other removed, between the two looks.
  for (let look = 0; look < 2; look++) {
    const bytes = files.read(paths.reference, MAX_REFERENCE_BYTES);
    if (bytes !== undefined) {
      const reference = parseReference(bytes, paths.reference);
      return {
        protector: reference.place.protector,
        reference,
        text: formatReference(reference),
      };
    }
    const key = files.read(paths.key, STORE_KEY_BYTES);
    if (key?.length === STORE_KEY_BYTES) {
      return { protector: "file", key: new SensitiveBytes(key) };
    }
    if (key !== undefined) throw keyLost(`Cannot open ${paths.key}: wrong key or altered data`);
  }
  return undefined;
}

/** The error for a key that cannot be had any more. */
export function keyLost(message: string): PalyraError {
  return new PalyraError("integrity", message, {
    hint:
      "The identity cannot be made anew: restore the state root, or the keystore, from a backup",
  });
}
