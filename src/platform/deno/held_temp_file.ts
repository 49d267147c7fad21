/** Replacing files among others: a temporary file carries a lock, so that nobody takes it for what a killed writer left. */

import { parentOf, syncDirectory } from "./directories.ts";
import { errnoOf } from "./failures.ts";
import { removeIfThere, setMode } from "./temp_file.ts";

/** How a file is put in its place. */
export interface Replacement {
  /** 0600 where none is named. */
  readonly mode?: number;
  /** Called when the file is whole and still held, just before it takes its name; what it throws ends it. */
  readonly whenWhole?: () => void;
}

/**
 * Puts a file in the place of another one, or of none, through a temporary file in the same directory. That
 * carries a lock while it is written, so that others can tell what a killed writer left. False, and
 * nothing changed, when one of them took it for abandoned just before or after.
 */
export function tryReplace(
  temp: string,
  path: string,
  bytes: Uint8Array,
  how: Replacement = {},
): boolean {
  return tryPublish(temp, path, bytes, how, () => Deno.renameSync(temp, path));
}

/**
 * As {@link tryReplace}, yet never in the place of another file: throws `AlreadyExists`, and nothing is
 * changed, where one stands.
 */
export function tryCreate(temp: string, path: string, bytes: Uint8Array): boolean {
  return tryPublish(temp, path, bytes, {}, () => {
    Deno.linkSync(temp, path); // fails when the name is taken, where a rename would replace
    removeIfThere(temp);
  });
}

function tryPublish(
  temp: string,
  path: string,
  bytes: Uint8Array,
  { mode = 0o600, whenWhole = () => {} }: Replacement,
  publish: () => void,
): boolean {
  const directory = parentOf(path);
  try {
    using held = Deno.openSync(temp, { write: true, createNew: true, mode: 0o600 });
    if (!held.tryLockSync(true)) return false;
    setMode(temp, 0o600);
    for (let at = 0; at < bytes.length;) at += held.writeSync(bytes.subarray(at));
    if (mode !== 0o600) setMode(temp, mode);
    held.syncSync();
    whenWhole();
    held.unlockSync(); // what is locked nobody can read on Windows
    publish();
  } catch (error) {
    removeIfThere(temp);
    if (errnoOf(error) === "ENOENT" && isDirectory(directory)) return false;
    throw error;
  }
  syncDirectory(directory);
  return true;
}

/** Removes a temporary file, unless its writer is at work. */
export function removeAbandoned(path: string): void {
  try {
    using file = openToLock(path);
    if (file.tryLockSync(true)) removeIfThere(path);
  } catch { /* not ours, or already gone */ }
}

/** Also one that was to be read only: whoever was to finish it may have been killed just before. */
function openToLock(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { write: true });
  } catch {
    return Deno.openSync(path, { read: true });
  }
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
