/** `palyra secrets list`: names and dates, never values. */

import { listSecrets } from "../../vault/list_secrets.ts";
import { parseScope } from "../../vault/scope.ts";
import { formatSecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { openVaultToRead } from "../stores.ts";
import type { ListView } from "../view.ts";

/** Lists all secrets, or those of one scope. */
export async function secretsList(
  app: App,
  _flags: Readonly<Record<never, never>>,
  scopeText?: string,
): Promise<ListView> {
  const scope = scopeText === undefined ? undefined : parseScope(scopeText);
  using vault = await openVaultToRead(app);
  const { fieldsOfConfig } = await import("../referred_by.ts");
  const fields = await fieldsOfConfig(app);
  const items = (await listSecrets(vault, scope)).map((secret) => ({
    ref: formatSecretId(secret.id),
    version: secret.version,
    created_at: secret.oldestCreatedAt,
    updated_at: secret.createdAt,
    expires_at: secret.expiresAt,
    referred_by: fields === undefined ? undefined : fields.get(formatSecretId(secret.id)) ?? [],
  }));
  const width = items.reduce((most, { ref }) => Math.max(most, ref.length), 0);
  const lines = items.map((item) => {
    const expiry = item.expires_at === undefined ? "" : `  expires ${item.expires_at}`;
    const used = item.referred_by?.length ? `  used by ${item.referred_by.join(", ")}` : "";
    return `${item.ref.padEnd(width)}  version ${item.version}  ${item.updated_at}${expiry}${used}`;
  });
  return { kind: "list", field: "secrets", items, text: lines.join("\n") };
}
