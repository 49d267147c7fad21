/**
 * Files that hold a secret, read past those who might exchange a part of their path meanwhile.
 *
 * The runtime has no `openat`. The working directory takes the place of the directory handle: it is
 * entered component by component, each proven to be the directory that was looked at, so that no link
 * is ever followed by the kernel. For this nothing may come in between: not one `await`.
 */

import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  statSync,
} from "node:fs";
import { PalyraError } from "../../errors.ts";
import type { SecretFileRequest, SecretFiles } from "../foreign_files.ts";
import { attempt, errnoOf, fileFailure } from "./failures.ts";
import { refuse } from "./ownership.ts";

export const secretFiles: SecretFiles = { read };

/** As many links as the Linux kernel follows in one path (path_resolution(7)). */
const MAX_HOPS = 40;
const OTHERS_MAY_WRITE = 0o022n;
const STICKY = 0o1000n;
/** A FIFO that takes the place of a file is opened at once and found out; 0 where there is no such flag. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const BIG = { bigint: true } as const;
const onWindows = Deno.build.os === "windows"; // neither uid nor mode there: ACLs decide

/** Elsewhere than on Windows a backslash is a letter of a name. */
const SEPARATOR = onWindows ? /[\\/]/ : /\//;

/** Where a walk has come to: the working directory is the directory of what was found. */
interface Reached {
  readonly name: string;
  readonly found: BigIntStats;
  /** Device and inode of every directory on the way, from the root on. */
  readonly passed: readonly string[];
}

function read(request: SecretFileRequest): Uint8Array<ArrayBuffer> | undefined {
  const before = attempt("find the working directory", () => Deno.cwd());
  const place = attempt("look at the working directory", () => statSync(".", BIG));
  try {
    return readSteady(request);
  } finally {
    attempt("return to the working directory", () => Deno.chdir(before));
    if (identity(statSync(".", BIG)) !== identity(place)) {
      // deno-lint-ignore no-unsafe-finally -- commands that follow would run somewhere else
      throw new PalyraError("precondition", "Cannot return to the working directory: it was moved");
    }
  }
}

/** Thrown when something was exchanged between two looks at it. */
const EXCHANGED = Symbol("exchanged");
/** Who replaces a file in one step does so once in a while: the next walk finds the new one. */
const MAX_TRIES = 20;
/** ELOOP: a link by now; ENOTDIR, EINVAL: no directory, or no link, any more. */
const GONE = ["ENOENT", "ELOOP", "ENOTDIR", "EINVAL", "ENXIO"];

function readSteady(request: SecretFileRequest): Uint8Array<ArrayBuffer> | undefined {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    try {
      return readInside(request);
    } catch (error) {
      if (error !== EXCHANGED) throw error;
    }
  }
  return refuse(request.path, "it was exchanged again and again while it was read");
}

/** Does something to what was just seen. Throws {@link EXCHANGED} when it is gone by now. */
function toSeen<T>(action: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    if (GONE.includes(errnoOf(error) ?? "")) throw EXCHANGED;
    throw fileFailure(action, error);
  }
}

function readInside(
  { path, trustedDirs, allowSymlinks, maxBytes }: SecretFileRequest,
): Uint8Array<ArrayBuffer> | undefined {
  const trusted = trustedDirs.flatMap((directory) => {
    const reached = walk(directory, allowSymlinks);
    return reached?.found.isDirectory() ? [identity(reached.found)] : [];
  });
  const reached = walk(path, allowSymlinks);
  if (reached === undefined) return undefined;
  if (!reached.passed.some((directory) => trusted.includes(directory))) {
    refuse(path, "it is not inside a trusted directory");
  }
  return readReached(path, reached, maxBytes);
}

/** Goes to what a path means; `undefined` when it is certainly not there. */
function walk(path: string, allowSymlinks: boolean): Reached | undefined {
  let at = path;
  for (let hops = 0; hops <= MAX_HOPS; hops++) {
    const reached = walkOnce(path, at, allowSymlinks);
    if (typeof reached !== "string") return reached;
    at = reached;
  }
  return refuse(path, "too many symbolic links");
}

/** One walk from the root on; a path to begin again with, when there is a link that may be followed. */
function walkOnce(
  wanted: string,
  path: string,
  allowSymlinks: boolean,
): Reached | string | undefined {
  enterRoot(path);
  let directory = statSync(".", BIG);
  const passed = [identity(directory)];
  const parts = path.split(SEPARATOR).filter((part, at) => part !== "" && !(onWindows && at === 0));
  if (parts.length === 0) return { name: ".", found: directory, passed };
  for (const [at, name] of parts.entries()) {
    const here = `${root(path)}${parts.slice(0, at).join("/")}`;
    requireSafe(here, directory);
    const found = look(name, `${root(path)}${parts.slice(0, at + 1).join("/")}`);
    if (found === undefined) return undefined;
    if (found.isSymbolicLink()) {
      const isRoots = found.uid === 0n && directory.uid === 0n;
      if (onWindows || (!allowSymlinks && !isRoots)) refuse(wanted, "a symbolic link leads to it");
      requireOwner(wanted, found);
      return followed(
        here,
        toSeen(`read the link ${wanted}`, () => readlinkSync(name)),
        parts.slice(at + 1),
      );
    }
    if (at === parts.length - 1) return { name, found, passed };
    if (!found.isDirectory()) refuse(wanted, "a part of the path is not a directory");
    toSeen(`look at ${wanted}`, () => Deno.chdir(name));
    directory = statSync(".", BIG);
    if (identity(directory) !== identity(found)) throw EXCHANGED;
    passed.push(identity(directory));
  }
  throw new PalyraError("internal", "Cannot walk a path without an end");
}

/** What stands in the working directory; `undefined` only when the system says that nothing does. */
function look(name: string, path: string): BigIntStats | undefined {
  try {
    return lstatSync(name, BIG);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw fileFailure(`look at ${path}`, error);
  }
}

/** The path behind a link. What is before the link has none, so `..` may be taken as it is written. */
function followed(directory: string, target: string, rest: readonly string[]): string {
  const parts = target.startsWith("/") ? [] : directory.split("/");
  for (const part of target.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${[...parts, ...rest].filter((part) => part !== "").join("/")}`;
}

function readReached(
  path: string,
  { name, found }: Reached,
  maxBytes: number,
): Uint8Array<ArrayBuffer> {
  requireSecretFile(path, found);
  const descriptor = toSeen(`read ${path}`, () => openSync(name, FLAGS));
  try {
    const opened = fstatSync(descriptor, BIG);
    if (identity(opened) !== identity(found)) throw EXCHANGED;
    requireSecretFile(path, opened);
    if (opened.size > BigInt(maxBytes)) throw tooLarge(path, maxBytes);
    return readAll(path, descriptor, Number(opened.size));
  } finally {
    closeSync(descriptor);
  }
}

/** As many bytes as it has; what has grown or shrunk meanwhile is looked at again. */
function readAll(path: string, descriptor: number, size: number): Uint8Array<ArrayBuffer> {
  const buffer = new Uint8Array(size + 1);
  let length = 0;
  try {
    while (length < buffer.length) {
      const count = attempt(
        `read ${path}`,
        () => readSync(descriptor, buffer, length, buffer.length - length, null),
      );
      if (count === 0) break;
      length += count;
    }
    if (length === size) return buffer.slice(0, size);
  } finally {
    buffer.fill(0);
  }
  throw EXCHANGED;
}

function tooLarge(path: string, maxBytes: number): PalyraError {
  return new PalyraError("usage", `Cannot read ${path}: it is larger than ${maxBytes} bytes`);
}

function requireSecretFile(path: string, found: BigIntStats): void {
  if (!found.isFile()) refuse(path, "it is not a regular file");
  if (found.nlink === 0n) throw EXCHANGED; // another one took its name since it was found
  if (found.nlink !== 1n) refuse(path, "it has another hard link");
  requireOwner(path, found);
  if (!onWindows && (found.mode & OTHERS_MAY_WRITE) !== 0n) {
    refuse(path, "other users can write to it", `chmod go-w ${path}`);
  }
}

/** In a directory with the sticky bit nobody can exchange what belongs to somebody else. */
function requireSafe(path: string, found: BigIntStats): void {
  requireOwner(path || "/", found);
  if (onWindows || (found.mode & OTHERS_MAY_WRITE) === 0n || (found.mode & STICKY) !== 0n) return;
  refuse(path || "/", "other users can write to it", `chmod go-w ${path}`);
}

function requireOwner(path: string, { uid }: BigIntStats): void {
  if (onWindows || uid === 0n || uid === BigInt(Deno.uid()!)) return;
  refuse(path, "it belongs to another user");
}

function enterRoot(path: string): void {
  attempt(`look at ${path}`, () => Deno.chdir(root(path)));
}

/** `/`, or the drive on Windows. */
function root(path: string): string {
  return onWindows ? `${path.slice(0, 2)}\\` : "/";
}

function identity({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}
