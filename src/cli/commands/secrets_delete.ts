/** `palyra secrets delete`: removes a secret with all its versions. */

import { deleteSecret } from "../../vault/delete_secret.ts";
import { formatSecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { openVaultToChange } from "../stores.ts";
import type { RecordView } from "../view.ts";
import { secretArgument } from "./secret_argument.ts";

/** Deletes. Throws `not_found` when there is nothing to delete, and makes no vault to find that out. */
export async function secretsDelete(
  app: App,
  _flags: Readonly<Record<never, never>>,
  first: string,
  second?: string,
): Promise<RecordView> {
  const id = secretArgument(first, second);
  using vault = await openVaultToChange(app);
  await deleteSecret(vault, id);
  const ref = formatSecretId(id);
  return { kind: "record", json: { ref, deleted: true }, text: `deleted ${ref}` };
}
