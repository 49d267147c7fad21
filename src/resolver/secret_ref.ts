/** References to secrets of any source, as they are typed on the command line. */

import { PalyraError } from "../errors.ts";
import { formatVaultRef, parseVaultRef, type VaultRef } from "../vault/vault_ref.ts";

/** Where one value comes from. */
export type SecretRef =
  | { readonly kind: "vault"; readonly ref: VaultRef }
  | { readonly kind: "env"; readonly variable: string };

const ENV = "env:";
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,255}$/;
/** Sources that palyra knows by name but cannot read from the command line. */
const OTHER_SOURCES = /^(?:file|exec|config|auth):/;

/** Reads a reference. Throws `usage` without repeating the text. */
export function parseSecretRef(text: string): SecretRef {
  if (text.startsWith(ENV)) {
    const variable = text.slice(ENV.length);
    if (VARIABLE.test(variable)) return { kind: "env", variable };
    throw new PalyraError("usage", "Cannot read the reference: env: needs the name of a variable");
  }
  if (OTHER_SOURCES.test(text)) {
    throw new PalyraError("usage", "Cannot read the reference: this version knows no such source", {
      hint: "References are SCOPE/NAME, vault://SCOPE/NAME and env:VARIABLE",
    });
  }
  return { kind: "vault", ref: parseVaultRef(text) };
}

/** The canonical text: equal for references to the same thing. */
export function formatSecretRef(ref: SecretRef): string {
  return ref.kind === "env" ? `${ENV}${ref.variable}` : formatVaultRef(ref.ref);
}
