/** A reference as the audit sees it: where it stands, what it names, and whether that gives a value. */

import type { ConfigReference } from "../config/lookup.ts";
import type { PalyraError } from "../errors.ts";
import type { SecretRef } from "../resolver/secret_ref.ts";
import type { VaultRef } from "../vault/vault_ref.ts";
import type { Place } from "./finding.ts";

/** What became of a reference. */
export type ReferenceStatus =
  | "resolved"
  | "missing"
  | "expired"
  | "blocked"
  | "invalid"
  | "integrity"
  | "failed";

/** One reference, and what became of it. */
export interface AuditedReference {
  /** As the document spells it, with the suffix of its form. */
  readonly field: string;
  /** The same without the suffix: the logical secret. */
  readonly logicalField: string;
  readonly component: string;
  readonly form: "vault_ref" | "secret_ref" | "helper" | "auth_profile";
  readonly place: Place;
  /** `undefined` for what is no proper reference. */
  readonly sourceKind: SecretRef["kind"] | undefined;
  /** The source as people write it: `global/name`, `env:NAME`, a path, a program. */
  readonly source: string | undefined;
  /** With the kind `vault`. */
  readonly ref: VaultRef | undefined;
  readonly required: boolean;
  readonly fingerprint: string | undefined;
  /** How a value gets there, where it is not simply stored. */
  readonly remedy?: string | undefined;
  readonly status: ReferenceStatus;
  /** The version that a reference to the vault leads to now. */
  readonly version: number | undefined;
  /** Why it was not resolved. */
  readonly error: PalyraError | undefined;
  /** When it was tried, RFC 3339; `undefined` for what was not. */
  readonly resolvedAt: string | undefined;
}

/** A reference before it is resolved. */
export interface CollectedReference {
  readonly base: Omit<AuditedReference, "status" | "version" | "error" | "resolvedAt">;
  readonly reference:
    | Pick<ConfigReference, "required" | "maxBytes"> & { readonly source: SecretRef }
    | undefined;
  /** Why there is no reference. */
  readonly error: PalyraError | undefined;
  /** Why it may not be resolved; then nothing is read or started. */
  readonly blocked: PalyraError | undefined;
}
