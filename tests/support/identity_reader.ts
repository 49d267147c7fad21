/**
 * A process that opens an identity again and again until it is told to stop, and tells what it met:
 * `identity_reader.ts IDENTITY KEYRING STOP`, with the directory of a quick secret tool and the path
 * of a file that says stop. It prints an empty line when it has read often enough, before all else.
 */

import { openIdentity } from "../../src/identity/identity.ts";
import { openQuickService } from "./quick_secret_tool.ts";
import { NO_ACCESS } from "./vaults.ts";

/** What a reader tells. */
export interface Readings {
  readonly reads: number;
  /** Ids of the KEKs that came out: one, if all is well. */
  readonly kids: readonly string[];
  readonly failures: readonly string[];
}

/** So many reads are enough. */
export const ENOUGH = 21;
const SALT = new Uint8Array(32);

if (import.meta.main) {
  const [directory, keyring, stop] = Deno.args;
  const told = JSON.stringify(await readUntil(directory!, keyring!, stop!));
  Deno.stdout.writeSync(new TextEncoder().encode(told));
}

async function readUntil(directory: string, keyring: string, stop: string): Promise<Readings> {
  const { platform } = openQuickService(keyring);
  const kids = new Set<string>();
  const failures: string[] = [];
  let reads = 0;
  for (; !exists(stop) && failures.length < 10; reads++) {
    if (reads === ENOUGH) Deno.stdout.writeSync(new TextEncoder().encode("\n"));
    try {
      const authority = await openIdentity(platform, directory, NO_ACCESS);
      if (authority === undefined) failures.push("there is no identity");
      else kids.add((await authority.kekFor(SALT)).kid);
    } catch (error) {
      failures.push(String(error));
    }
  }
  return { reads, kids: [...kids], failures };
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
