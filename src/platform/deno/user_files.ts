/** Files that the user names: read within a limit, written as one owner-only step. */

import { PalyraError } from "../../errors.ts";
import type { UserFiles } from "../platform.ts";
import { readWithin } from "./bounded_read.ts";
import { parentOf } from "./directories.ts";
import { attempt, fileFailure, unlessAbsent } from "./failures.ts";
import { removeAbandoned, type Replacement, tryReplace } from "./held_temp_file.ts";
import { writeNewFile } from "./temp_file.ts";

export const userFiles: UserFiles = { read, exists, replace, replaceAll, append };

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

function replace(path: string, bytes: Uint8Array, mode = 0o600): void {
  requireReplaceable(path);
  write(path, bytes, { mode });
}

/** Each is whole before the one before it takes its name: the first name is taken by the last. */
function replaceAll(files: ReadonlyMap<string, Uint8Array>, mode: number): void {
  for (const path of files.keys()) requireReplaceable(path);
  const all = [...files];
  const writeFrom = (at: number): void => {
    if (at < all.length) write(...all[at]!, { mode, whenWhole: () => writeFrom(at + 1) });
  };
  writeFrom(0);
}

/** The next writer of the same target removes what a killed one left behind: it holds a value. */
function write(path: string, bytes: Uint8Array, how: Replacement): void {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const stem = `.${name.slice(0, NAME_KEPT)}.palyra-`;
  attempt(`write ${path}`, () => {
    const directory = parentOf(path);
    for (let left = ATTEMPTS; left > 0; left--) {
      removeAbandonedIn(directory, stem);
      const temp = `${directory}/${stem}${crypto.randomUUID()}`;
      if (tryReplace(temp, path, bytes, how)) return;
    }
    throw new PalyraError("precondition", `Cannot write ${path}: others keep writing it`);
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

function removeAbandonedIn(directory: string, stem: string): void {
  for (const { name, isFile } of Deno.readDirSync(directory)) {
    const isOurs = isFile && name.startsWith(stem) && UUID.test(name.slice(stem.length));
    if (isOurs) removeAbandoned(`${directory}/${name}`);
  }
}
