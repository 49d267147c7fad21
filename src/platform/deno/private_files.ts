/** Small private files on a real file system: refused unless owner-only, written atomically. */

import { isPalyraError, PalyraError } from "../../errors.ts";
import type { PrivateFiles } from "../platform.ts";
import { parentOf, syncDirectory } from "./directories.ts";
import { attempt, errnoOf, fileFailure, unlessAbsent } from "./failures.ts";
import { removeAbandoned, tryCreate, tryReplace } from "./held_temp_file.ts";
import { refuse, requirePrivateFile } from "./ownership.ts";
import { removeIfThere, TEMP_NAME, tempPathIn } from "./temp_file.ts";

export const privateFiles: PrivateFiles = { read, create, replace, remove, removeAbandoned };

/** Another process of ours may replace or remove a file between the two looks: then look again. */
const MAX_LOOKS = 20;
/** Others take what is not locked yet for what a killed writer left. */
const MAX_WRITES = 200;

function read(path: string, maxBytes: number): Uint8Array<ArrayBuffer> | undefined {
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const before = unlessAbsent(`read ${path}`, () => Deno.lstatSync(path));
    if (before === undefined) return undefined;
    requirePrivateFile(path, before);
    using file = openOwn(path);
    const now = file?.statSync(); // the open file, not the name: it may have been exchanged
    if (file === undefined || now?.dev !== before.dev || now.ino !== before.ino) continue;
    return readOpen(path, maxBytes, file, now);
  }
  return refuse(path, "it keeps changing while it is opened");
}

function readOpen(
  path: string,
  maxBytes: number,
  file: Deno.FsFile,
  now: Deno.FileInfo,
): Uint8Array<ArrayBuffer> {
  requirePrivateFile(path, now);
  if (now.nlink !== null && now.nlink > 1 && now.nlink !== linksOfOurs(path, now)) {
    // The creator may have removed its temporary link between the two looks.
    if (file.statSync().nlink !== 1) refuse(path, "it has another hard link");
  }
  return readToEnd(file, path, maxBytes);
}

/** `undefined` when it is gone by now. A file of ours that even we may not read is out of reach, not forbidden by a policy: `unavailable`. */
function openOwn(path: string): Deno.FsFile | undefined {
  try {
    return Deno.openSync(path, { read: true });
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    const failure = fileFailure(`read ${path}`, error);
    if (!isPalyraError(failure, "denied")) throw failure;
    throw new PalyraError("unavailable", failure.message, {
      hint: `chmod 600 ${path}`,
      cause: error,
    });
  }
}

function readToEnd(file: Deno.FsFile, path: string, maxBytes: number): Uint8Array<ArrayBuffer> {
  const buffer = new Uint8Array(maxBytes + 1);
  let length = 0;
  while (length < buffer.length) {
    const count = attempt(`read ${path}`, () => file.readSync(buffer.subarray(length)));
    if (count === null) return buffer.slice(0, length);
    length += count;
  }
  throw new PalyraError("integrity", `Cannot read ${path}: it is larger than palyra writes it`);
}

function create(path: string, bytes: Uint8Array): boolean {
  return attempt(`create ${path}`, () => {
    try {
      persist(path, (temp) => tryCreate(temp, path, bytes));
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return false;
      throw error;
    }
  });
}

function replace(path: string, bytes: Uint8Array): void {
  attempt(`write ${path}`, () => persist(path, (temp) => tryReplace(temp, path, bytes)));
}

/** Writes until no other process takes the temporary file away. */
function persist(path: string, write: (temp: string) => boolean): void {
  for (let left = MAX_WRITES; left > 0; left--) {
    if (write(tempPathIn(parentOf(path)))) return;
  }
  throw new PalyraError("precondition", `Cannot write ${path}: others keep tidying up there`);
}

function remove(path: string): void {
  attempt(`remove ${path}`, () => {
    removeIfThere(path);
    syncDirectory(parentOf(path)); // what is removed next may rely on it
  });
}

/** Links that {@link create} left behind when it was killed between its link and its removal. */
function linksOfOurs(path: string, file: Deno.FileInfo): number {
  const directory = parentOf(path);
  let links = 1;
  for (const { name } of Deno.readDirSync(directory)) {
    if (!TEMP_NAME.test(name)) continue;
    const other = unlessAbsent(`look at ${name}`, () => Deno.lstatSync(`${directory}/${name}`));
    if (other !== undefined && other.dev === file.dev && other.ino === file.ino) links++;
  }
  return links;
}
