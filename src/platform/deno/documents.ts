/** Documents that people edit too, on a real file system: looked at with care, replaced in one step. */

import { PalyraError } from "../../errors.ts";
import type { Backup, Documents } from "../platform.ts";
import { openDirectory, parentOf, syncDirectory } from "./directories.ts";
import { attempt, errnoOf, unlessAbsent } from "./failures.ts";
import { removeAbandoned } from "./held_temp_file.ts";
import { refuse } from "./ownership.ts";
import { walkOwnPath } from "./own_path.ts";
import { removeIfThere, setMode } from "./temp_file.ts";

export const documents: Documents = {
  realPath,
  read,
  requireOwn,
  requireReplaceable,
  makeDirectory,
  tempPath,
  stage,
  backUp,
  commit,
  discard,
};

const OTHERS_MAY_WRITE = 0o022;
const ANYBODY_MAY_WRITE = 0o002;
const STICKY = 0o1000;
const OWNER_MAY_WRITE = 0o200;
const PERMISSIONS = 0o777;
const GROUP = 0o070;
const MAX_LOOKS = 20;
const TEMP_STEM = ".palyra.toml.palyra-";
const TEMP_NAME = /^\.palyra\.toml\.palyra-[0-9a-f]{32}$/;
const onWindows = Deno.build.os === "windows"; // neither uid nor mode there: ACLs decide

function realPath(path: string): string | undefined {
  const found = unlessAbsent(`look at ${path}`, () => Deno.lstatSync(path));
  if (found === undefined) return undefined;
  const real = unlessAbsent(`look at ${path}`, () => Deno.realPathSync(path));
  if (real !== undefined || !found.isSymlink) return real;
  throw new PalyraError("usage", `Cannot use ${path}: it is a symbolic link that leads nowhere`);
}

function read(path: string, maxBytes: number): Uint8Array<ArrayBuffer> | undefined {
  const before = unlessAbsent(`read ${path}`, () => Deno.statSync(path));
  if (before === undefined) return undefined;
  requireRegular(path, before); // to open a pipe would wait for its other end
  const file = unlessAbsent(`read ${path}`, () => Deno.openSync(path, { read: true }));
  if (file === undefined) return undefined;
  using opened = file;
  requireRegular(path, opened.statSync());
  return attempt(`read ${path}`, () => readAll(opened, path, maxBytes));
}

function readAll(file: Deno.FsFile, path: string, maxBytes: number): Uint8Array<ArrayBuffer> {
  let buffer = new Uint8Array(Math.min(maxBytes, file.statSync().size) + 1);
  let length = 0;
  while (true) {
    const count = file.readSync(buffer.subarray(length));
    if (count === null) return buffer.slice(0, length);
    length += count;
    if (length > maxBytes) {
      throw new PalyraError("usage", `Cannot read ${path}: it is larger than ${maxBytes} bytes`);
    }
    if (length < buffer.length) continue; // it has grown since its size was asked for
    const larger = new Uint8Array(Math.min(buffer.length * 2, maxBytes + 1));
    larger.set(buffer);
    buffer = larger;
  }
}

function requireOwn(path: string): void {
  if (onWindows) return;
  walkOwnPath(path, (found, next) => requireOwnFile(next, found));
}

function requireOwnFile(path: string, found: Deno.FileInfo): void {
  if (found.uid !== Deno.uid()) refuse(path, "it belongs to another user");
  if ((found.mode! & OTHERS_MAY_WRITE) !== 0) {
    refuse(path, "other users can write to it", `chmod go-w ${path}`);
  }
}

function requireReplaceable(path: string, looks = MAX_LOOKS): void {
  requireUnshared(parentOf(path));
  const found = unlessAbsent(`write ${path}`, () => Deno.lstatSync(path));
  if (found === undefined) return;
  requireRegular(path, found);
  if (onWindows) return;
  // An editor put another one in its place between finding it and looking at it.
  if (found.nlink === 0 && looks > 1) return requireReplaceable(path, looks - 1);
  if (found.uid !== Deno.uid()) refuse(path, "it belongs to another user");
  if (found.nlink !== 1) refuse(path, "it has another hard link, which would keep the old text");
  // A rename asks nobody, yet whoever took the bit away wants no change.
  if ((found.mode! & OWNER_MAY_WRITE) === 0) refuse(path, "it is read-only", `chmod u+w ${path}`);
}

/** Where anybody may exchange files, what is written and what is renamed may be two things. */
function requireUnshared(directory: string): void {
  const found = unlessAbsent(`look at ${directory}`, () => Deno.statSync(directory));
  const mode = found?.mode ?? 0;
  if ((mode & ANYBODY_MAY_WRITE) === 0 || (mode & STICKY) !== 0) return;
  refuse(directory, "everybody can write to it", `chmod o-w ${directory}`);
}

function requireRegular(path: string, found: Deno.FileInfo): void {
  if (found.isFile) return;
  const what = found.isDirectory ? "it is a directory" : "it is no regular file";
  throw new PalyraError("usage", `Cannot use ${path}: ${what}`);
}

function makeDirectory(path: string): void {
  if (unlessAbsent(`look at ${path}`, () => Deno.statSync(path)) !== undefined) return;
  const parent = parentOf(path);
  if (parent !== path) makeDirectory(parent);
  attempt(`create the directory ${path}`, () => {
    try {
      Deno.mkdirSync(path, { mode: 0o700 });
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return; // another process was first
      throw error;
    }
    setMode(path, 0o700);
    syncDirectory(parent);
  });
}

function tempPath(path: string): string {
  const random = crypto.randomUUID().replaceAll("-", "");
  return `${parentOf(path)}/${TEMP_STEM}${random}`;
}

function stage(temp: string, bytes: Uint8Array, path: string): Disposable {
  const old = unlessAbsent(`look at ${path}`, () => Deno.lstatSync(path));
  removeAbandonedIn(parentOf(temp));
  return writeHeld(temp, { bytes, mode: (old?.mode ?? 0o600) & PERMISSIONS, gid: old?.gid, path });
}

/** The file carries a lock while its writer lives, so that others can tell what a killed one left. */
function writeHeld(
  temp: string,
  { bytes, mode, gid, path }: {
    readonly bytes: Uint8Array;
    readonly mode: number;
    /** The group that the mode speaks of. */
    readonly gid: number | null | undefined;
    readonly path: string;
  },
): Disposable {
  return attempt(`write ${path}`, () => {
    const file = Deno.openSync(temp, { write: true, createNew: true, mode: 0o600 });
    try {
      setMode(temp, giveToGroup(temp, gid) ? mode : mode & ~GROUP);
      if (!file.tryLockSync(true)) throw takenAway(path);
      for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
      file.syncSync();
      return file;
    } catch (error) {
      file.close();
      removeIfThere(temp);
      throw error;
    }
  });
}

/** Another group must not be given what this one was; whether the file is this group's. */
function giveToGroup(path: string, gid: number | null | undefined): boolean {
  if (onWindows || gid === null || gid === undefined) return true;
  if (Deno.lstatSync(path).gid === gid) return true;
  try {
    Deno.chownSync(path, null, gid);
    return true;
  } catch { // this user is not in the group
    return false;
  }
}

function removeAbandonedIn(directory: string): void {
  try {
    for (const { name, isFile } of Deno.readDirSync(directory)) {
      if (isFile && TEMP_NAME.test(name)) removeAbandoned(`${directory}/${name}`);
    }
  } catch { /* who may not list it has left nothing in it */ }
}

function backUp(path: string, bytes: Uint8Array, count: number): Backup {
  const temp = tempPath(path);
  const old = unlessAbsent(`look at ${path}`, () => Deno.lstatSync(path));
  const mode = (old?.mode ?? 0o600) & PERMISSIONS;
  const nameOf = (at: number): string => `${path}.bak.${at}`;
  for (let at = 1; at <= count; at++) { // or it would fail when the change is done
    const found = unlessAbsent(`look at ${nameOf(at)}`, () => Deno.lstatSync(nameOf(at)));
    if (found === undefined) break;
    if (!found.isFile) requireRegular(nameOf(at), found);
  }
  const held = writeHeld(temp, { bytes, mode, gid: old?.gid, path });
  let kept = false;
  function keep(): void {
    attempt(`back up ${path}`, () => {
      for (let at = count - 1; at >= 1; at--) {
        unlessAbsent(`move ${nameOf(at)}`, () => Deno.renameSync(nameOf(at), nameOf(at + 1)));
      }
      Deno.renameSync(temp, nameOf(1));
      kept = true;
      syncDirectory(parentOf(path));
    });
  }
  function dispose(): void {
    if (!kept) removeIfThere(temp);
    held[Symbol.dispose]();
  }
  return { keep, [Symbol.dispose]: dispose };
}

function takenAway(path: string): PalyraError {
  return new PalyraError("precondition", `Cannot write ${path}: another process is writing it`, {
    hint: "Nothing was changed; try again",
  });
}

function commit(temp: string, path: string): void {
  attempt(`write ${path}`, () => {
    using directory = openDirectory(parentOf(path)); // or it would fail when the change is done
    try {
      Deno.renameSync(temp, path);
    } catch (cause) {
      if (errnoOf(cause) === "ENOENT") throw takenAway(path);
      if (errnoOf(cause) !== "EBUSY") throw cause;
      throw new PalyraError(
        "unavailable",
        `Cannot write ${path}: it is a mount point, which cannot be replaced`,
        { hint: "Mount the directory that holds it instead of the file", cause },
      );
    }
    directory?.syncSync();
  });
}

function discard(temp: string): void {
  attempt(`remove ${temp}`, () => removeIfThere(temp));
  removeAbandonedIn(parentOf(temp));
}
