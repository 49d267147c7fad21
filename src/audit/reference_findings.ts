/** What is wrong with references, and what nobody refers to. */

import type { Config } from "../config/config.ts";
import { allowedPatterns, fieldsBySecret } from "../config/references.ts";
import { clauseOf } from "../errors.ts";
import { listSecrets } from "../vault/list_secrets.ts";
import type { Vault } from "../vault/vault.ts";
import { formatSecretId, patternNames } from "../vault/vault_ref.ts";
import { type AuditedProfiles, secretsOfProfiles } from "./audited_profiles.ts";
import type { AuditedReference, ReferenceStatus } from "./audited_reference.ts";
import { type Finding, finding, type FindingCode } from "./finding.ts";

const CODES: Readonly<Record<Exclude<ReferenceStatus, "resolved">, FindingCode>> = {
  missing: "unresolved_secret_ref",
  expired: "expired_secret_ref",
  blocked: "secret_ref_blocked",
  invalid: "invalid_secret_ref",
  integrity: "secret_integrity_failed",
  failed: "secret_ref_failed",
};

const IDLE = "; the profile is switched off";

/** One finding for each reference that gives no value. */
export function findInReferences(references: readonly AuditedReference[]): Finding[] {
  return references.flatMap((reference) => {
    const { status, component, field, place, source, error } = reference;
    if (status === "resolved") return [];
    return [finding(isSoft(reference) ? "optional_secret_missing" : CODES[status], {
      component,
      field,
      ref: source,
      place,
      message: clauseOf(error ?? { message: "" }) + (isOfIdleProfile(reference) ? IDLE : ""),
      remedy: remedyOf(reference),
    })];
  });
}

/**
 * Secrets in a scope that the config uses, which neither it, not even by a rule for helpers that leaves
 * the rest of a name open, nor an auth profile names. None where the
 * profiles cannot be read: nobody should delete what one of them may need.
 */
export async function findUnused(
  config: Config,
  profiles: AuditedProfiles,
  vault: Vault | undefined,
): Promise<Finding[]> {
  if (vault === undefined || profiles.mistake !== undefined) return [];
  const named = fieldsBySecret(config.table);
  const scopes = new Set([...named.keys()].map((ref) => ref.slice(0, ref.indexOf("/"))));
  const ofProfiles = secretsOfProfiles(profiles);
  const allowed = allowedPatterns(config.table);
  const stored = await listSecrets(vault);
  return stored.flatMap(({ id }) => {
    const ref = formatSecretId(id);
    if (!scopes.has(id.scope) || named.has(ref) || ofProfiles.has(ref)) return [];
    // A program may ask for all that a rule leaves open to it, and nobody sees here whether it does.
    if (allowed.some(({ pattern }) => patternNames(pattern, ref))) return [];
    return [finding("potentially_unused_secret", {
      component: `vault_scope:${id.scope}`,
      ref,
      message: "neither the config nor an auth profile names it; scripts may",
      remedy: `palyra secrets delete ${ref}, if nobody uses it`,
    })];
  });
}

/** What is to be done about a reference that gives no value. */
export function remedyOf(reference: AuditedReference): string {
  const { status, sourceKind, source, field, error, remedy } = reference;
  if (remedy !== undefined && (status === "missing" || status === "expired")) return remedy;
  if (error?.hint !== undefined && status !== "missing" && status !== "expired") return error.hint;
  if (status === "integrity") {
    return "palyra vault check; then restore a backup, or set a new value";
  }
  if (status === "invalid") return `Correct ${field}: palyra config validate tells what is wrong`;
  if (status === "expired") return `Store a new value: palyra secrets set ${source}`;
  if (status === "failed" && error?.code === "usage") {
    return `Correct ${field}, or what it leads to`;
  }
  switch (sourceKind) {
    case "vault":
      return `Store a value: palyra secrets set ${source?.replace(/#\d+$/, "")}`;
    case "env":
      return `Set the variable ${source?.slice("env:".length)}`;
    case "file":
      return "Create the file inside one of its trusted_dirs, owned by you and not writable by others";
    case "exec":
      return "Correct the command or its limits";
    default:
      return `Correct ${field}`;
  }
}

/** Nothing is there, and nothing has to be. */
function isSoft(reference: AuditedReference): boolean {
  const { status, required } = reference;
  return !required && (status === "missing" || status === "expired");
}

/** Nobody asks for the secrets of a profile that is switched off. */
function isOfIdleProfile({ form, required }: AuditedReference): boolean {
  return form === "auth_profile" && !required;
}
