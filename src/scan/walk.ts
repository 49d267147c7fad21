/** The files below a path, by our own rules: no links, no devices, no other file system. */

import { clauseOf, isPalyraError, type PalyraError } from "../errors.ts";
import type { FileTrees } from "../platform/foreign_files.ts";

/** Something that stands in the tree and is not searched. */
export interface NotSearched {
  readonly path: string;
  readonly why: string;
}

/** What a walk comes across. */
export type Found = { readonly file: string } | { readonly skipped: NotSearched };

/** Directories within each other; deeper ones are told. */
const MAX_DEPTH = 128;
/** What git keeps compressed: its index is asked for by git itself. */
const GIT_OBJECTS = /\/\.git\/(?:.*\/)?objects$/;

/**
 * Every regular file below a path, or the path itself. A directory that cannot be read is told;
 * directories of git are given to `onRepository`.
 */
export function* filesBelow(
  trees: FileTrees,
  root: string,
  onRepository: (directory: string) => void,
): Generator<Found> {
  const { kind, device } = trees.inspect(root);
  if (kind === "file") return void (yield { file: root });
  if (kind !== "directory") {
    return void (yield { skipped: { path: root, why: "it is neither a file nor a directory" } });
  }
  const waiting: { readonly path: string; readonly depth: number }[] = [{ path: root, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { path, depth } = next;
    const entries = attempt(() => trees.list(path));
    if ("error" in entries) {
      yield { skipped: { path, why: clauseOf(entries.error) } };
      continue;
    }
    const below: typeof waiting = [];
    for (const { name, kind } of entries.value) {
      const inner = path === "/" ? `/${name}` : `${path}/${name}`;
      if (name === ".git") onRepository(path);
      if (kind === "file") yield { file: inner };
      if (kind !== "directory" || GIT_OBJECTS.test(inner)) continue;
      const seen = attempt(() => trees.inspect(inner));
      if ("error" in seen) yield { skipped: { path: inner, why: clauseOf(seen.error) } };
      else if (seen.value.kind !== "directory") continue; // exchanged meanwhile
      else if (seen.value.device !== device) {
        yield { skipped: { path: inner, why: "it is another file system: name it itself" } };
      } else if (depth === MAX_DEPTH) {
        yield { skipped: { path: inner, why: `it is more than ${MAX_DEPTH} directories deep` } };
      } else below.push({ path: inner, depth: depth + 1 });
    }
    waiting.push(...below.reverse());
  }
}

function attempt<T>(body: () => T): { readonly value: T } | { readonly error: PalyraError } {
  try {
    return { value: body() };
  } catch (error) {
    if (isPalyraError(error)) return { error };
    throw error;
  }
}
