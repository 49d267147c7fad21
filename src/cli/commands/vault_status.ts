/** `palyra vault status`: which vault this is, what keeps its key, how much is in it. */

import { protectorOf } from "../../identity/protection.ts";
import { vaultStatus } from "../../vault/vault_status.ts";
import type { App } from "../app.ts";
import { counted } from "../counted.ts";
import { openVaultToRead } from "../stores.ts";
import type { RecordView } from "../view.ts";

/** Describes the vault after opening its key. */
export async function vaultStatusCommand(app: App): Promise<RecordView> {
  using vault = await openVaultToRead(app);
  const { vaultId, backend, state, secrets, scopes, kekKid, schema } = await vaultStatus(vault);
  const protect = protectorOf(app.platform, app.identityDirectory) ?? "none";
  return {
    kind: "record",
    json: {
      vault_id: vaultId,
      backend,
      protect,
      state,
      secrets,
      scopes,
      kek_kid: kekKid ?? null,
      schema,
    },
    text: [
      `vault    ${vaultId}`,
      `backend  ${backend}`,
      `protect  ${protect}`,
      `state    ${state}`,
      `secrets  ${secrets} in ${counted(scopes, "scope")}`,
      `kek      ${kekKid ?? "none yet"}`,
      `schema   ${schema}`,
    ].join("\n"),
  };
}
