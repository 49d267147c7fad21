/** Whether what is staged counts: decided by the document alone, so that everybody decides alike. */

import { currentVersion } from "./catalog.ts";
import { sha256Hex } from "../crypto/digest.ts";
import {
  type Committed,
  findIntent,
  type Intent,
  type StagedRow,
  stagedRows,
  type Witness,
} from "./staged.ts";
import type { Vault } from "./vault.ts";
import { formatSecretId } from "./vault_ref.ts";

/** Most bytes of a document. */
export const MAX_DOCUMENT_BYTES = 1_048_576;

/** An intent with its staged versions, and what a look at the document says of them. */
export interface Verdict {
  readonly intent: Intent;
  readonly committed: readonly StagedRow[];
  /** The document is neither that before nor that after: somebody else has saved it meanwhile. */
  readonly changedByOthers: boolean;
  /** SHA-256 of the document as it was looked at; `undefined` when there is none. */
  readonly found: string | undefined;
}

/**
 * The staged versions that count as current; `undefined` when nothing is staged. Readers call it
 * and never wait: the document is looked at once. Throws what reading the document throws.
 */
export async function committedVersions(vault: Vault): Promise<Committed | undefined> {
  const verdict = await judgeIntent(vault);
  if (verdict === undefined) return undefined;
  return {
    intentId: verdict.intent.id,
    rowIds: verdict.committed.map(({ rowId }) => rowId),
  };
}

/**
 * Looks at the document of the intent: the one after the change commits every version, the one
 * before none. Any other comes from somebody else, before or after the change: then a version counts
 * whose field names its secret now, if that field or (where it has named the secret all along) any
 * other field of the change testifies that the change took place. A secret that is new counts as
 * soon as any field names it, and when the document is away: no reader shall miss it.
 */
export async function judgeIntent(vault: Vault): Promise<Verdict | undefined> {
  const { database, platform } = vault;
  const taken = database.read(() => ({
    intent: findIntent(database),
    staged: stagedRows(database),
  }));
  const { intent, staged } = taken;
  if (intent === undefined) return undefined;
  const documents = await platform.documents();
  const bytes = documents.read(intent.path, MAX_DOCUMENT_BYTES);
  const found = bytes && await sha256Hex(bytes);
  if (found === intent.after) return { intent, committed: staged, changedByOthers: false, found };
  if (found === intent.before) return { intent, committed: [], changedByOthers: false, found };
  // A document may be away for a while (a medium, a branch): a secret that it may name must be there.
  const isNew = ({ id }: StagedRow): boolean => currentVersion(database, id) === undefined;
  if (bytes === undefined) {
    return { intent, committed: staged.filter(isNew), changedByOthers: true, found };
  }
  const bindings = await vault.bindings(bytes, intent.path);
  const testifies = ({ field, ref, exact }: Witness): boolean => {
    const now = bindings.of(field);
    return now.ref === ref && (now.exact || !exact);
  };
  const took = intent.witnesses.some(testifies);
  const committed = staged.filter((row) => {
    const { field, id } = row;
    if (isNew(row)) return bindings.names(formatSecretId(id));
    const own = intent.witnesses.find((witness) => witness.field === field);
    return own === undefined
      ? took && bindings.of(field).ref === formatSecretId(id)
      : testifies(own);
  });
  return { intent, committed, changedByOthers: true, found };
}
