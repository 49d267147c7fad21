/** Palyra's private directories on a real file system. */

import type { FoundEntry, PrivateDirectories } from "../platform.ts";
import { errnoOf, fileFailure, unlessAbsent } from "./failures.ts";
import { requirePrivateDirectory } from "./ownership.ts";
import { setMode } from "./temp_file.ts";

export const directories: PrivateDirectories = { ensure, check, list, inspect };

function check(path: string): boolean {
  const found = unlessAbsent(`look at ${path}`, () => Deno.lstatSync(path));
  if (found !== undefined) requirePrivateDirectory(path, found);
  return found !== undefined;
}

function ensure(path: string): void {
  if (check(path)) return;
  makeParents(parentOf(path));
  make(path);
  check(path); // also what another process has made in the meantime
}

/** Makes what is missing above a directory, one by one: each gets its mode whatever the umask is. */
function makeParents(path: string): void {
  const found = unlessAbsent(`look at ${path}`, () => Deno.statSync(path));
  if (found !== undefined) return;
  const parent = parentOf(path);
  if (parent !== path) makeParents(parent);
  make(path);
}

function make(path: string): void {
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
    setMode(path, 0o700);
    syncDirectory(parentOf(path));
  } catch (error) {
    if (errnoOf(error) !== "EEXIST" && !(error instanceof Deno.errors.AlreadyExists)) {
      throw fileFailure(`create the directory ${path}`, error);
    }
  }
}

function list(path: string): string[] {
  const read = (): string[] => [...Deno.readDirSync(path)].map((entry) => entry.name);
  return unlessAbsent(`list ${path}`, read) ?? [];
}

function inspect(path: string): FoundEntry | undefined {
  const found = unlessAbsent(`look at ${path}`, () => Deno.lstatSync(path));
  if (found === undefined) return undefined;
  const { isFile, isDirectory, isSymlink, mode, uid } = found;
  const kind = isSymlink ? "link" : isDirectory ? "directory" : isFile ? "file" : "other";
  const owner = uid === null || uid === Deno.uid() ? "self" : uid === 0 ? "root" : "other";
  return { kind, mode: mode === null ? undefined : mode & 0o7777, owner };
}

/** The directory that holds a path; never empty. */
export function parentOf(path: string): string {
  const cut = Math.max(
    path.lastIndexOf("/"),
    Deno.build.os === "windows" ? path.lastIndexOf("\\") : -1,
  );
  return cut > 0 ? path.slice(0, cut) : cut === 0 ? "/" : ".";
}

/** Makes the names in a directory durable (fsync of the directory; Windows has no such call). */
export function syncDirectory(path: string): void {
  using directory = openDirectory(path);
  directory?.syncSync();
}

/** A directory to be synced later: that it can be is known before. `undefined` on Windows. */
export function openDirectory(path: string): Deno.FsFile | undefined {
  return Deno.build.os === "windows" ? undefined : Deno.openSync(path, { read: true });
}
