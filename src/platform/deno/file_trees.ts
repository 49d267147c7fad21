/** Looking through trees of files, on a real file system: no link is followed, nothing is waited for. */

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import type { FileTrees, TreeEntry, TreeFile } from "../foreign_files.ts";
import { attempt, errnoOf } from "./failures.ts";
import { refuse } from "./ownership.ts";
import { setMode as chmod } from "./temp_file.ts";

export const fileTrees: FileTrees = { inspect, list, open, setMode };

/** A FIFO that takes the place of a file is opened at once and found out; 0 where there is no such flag. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

function inspect(path: string): TreeEntry {
  const found = attempt(`look at ${path}`, () => Deno.lstatSync(path));
  return { kind: kindOf(found), device: found.dev };
}

function list(path: string): { name: string; kind: TreeEntry["kind"] }[] {
  return attempt(`list ${path}`, () =>
    [...Deno.readDirSync(path)]
      .map((entry) => ({ name: entry.name, kind: kindOf(entry) }))
      .sort((a, b) => a.name < b.name ? -1 : 1));
}

function open(path: string): TreeFile | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, FLAGS);
  } catch (error) {
    // ELOOP: a link by now; ENXIO: a socket or a FIFO; ENOENT: gone.
    if (["ELOOP", "EMLINK", "ENXIO", "ENOENT"].includes(errnoOf(error) ?? "")) return undefined;
    throw attempt(`read ${path}`, () => {
      throw error;
    });
  }
  const close = (): void => closeSync(descriptor);
  if (!fstatSync(descriptor).isFile()) {
    close();
    return undefined;
  }
  return {
    readAt: (buffer, position) =>
      attempt(`read ${path}`, () => readSync(descriptor, buffer, 0, buffer.length, position)),
    [Symbol.dispose]: close,
  };
}

function setMode(path: string, mode: number): void {
  const { isSymlink, uid } = attempt(`look at ${path}`, () => Deno.lstatSync(path));
  if (isSymlink) refuse(path, "it is a symbolic link");
  if (uid !== null && uid !== Deno.uid()) refuse(path, "it belongs to another user");
  attempt(`change the mode of ${path}`, () => chmod(path, mode));
}

function kindOf(
  { isFile, isDirectory, isSymlink }: Pick<
    Deno.DirEntry,
    "isFile" | "isDirectory" | "isSymlink"
  >,
): TreeEntry["kind"] {
  return isSymlink ? "link" : isDirectory ? "directory" : isFile ? "file" : "other";
}
