/** Which secret a field of a config names now: how an interrupted `configure` is judged. */

import { formatSecretId } from "../vault/vault_ref.ts";
import { textOf } from "./config.ts";
import { parseToml } from "./toml_document.ts";
import { parseField } from "./field.ts";
import { heldForms } from "./logical_secret.ts";
import { vaultRefOf } from "./references.ts";

/**
 * Reads a config and tells which secret each field names, as `<scope>/<name>`. Throws `usage` when
 * it is no TOML: what a person has half written must not be taken for a decision.
 */
export function bindingsOf(
  bytes: Uint8Array<ArrayBuffer>,
  path: string,
): Promise<(field: string) => string | undefined> {
  const table = parseToml(textOf(bytes, path), path);
  return Promise.resolve((text) => {
    const field = parseField(text);
    for (const { form, value } of heldForms(table, field)) {
      const ref = form === "inline" ? undefined : vaultRefOf({ field, form, value });
      if (ref !== undefined) return formatSecretId(ref);
    }
    return undefined;
  });
}
