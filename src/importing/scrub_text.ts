/** Putting references in the place of imported values, in the text that they came from. */

import { encodeUtf8 } from "../crypto/encoding.ts";
import { equalBytes } from "../crypto/equal_bytes.ts";
import { PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import { formatSecretId } from "../vault/vault_ref.ts";
import type { NamedEntry } from "./entry.ts";

/** Most bytes of a source. */
export const MAX_BYTES = 16 * 1_048_576;

/** A document as it was read. */
export interface SourceText {
  /** As the user named it. */
  readonly path: string;
  readonly realPath: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly text: string;
}

/** The text with `vault://…` in the place of each entry. */
export function withReferences({ text }: SourceText, entries: readonly NamedEntry[]): string {
  let [scrubbed, at] = ["", 0];
  const placed = entries.map(({ id, place }) => ({ id, ...place! }));
  for (const { id, range, around } of placed.toSorted((a, b) => a.range[0] - b.range[0])) {
    scrubbed += text.slice(at, range[0]) + around.join(`vault://${formatSecretId(id)}`);
    at = range[1];
  }
  return scrubbed + text.slice(at);
}

/**
 * Replaces the document in one durable step; its mode stays. Throws `precondition` when it is no longer
 * what was read, `denied` where it could not be replaced.
 */
export async function replaceText(
  platform: Platform,
  { path, realPath, bytes }: SourceText,
  text: string,
): Promise<void> {
  const documents = await platform.documents();
  const requireSame = (): void => {
    const now = documents.read(realPath, MAX_BYTES);
    if (documents.realPath(path) === realPath && now !== undefined && equalBytes(now, bytes)) {
      return;
    }
    throw new PalyraError("precondition", `Cannot scrub ${path}: it was written meanwhile`, {
      hint: "Everything is in the vault; the file was left as it is",
    });
  };
  documents.requireReplaceable(realPath);
  requireSame();
  const temp = documents.tempPath(realPath);
  using _held = documents.stage(temp, encodeUtf8(text), realPath);
  try {
    requireSame();
    documents.commit(temp, realPath);
  } catch (error) {
    documents.discard(temp);
    throw error;
  }
}
