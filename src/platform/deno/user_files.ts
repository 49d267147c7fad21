/** Files that the user names: read within a limit, written as one owner-only step. */

import { PalyraError } from "../../errors.ts";
import type { UserFiles } from "../platform.ts";
import { readWithin } from "./bounded_read.ts";
import { parentOf, syncDirectory } from "./directories.ts";
import { attempt, errnoOf, fileFailure, unlessAbsent } from "./failures.ts";
import { removeIfThere, setMode, writeNewFile } from "./temp_file.ts";

export const userFiles: UserFiles = { read, exists, replace, append };

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ATTEMPTS = 200;
/** Characters of the target's name in that of the temporary file, so that it is never too long. */
const NAME_KEPT = 50;

async function read(path: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    using file = await Deno.open(path, { read: true });
    return await readWithin(file, maxBytes, `the file ${path}`);
  } catch (error) {
    throw fileFailure(`read ${path}`, error);
  }
}

function exists(path: string): boolean {
  try {
    using file = Deno.openSync(path, { read: true });
    return file.statSync().isFile;
  } catch {
    return false;
  }
}

/**
 * The temporary file carries a lock while its writer lives, so that the next writer of the same
 * target can tell what a killed one left behind (it holds a value) and removes it.
 */
function replace(path: string, bytes: Uint8Array, mode = 0o600): void {
  requireReplaceable(path);
  const name = path.slice(path.lastIndexOf("/") + 1);
  const stem = `.${name.slice(0, NAME_KEPT)}.palyra-`;
  attempt(`write ${path}`, () => {
    for (let left = ATTEMPTS; !tryReplace(path, stem, bytes, mode); left--) {
      if (left === 1) {
        throw new PalyraError("precondition", `Cannot write ${path}: others keep writing it`);
      }
    }
  });
}

/** What a failed write has added is taken away again. */
function append(path: string, bytes: Uint8Array): void {
  const found = unlessAbsent(`write ${path}`, () => Deno.statSync(path));
  if (found !== undefined && !found.isFile) {
    throw new PalyraError("usage", `Cannot write ${path}: it is no regular file`);
  }
  attempt(`write ${path}`, () => {
    if (found === undefined) writeNewFile(path, new Uint8Array(0));
    using file = Deno.openSync(path, { append: true });
    const { size } = file.statSync();
    try {
      for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
      file.syncSync();
    } catch (error) {
      file.truncateSync(size);
      throw error;
    }
  });
}

/** A rename would put a file in the place of `/dev/stdout`, of any link, pipe or device. */
function requireReplaceable(path: string): void {
  const found = unlessAbsent(`write ${path}`, () => Deno.lstatSync(path));
  if (found === undefined || found.isFile) return;
  const what = found.isDirectory
    ? "a directory"
    : found.isSymlink
    ? "a symbolic link"
    : "no regular file";
  throw new PalyraError("usage", `Cannot write ${path}: it is ${what}`);
}

function tryReplace(path: string, stem: string, bytes: Uint8Array, mode: number): boolean {
  const directory = parentOf(path);
  removeAbandoned(directory, stem);
  const temp = `${directory}/${stem}${crypto.randomUUID()}`;
  try {
    writeNewFile(temp, new Uint8Array(0));
    using held = Deno.openSync(temp, { write: true });
    if (!held.tryLockSync(true)) return false; // another one takes it for abandoned just now
    for (let at = 0; at < bytes.length;) at += held.writeSync(bytes.subarray(at));
    setMode(temp, mode);
    held.syncSync();
    Deno.renameSync(temp, path);
  } catch (error) {
    removeIfThere(temp);
    if (errnoOf(error) === "ENOENT" && isThere(directory)) return false;
    throw error;
  }
  syncDirectory(directory);
  return true;
}

function removeAbandoned(directory: string, stem: string): void {
  for (const { name, isFile } of Deno.readDirSync(directory)) {
    if (!isFile || !name.startsWith(stem) || !UUID.test(name.slice(stem.length))) continue;
    try {
      using file = openToLock(`${directory}/${name}`);
      if (file.tryLockSync(true)) removeIfThere(`${directory}/${name}`);
    } catch { /* not ours, or already gone */ }
  }
}

/** Also one that was to be read only: whoever was to finish it may have been killed just before. */
function openToLock(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { write: true });
  } catch {
    return Deno.openSync(path, { read: true });
  }
}

function isThere(directory: string): boolean {
  try {
    return Deno.statSync(directory).isDirectory;
  } catch {
    return false;
  }
}
