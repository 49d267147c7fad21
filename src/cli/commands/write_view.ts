/** The result of a write, for people and for programs. */

import type { WriteOutcome } from "../../vault/write_version.ts";
import { formatSecretId, type SecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import type { RecordView } from "../view.ts";

/** Describes what became of a write; says on standard error when nobody could compare the values. */
export function writeView(
  app: App,
  id: SecretId,
  outcome: WriteOutcome,
  backend: string,
): RecordView {
  const { version, created, changed, updatedAt, replacedUnreadable } = outcome;
  const ref = formatSecretId(id);
  if (replacedUnreadable) {
    app.note(
      `${ref}#${
        version - 1
      } cannot be opened (wrong key or altered data); a new version stands over it`,
    );
  }
  const did = created ? "stored" : changed ? "updated" : "unchanged";
  return {
    kind: "record",
    json: { ref, version, created, changed, updated_at: updatedAt, backend },
    text: `${did} ${ref} version ${version}`,
  };
}
