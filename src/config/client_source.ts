/** What a map of a helper may give: a secret of the vault, an auth profile, or a field of the config. */

import { parseVaultRef, type VaultRef } from "../vault/vault_ref.ts";
import { parseField } from "./field.ts";

/** Where the value of a map comes from. */
export type ClientSource =
  | { readonly kind: "vault"; readonly ref: VaultRef }
  /** They are told of where they stand themselves. */
  | { readonly kind: "auth" | "config" };

const PROFILE = /^auth:[a-z0-9][a-z0-9._-]{0,127}$/;
const CONFIG = "config:";

/** Reads the `ref` of a map; `undefined` for what is none, which may be a secret put there by mistake. */
export function clientSource(text: string): ClientSource | undefined {
  if (PROFILE.test(text)) return { kind: "auth" };
  try {
    if (!text.startsWith(CONFIG)) return { kind: "vault", ref: parseVaultRef(text) };
    parseField(text.slice(CONFIG.length));
    return { kind: "config" };
  } catch {
    return undefined;
  }
}
