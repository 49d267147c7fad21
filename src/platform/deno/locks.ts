/** Locks between processes by flock(2), through files of their own. */

import { PalyraError } from "../../errors.ts";
import type { Locks } from "../platform.ts";
import { attempt, unlessAbsent } from "./failures.ts";
import { requirePrivateFile } from "./ownership.ts";
import { setMode } from "./temp_file.ts";

export const locks: Locks = { acquire, tryAcquire };

async function acquire(path: string, timeoutMs: number): Promise<Disposable> {
  const file = openLockFile(path);
  if (file.tryLockSync(true)) return held(file);
  // The kernel queues blocking waiters; polling would let a busy crowd starve one of them.
  const deadline = AbortSignal.timeout(timeoutMs);
  const granted = file.lock(true).then(() => true);
  const expired = new Promise<boolean>((resolve) =>
    deadline.addEventListener("abort", () => resolve(false), { once: true })
  );
  if (await Promise.race([granted, expired])) return held(file);
  granted.finally(() => held(file)[Symbol.dispose]()); // a lock that comes too late is given back
  throw new PalyraError(
    "precondition",
    `Cannot lock ${path}: another process has held it too long`,
    {
      hint: "Try again; a palyra process that hangs can be ended, its lock goes with it",
    },
  );
}

function tryAcquire(path: string): Disposable | undefined {
  const file = openLockFile(path);
  if (file.tryLockSync(true)) return held(file);
  file.close();
  return undefined;
}

/** Unlocked before it is closed: a child that is just being started has a copy of the open file, and would hold the lock on. */
function held(file: Deno.FsFile): Disposable {
  return {
    [Symbol.dispose](): void {
      file.unlockSync();
      file.close();
    },
  };
}

function openLockFile(path: string): Deno.FsFile {
  const found = unlessAbsent(`look at ${path}`, () => Deno.lstatSync(path));
  if (found !== undefined) requirePrivateFile(path, found);
  const options = { read: true, write: true, create: true, mode: 0o600 };
  return attempt(`open the lock ${path}`, () => {
    const file = Deno.openSync(path, options);
    if (found === undefined) setMode(path, 0o600);
    return file;
  });
}
