/** Searches trees of files for values, each file once, in bounded memory. */

import { clauseOf, isPalyraError } from "../errors.ts";
import type { FileTrees } from "../platform/foreign_files.ts";
import type { Processes } from "../platform/platform.ts";
import { searchIndex } from "./git_index.ts";
import { type Hit, hitsOf } from "./hits.ts";
import { type ReadAt, type StreamMatch, StreamSearch } from "./search_stream.ts";
import type { SearchTable } from "./search_table.ts";
import { filesBelow, type NotSearched } from "./walk.ts";

/** A hit, and where. */
export interface PlacedHit extends Hit {
  readonly path: string;
  /** It is staged in a repository of git, and no longer so in the file. */
  readonly inIndex: boolean;
}

/** What was found and searched. */
export interface ScanReport {
  readonly hits: readonly PlacedHit[];
  readonly notSearched: readonly NotSearched[];
  readonly files: number;
  readonly bytes: number;
}

/** What a scan is given. */
export interface ScanOptions {
  readonly trees: FileTrees;
  readonly processes: Processes;
  /** Real paths. */
  readonly roots: readonly string[];
  /** Files that were searched, of those that are known so far. */
  readonly progress: (done: number, total: number) => void;
}

/** Matches of one file that are looked at; more of them say nothing new. */
const MAX_MATCHES = 10_000;
/** Things of one kind that are told one by one. */
const MAX_TOLD = 1_000;

/** Searches every root. A file that cannot be read is told, and the search goes on. */
export async function scan(table: SearchTable, options: ScanOptions): Promise<ScanReport> {
  const { trees, processes, roots, progress } = options;
  const stream = new StreamSearch(table);
  const hits: PlacedHit[] = [];
  const notSearched: NotSearched[] = [];
  const repositories = new Set<string>();
  const seen = new Set<string>();
  let [files, bytes] = [0, 0];
  const skip = (one: NotSearched): void => {
    if (notSearched.length < MAX_TOLD) notSearched.push(one);
  };
  /** Searches one thing; its hits. */
  function searchOne(path: string, read: ReadAt, inIndex: boolean): void {
    const matches: StreamMatch[] = [];
    bytes += stream.search(read, (match) => matches.push(match) < MAX_MATCHES);
    files++;
    if (matches.length === 0) return;
    if (matches.length >= MAX_MATCHES) skip({ path, why: "it holds too many values to tell" });
    for (const hit of hitsOf(matches, read)) {
      const key = `${path}\0${hit.owner}\0${hit.line}`; // what is staged may be the file as it is
      if (!seen.has(key)) hits.push({ ...hit, path, inIndex });
      seen.add(key);
    }
  }
  for (const root of roots) {
    for (const found of filesBelow(trees, root, (directory) => repositories.add(directory))) {
      if ("skipped" in found) {
        skip(found.skipped);
        continue;
      }
      try {
        using file = trees.open(found.file);
        if (file !== undefined) searchOne(found.file, file.readAt, false);
      } catch (error) {
        if (!isPalyraError(error)) throw error;
        skip({ path: found.file, why: clauseOf(error) });
      }
      progress(files, files);
    }
  }
  for (const directory of repositories) {
    const search = (path: string, blob: Uint8Array): void => searchOne(path, readerOf(blob), true);
    for (const one of await searchIndex(processes, directory, search)) skip(one);
  }
  return { hits, notSearched, files, bytes };
}

/** Bytes in memory as something that is read. */
function readerOf(bytes: Uint8Array): ReadAt {
  return (buffer, position) => {
    const piece = bytes.subarray(position, position + buffer.length);
    buffer.set(piece);
    return piece.length;
  };
}
