/** Every reference, and what became of it when it was resolved. No values. */

import type { Config } from "../config/config.ts";
import { isPalyraError, PalyraError } from "../errors.ts";
import { resolveEach, type SecretRequest, type SecretSources } from "../resolver/resolver.ts";
import type { SecretRef } from "../resolver/secret_ref.ts";
import { currentVersion } from "../vault/catalog.ts";
import type { Vault } from "../vault/vault.ts";
import type { VaultRef } from "../vault/vault_ref.ts";
import { type AuditedProfiles, referencesOfProfiles } from "./audited_profiles.ts";
import type { AuditedReference, CollectedReference, ReferenceStatus } from "./audited_reference.ts";
import { referencesOfConfig } from "./config_references.ts";

/** Where references are resolved. */
export interface AuditSources {
  /** `undefined`: there is none. */
  readonly vault: Vault | undefined;
  /** Why the vault cannot be opened, where it can certainly not. */
  readonly vaultError: PalyraError | undefined;
  /** What the resolver needs beside the vault. */
  readonly others: Omit<SecretSources, "openVault">;
  /** Why nothing that the config names may be resolved; then nothing of it is read or started. */
  readonly blocked: PalyraError | undefined;
}

/** Where references stand. */
export interface ReferenceOwners {
  /** `undefined`: there is none. */
  readonly config: Config | undefined;
  readonly profiles: AuditedProfiles;
}

/** Looks at every reference and resolves it; in the order of the config, then of the auth profiles. */
export async function auditReferences(
  { config, profiles }: ReferenceOwners,
  sources: AuditSources,
): Promise<AuditedReference[]> {
  const all = [
    ...config === undefined ? [] : await referencesOfConfig(config, sources.blocked),
    ...await referencesOfProfiles(profiles),
  ];
  const asked = all.filter((one) => isAsked(one, sources));
  using resolutions = await resolveEach(asked.map(requestOf), sourcesOf(sources));
  const outcomes = new Map(asked.map((one, at) => [one, resolutions.all[at]!]));
  return all.map((one) => {
    const { base: known, error, blocked } = one;
    const outcome = outcomes.get(one);
    if (outcome === undefined) {
      const why = error ?? blocked ?? sources.vaultError ?? noVault();
      const status = statusOf(why, known, sources);
      return { ...known, status, version: undefined, error: why, resolvedAt: undefined };
    }
    const { resolvedAt } = outcome;
    if (outcome.status === "resolved") {
      const version = known.ref && versionOf(known.ref, sources.vault!);
      return { ...known, status: "resolved", version, error: undefined, resolvedAt };
    }
    const reason = outcome.status === "missing" ? notThere(known.source!) : typed(outcome.error);
    const status = statusOf(reason, known, sources);
    return { ...known, status, version: undefined, error: reason, resolvedAt };
  });
}

function isAsked({ reference, blocked }: CollectedReference, { vault }: AuditSources): boolean {
  if (reference === undefined || blocked !== undefined) return false;
  return reference.source.kind !== "vault" || vault !== undefined;
}

function requestOf({ reference }: CollectedReference): SecretRequest {
  const { source, required, maxBytes } = reference!;
  return { ref: source, optional: !required, maxBytes };
}

/** The vault stays open when the resolver has done with it. */
function sourcesOf({ vault, others }: AuditSources): SecretSources {
  const openVault = (): Promise<Vault> =>
    Promise.resolve({ ...vault!, [Symbol.dispose]: () => {} });
  return { ...others, openVault };
}

function statusOf(
  { code }: PalyraError,
  { sourceKind, ref }: { sourceKind: SecretRef["kind"] | undefined; ref: VaultRef | undefined },
  { vault }: AuditSources,
): ReferenceStatus {
  if (code === "integrity") return "integrity";
  if (code === "denied") return "blocked";
  if (code === "usage" && sourceKind === undefined) return "invalid";
  if (code !== "not_found") return "failed";
  const isKept = ref !== undefined && vault !== undefined &&
    currentVersion(vault.database, ref) !== undefined && ref.version === undefined;
  return isKept ? "expired" : "missing"; // what is kept and not found has expired
}

function versionOf(ref: VaultRef, vault: Vault): number | undefined {
  return ref.version ?? currentVersion(vault.database, ref)?.version;
}

/** What is not palyra's own is a bug, not a finding. */
function typed(error: unknown): PalyraError {
  if (isPalyraError(error)) return error;
  throw error;
}

function notThere(source: string): PalyraError {
  return new PalyraError("not_found", `Cannot read ${source}: it is not there`);
}

function noVault(): PalyraError {
  return new PalyraError("not_found", "Cannot read the reference: there is no vault yet");
}
