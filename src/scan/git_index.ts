/**
 * What is staged in a repository of git, which the files beside it may no longer hold. The real git is
 * asked, by absolute path: the index has four formats, and its objects lie compressed in packs. Nothing
 * that the repository configures is started: no hook, no filter, no monitor, no fetch.
 */

import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { clauseOf, isPalyraError } from "../errors.ts";
import type { Processes } from "../platform/platform.ts";
import type { NotSearched } from "./walk.ts";

/** Where systems keep git; the user's PATH may name anybody's. */
const PLACES = "/usr/bin:/usr/local/bin:/opt/homebrew/bin:/opt/local/bin:/bin";
const TIMEOUT_MS = 60_000;
/** Most bytes of a list of names, and of the contents that are held at once. */
const MAX_LIST = 256 * 1_048_576;
const MAX_BATCH = 16 * 1_048_576;
const SETTINGS = [
  "-c",
  "core.fsmonitor=false",
  "-c",
  "core.hooksPath=/dev/null",
  "-c",
  "protocol.allow=never",
  "--no-replace-objects",
  "--no-optional-locks",
];
const ENVIRONMENT: Readonly<Record<string, string>> = {
  LC_ALL: "C",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_NO_LAZY_FETCH: "1", // a partial clone would ask its server
};

interface Staged {
  readonly id: string;
  readonly path: string;
  readonly size: number;
}

/** Gives the contents of every staged file to `search`, a batch at a time; what could not be searched. */
export async function searchIndex(
  processes: Processes,
  directory: string,
  search: (path: string, content: Uint8Array) => void,
): Promise<NotSearched[]> {
  const git = processes.find("git", PLACES);
  const skipped = (why: string, path = `${directory}/.git/index`): NotSearched[] => [{ path, why }];
  if (git === undefined) return skipped("there is no git to read it");
  const run = async (args: readonly string[], stdin?: Uint8Array, maxBytes = MAX_LIST) => {
    const { status, stdout, failure } = await processes.run({
      argv: [git, ...SETTINGS, "-C", directory, ...args],
      env: ENVIRONMENT,
      timeoutMs: TIMEOUT_MS,
      maxBytes,
      ...(stdin === undefined ? {} : { stdin }),
    });
    return status === 0 && failure === undefined ? stdout : undefined;
  };
  try {
    const listed = await run(["ls-files", "--stage", "-z"]);
    if (listed === undefined) return skipped("git refuses to read it");
    const entries = entriesOf(listed, directory);
    const sizes = await run(
      ["cat-file", "--batch-check=%(objectname) %(objectsize)"],
      encodeUtf8(entries.map(({ id }) => `${id}\n`).join("")),
    );
    if (sizes === undefined) return skipped("git cannot tell its sizes");
    const problems: NotSearched[] = [];
    const sized = withSizes(entries, sizes).filter((one) => {
      if (one.size >= 0 && one.size <= MAX_BATCH) return true;
      const why = one.size < 0 ? "what is staged is not there" : "what is staged is too large";
      problems.push({ path: one.path, why });
      return false;
    });
    for (const batch of batchesOf(sized)) {
      const ids = encodeUtf8(batch.map(({ id }) => `${id}\n`).join(""));
      const most = batch.reduce((sum, { size }) => sum + size + 200, 0);
      const contents = await run(["cat-file", "--batch=%(objectname) %(objectsize)"], ids, most);
      if (contents === undefined) problems.push(...skipped("git could not read all of it"));
      else eachContent(contents, batch, search);
      contents?.fill(0);
    }
    return problems;
  } catch (error) {
    if (!isPalyraError(error)) throw error;
    return skipped(clauseOf(error));
  }
}

/** `<mode> <id> <stage>\t<path>\0`; links and submodules are no files. */
function entriesOf(listed: Uint8Array, directory: string): Omit<Staged, "size">[] {
  const text = decodeUtf8(listed) ?? new TextDecoder("latin1").decode(listed);
  const known = new Set<string>();
  return text.split("\0").flatMap((line) => {
    const [, id, path] = /^100\d{3} ([0-9a-f]{40,64}) \d\t(.*)$/s.exec(line) ?? [];
    if (id === undefined || known.has(`${id} ${path}`)) return [];
    known.add(`${id} ${path}`);
    return [{ id, path: `${directory}/${path}` }];
  });
}

function withSizes(entries: readonly Omit<Staged, "size">[], output: Uint8Array): Staged[] {
  const lines = (decodeUtf8(output) ?? "").split("\n");
  return entries.map((entry, at) => {
    const [id, size] = (lines[at] ?? "").split(" ");
    return { ...entry, size: id === entry.id && /^\d+$/.test(size ?? "") ? Number(size) : -1 };
  });
}

function* batchesOf(entries: readonly Staged[]): Generator<Staged[]> {
  let batch: Staged[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (batch.length > 0 && bytes + entry.size > MAX_BATCH) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(entry);
    bytes += entry.size;
  }
  if (batch.length > 0) yield batch;
}

/** `<id> <size>\n<content>\n` for each. */
function eachContent(
  output: Uint8Array,
  batch: readonly Staged[],
  search: (path: string, content: Uint8Array) => void,
): void {
  let at = 0;
  for (const { path, size } of batch) {
    const begin = output.indexOf(0x0a, at) + 1;
    search(path, output.subarray(begin, begin + size));
    at = begin + size + 1;
  }
}
