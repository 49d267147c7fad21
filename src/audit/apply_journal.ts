/**
 * What `apply` is about, on the disk: so that the next one knows the plan again although the config is
 * no longer what the plan was computed from. It holds names and digests, never a value.
 */

import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";

/** One plan that was begun, and maybe finished. */
export interface ApplyJournal {
  readonly plan_id: string;
  /** SHA-256 of the config before, and after the plan; `null` where there is none. */
  readonly before: string | null;
  readonly after: string | null;
  /** The steps, as they are known when they are computed anew. */
  readonly steps: readonly string[];
}

const MAX_BYTES = 16 * 1_048_576;

/** Where it is. */
export function journalPath(stateRoot: string): string {
  return `${stateRoot}/apply.journal`;
}

/** The last plan that was begun; `undefined` when there is none. Throws `integrity` for an altered one. */
export function readJournal(
  { directories, files }: Platform,
  stateRoot: string,
): ApplyJournal | undefined {
  if (!directories.check(stateRoot)) return undefined;
  const bytes = files.read(journalPath(stateRoot), MAX_BYTES);
  if (bytes === undefined) return undefined;
  try {
    const { plan_id, before, after, steps, ...more } = JSON.parse(decodeUtf8(bytes) ?? "");
    const isDigest = (value: unknown): boolean =>
      value === null || (typeof value === "string" && /^[0-9a-f]{64}$/.test(value));
    const isWhole = isDigest(plan_id) && isDigest(before) && isDigest(after) &&
      Array.isArray(steps) && steps.every((step) => typeof step === "string") &&
      Object.keys(more).join() === "schema_version";
    if (isWhole) return { plan_id, before, after, steps };
  } catch { /* no JSON */ }
  throw new PalyraError("integrity", `Cannot read ${journalPath(stateRoot)}: it was altered`, {
    hint: "Remove it, and make a new plan",
  });
}

/** Writes it, durably. */
export function writeJournal(
  { directories, files }: Platform,
  stateRoot: string,
  journal: ApplyJournal,
): void {
  directories.ensure(stateRoot);
  const text = JSON.stringify({ schema_version: 1, ...journal });
  files.replace(journalPath(stateRoot), encodeUtf8(`${text}\n`));
}
