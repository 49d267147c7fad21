/** Temporary files beside their target: made owner-only, filled, synced, then moved into place. */

import { errnoOf } from "./failures.ts";

/** Names that palyra gives to temporary files, and SQLite to their journals. */
export const TEMP_NAME = /^\.[0-9a-f-]{36}\.tmp(-journal)?$/;

/** A fresh name for a temporary file in a directory. */
export function tempPathIn(directory: string): string {
  return `${directory}/.${crypto.randomUUID()}.tmp`;
}

/** Creates the file, which must not exist, with this mode and these bytes, and makes them durable. */
export function writeNewFile(path: string, bytes: Uint8Array, mode = 0o600): void {
  using file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
  setMode(path, mode);
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
  file.syncSync();
}

/** Removes a file; one that is not there counts as removed. */
export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}

/** Sets a mode that the umask may have cut down (a umask of 0777 leaves nothing to the owner either). */
export function setMode(path: string, mode: number): void {
  if (Deno.build.os !== "windows") Deno.chmodSync(path, mode);
}
