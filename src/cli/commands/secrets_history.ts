/** `palyra secrets history`: the versions of a secret that are kept. */

import { secretHistory } from "../../vault/list_secrets.ts";
import { formatSecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { openVaultToRead } from "../stores.ts";
import type { ListView } from "../view.ts";
import { secretArgument } from "./secret_argument.ts";

/** Lists versions, the newest first. */
export async function secretsHistory(
  app: App,
  _flags: Readonly<Record<never, never>>,
  first: string,
  second?: string,
): Promise<ListView> {
  const id = secretArgument(first, second);
  using vault = await openVaultToRead(app);
  const items = (await secretHistory(vault, id)).map((row, at) => ({
    version: row.version,
    created_at: row.createdAt,
    expires_at: row.expiresAt,
    current: at === 0,
  }));
  const lines = items.map(({ version, created_at, expires_at, current }) =>
    `${version}  ${created_at}${expires_at === undefined ? "" : `  expires ${expires_at}`}${
      current ? "  current" : ""
    }`
  );
  const rest = { ref: formatSecretId(id) };
  return { kind: "list", field: "versions", rest, items, text: lines.join("\n") };
}
