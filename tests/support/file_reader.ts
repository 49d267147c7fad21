/**
 * A program of its own, for any user: reads a file again and again as palyra does, and counts what
 * came of it. Arguments: the file, its trusted directory, how often at least, and how often each of
 * the two main outcomes has to be seen before it may stop.
 */

import { isPalyraError } from "../../src/errors.ts";
import { secretFiles } from "../../src/platform/deno/secret_files.ts";

const [path, trusted, tries, least] = Deno.args as [string, string, string, string];
/** A busy machine may let the two programs run in turn for a while. */
const MOST = 50 * Number(tries);
const counts: Record<string, number> = {};
const before = Deno.cwd();
const isEnough = (outcome: string): boolean => (counts[outcome] ?? 0) >= Number(least);
for (let at = 0; at < MOST; at++) {
  if (at >= Number(tries) && isEnough("read inside") && isEnough("denied")) break;
  const outcome = tryOnce();
  counts[outcome] = (counts[outcome] ?? 0) + 1;
  if (Deno.cwd() !== before) throw new Error("the working directory is another one");
}
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(counts)));

function tryOnce(): string {
  try {
    const bytes = secretFiles.read({
      path,
      trustedDirs: [trusted],
      allowSymlinks: false,
      maxBytes: 100,
    });
    return bytes === undefined ? "not there" : `read ${new TextDecoder().decode(bytes)}`;
  } catch (error) {
    if (!isPalyraError(error)) throw error;
    return error.code;
  }
}
