/** Who could decide what a path leads to: every directory and link from the root on is looked at. */

import { parentOf } from "./directories.ts";
import { attempt } from "./failures.ts";
import { refuse } from "./ownership.ts";

const OTHERS_MAY_WRITE = 0o022;
const STICKY = 0o1000;
/** As many links as the Linux kernel follows in one path (path_resolution(7)). */
const MAX_HOPS = 40;
const onWindows = Deno.build.os === "windows"; // neither uid nor mode there: ACLs decide

/**
 * Goes to a regular file and has it judged. Throws `denied` where a directory or a link on the way
 * belongs to somebody else than this user and root, or others may write to it.
 */
export function walkOwnPath(
  path: string,
  judge: (found: Deno.FileInfo, path: string) => void,
): void {
  if (onWindows) return judge(attempt(`look at ${path}`, () => Deno.statSync(path)), path);
  const waiting = path.split("/").filter((part) => part !== "");
  let at = "/";
  requireSafeDirectory(at);
  for (let hops = 0; waiting.length > 0;) {
    const part = waiting.shift()!;
    if (part === ".") continue;
    if (part === "..") {
      at = parentOf(at);
      continue;
    }
    const next = at === "/" ? `/${part}` : `${at}/${part}`;
    const found = attempt(`look at ${next}`, () => Deno.lstatSync(next));
    if (found.isSymlink) {
      requireOwner(next, found);
      if (++hops > MAX_HOPS) refuse(path, "too many symbolic links");
      const target = attempt(`read the link ${next}`, () => Deno.readLinkSync(next));
      if (target.startsWith("/")) at = "/";
      waiting.unshift(...target.split("/").filter((name) => name !== ""));
    } else if (found.isDirectory) {
      at = next;
      requireSafeDirectory(at);
    } else {
      requireRegular(next, found);
      if (waiting.length > 0) refuse(path, "a part of the path is not a directory");
      judge(found, next);
      return;
    }
  }
  refuse(path, "it is a directory");
}

function requireSafeDirectory(path: string): void {
  const found = attempt(`look at ${path}`, () => Deno.lstatSync(path));
  requireOwner(path, found);
  // In a directory with the sticky bit nobody can exchange what belongs to somebody else.
  if ((found.mode! & OTHERS_MAY_WRITE) === 0 || (found.mode! & STICKY) !== 0) return;
  refuse(path, "other users can write to it", `chmod go-w ${path}`);
}

function requireOwner(path: string, { uid }: Deno.FileInfo): void {
  if (uid !== Deno.uid() && uid !== 0) refuse(path, "it belongs to another user");
}

function requireRegular(path: string, found: Deno.FileInfo): void {
  if (!found.isFile) refuse(path, "it is not a regular file");
}
