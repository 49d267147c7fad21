/** Who may have touched a file or directory: the checks of owner, mode, links and type. */

import { PalyraError } from "../../errors.ts";

const OTHERS_MAY_WRITE = 0o022;
const OTHERS_MAY_ANYTHING = 0o077;
const onWindows = Deno.build.os === "windows"; // neither uid nor mode there: ACLs decide

/** Throws `denied` unless the directory is a real one, ours, and not writable by others. */
export function requirePrivateDirectory(path: string, found: Deno.FileInfo): void {
  if (found.isSymlink) refuse(path, "it is a symbolic link", "Name the real directory instead");
  if (!found.isDirectory) refuse(path, "it is not a directory");
  if (onWindows) return;
  requireOwner(path, found);
  if ((found.mode! & OTHERS_MAY_WRITE) !== 0) {
    refuse(path, "other users can write to it", `chmod go-w ${path}`);
  }
}

/** Throws `denied` unless the file is a regular one, ours, and closed to everyone else. */
export function requirePrivateFile(path: string, found: Deno.FileInfo): void {
  if (found.isSymlink) refuse(path, "it is a symbolic link");
  if (!found.isFile) refuse(path, "it is not a regular file");
  if (onWindows) return;
  requireOwner(path, found);
  if ((found.mode! & OTHERS_MAY_ANYTHING) !== 0) {
    refuse(path, "other users can open it", `chmod 600 ${path}`);
  }
}

/** Throws `denied` for the path with this reason. */
export function refuse(path: string, why: string, hint?: string): never {
  throw new PalyraError("denied", `Cannot use ${path}: ${why}`, hint === undefined ? {} : { hint });
}

function requireOwner(path: string, found: Deno.FileInfo): void {
  if (found.uid !== Deno.uid()) refuse(path, "it belongs to another user");
}
