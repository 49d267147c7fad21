/** Palyra's private directories on a real file system. */

import type { PrivateDirectories } from "../platform.ts";
import { attempt, errnoOf, fileFailure, unlessAbsent } from "./failures.ts";
import { requirePrivateDirectory } from "./ownership.ts";
import { setMode } from "./temp_file.ts";

export const directories: PrivateDirectories = { ensure, check, list };

function check(path: string): boolean {
  const found = unlessAbsent(`look at ${path}`, () => Deno.lstatSync(path));
  if (found !== undefined) requirePrivateDirectory(path, found);
  return found !== undefined;
}

function ensure(path: string): void {
  if (check(path)) return;
  const parent = parentOf(path);
  attempt(
    `create the directory ${parent}`,
    () => Deno.mkdirSync(parent, { recursive: true, mode: 0o700 }),
  );
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
    setMode(path, 0o700);
    syncDirectory(parent);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST" && !(error instanceof Deno.errors.AlreadyExists)) {
      throw fileFailure(`create the directory ${path}`, error);
    }
  }
  check(path); // also what another process has made in the meantime
}

function list(path: string): string[] {
  const read = (): string[] => [...Deno.readDirSync(path)].map((entry) => entry.name);
  return unlessAbsent(`list ${path}`, read) ?? [];
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
  if (Deno.build.os === "windows") return;
  using directory = Deno.openSync(path, { read: true });
  directory.syncSync();
}
