/** Every reference of a config, and what became of it when it was resolved. No values. */

import type { Config } from "../config/config.ts";
import { formatField } from "../config/field.ts";
import { fingerprintOf } from "../config/fingerprint.ts";
import { fieldOfForm } from "../config/logical_secret.ts";
import { type ConfigReference, referenceOf } from "../config/lookup.ts";
import { findReferences, helperReferences, readReference } from "../config/references.ts";
import type { SecretTable } from "../config/secret_table.ts";
import { type Position, positionsOf } from "../config/toml_positions.ts";
import { positionOf } from "../config/validate.ts";
import { isPalyraError, PalyraError } from "../errors.ts";
import { resolveEach, type SecretRequest, type SecretSources } from "../resolver/resolver.ts";
import type { SecretRef } from "../resolver/secret_ref.ts";
import { currentVersion } from "../vault/catalog.ts";
import type { Vault } from "../vault/vault.ts";
import { formatVaultRef, type VaultRef } from "../vault/vault_ref.ts";
import { componentOf } from "./finding.ts";

/** What became of a reference. */
export type ReferenceStatus =
  | "resolved"
  | "missing"
  | "expired"
  | "blocked"
  | "invalid"
  | "integrity"
  | "failed";

/** One reference of a config. */
export interface AuditedReference {
  /** As the config spells it, with the suffix of its form. */
  readonly field: string;
  /** The same without the suffix: the logical secret. */
  readonly logicalField: string;
  readonly component: string;
  readonly form: "vault_ref" | "secret_ref" | "helper";
  readonly position: Position;
  /** `undefined` for what is no proper reference. */
  readonly sourceKind: SecretRef["kind"] | undefined;
  /** The source as people write it: `global/name`, `env:NAME`, a path, a program. */
  readonly source: string | undefined;
  /** With the kind `vault`. */
  readonly ref: VaultRef | undefined;
  readonly required: boolean;
  readonly fingerprint: string | undefined;
  readonly status: ReferenceStatus;
  /** The version that a reference to the vault leads to now. */
  readonly version: number | undefined;
  /** Why it was not resolved. */
  readonly error: PalyraError | undefined;
  /** When it was tried, RFC 3339; `undefined` for what was not. */
  readonly resolvedAt: string | undefined;
}

/** Where references are resolved. */
export interface AuditSources {
  /** `undefined`: there is none. */
  readonly vault: Vault | undefined;
  /** Why the vault cannot be opened, where it can certainly not. */
  readonly vaultError: PalyraError | undefined;
  /** What the resolver needs beside the vault. */
  readonly others: Omit<SecretSources, "openVault">;
  /** Why nothing may be resolved; then nothing is read or started. */
  readonly blocked: PalyraError | undefined;
}

interface Found {
  readonly base: Omit<AuditedReference, "status" | "version" | "error" | "resolvedAt">;
  readonly reference:
    | Pick<ConfigReference, "required" | "maxBytes"> & {
      readonly source: SecretRef;
    }
    | undefined;
  /** Why there is no reference. */
  readonly error: PalyraError | undefined;
}

/** Looks at every reference and resolves it; in the order of the config. */
export async function auditReferences(
  config: Config,
  sources: AuditSources,
): Promise<AuditedReference[]> {
  const all = await collect(config);
  const asked = all.filter((one) => isAsked(one, sources));
  using resolutions = await resolveEach(asked.map(requestOf), sourcesOf(sources));
  const outcomes = new Map(asked.map((one, at) => [one, resolutions.all[at]!]));
  return all.map((one) => {
    const { base: known, error } = one;
    const outcome = outcomes.get(one);
    if (outcome === undefined) {
      const why = error ?? sources.blocked ?? sources.vaultError ?? noVault();
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

async function collect(config: Config): Promise<Found[]> {
  const positions = positionsOf(config.text);
  const place = (field: Parameters<typeof formatField>[0]): Position =>
    positionOf(positions, config.table, field);
  const fields = await Promise.all(
    findReferences(config.table).map(async (found) => {
      const at = fieldOfForm(found.field, found.form);
      const logicalField = formatField(found.field);
      const { value: read } = attempt(() => readReference(found)); // its errors come again below
      const { value: reference, error } = attempt(() => referenceOf(config, found));
      const base = {
        field: formatField(at),
        logicalField,
        component: componentOf(logicalField),
        form: found.form,
        position: place(at),
        sourceKind: read?.kind,
        source: reference === undefined ? plainText(read) : sourceText(reference.source),
        ref: read?.ref,
        required: read?.required ?? true,
        fingerprint: read && await fingerprintOf(found),
      };
      return { base, reference, error };
    }),
  );
  const helpers = helperReferences(config.table).map(({ ref, field }): Found => ({
    base: {
      field: `${field}.ref`,
      logicalField: field,
      component: "helper",
      form: "helper",
      position: place(fieldOfHelper(field)),
      sourceKind: "vault",
      source: formatVaultRef(ref),
      ref,
      required: true,
      fingerprint: undefined,
    },
    reference: { source: { kind: "vault", ref }, required: true, maxBytes: undefined },
    error: undefined,
  }));
  return [...fields, ...helpers];
}

/** The source of a reference that may not be used. */
function plainText(read: SecretTable | undefined): string | undefined {
  if (read?.kind === "vault") return formatVaultRef(read.ref!);
  return read?.kind === "env" ? `env:${read.variable}` : read?.kind;
}

/** `helper.git.map[0]`, whose protocol may be a quoted key. */
function fieldOfHelper(text: string): readonly (string | number)[] {
  const [, protocol, at] = /^helper\.(.+)\.map\[(\d+)\]$/.exec(text) ?? [];
  const name = protocol?.startsWith('"') ? String(JSON.parse(protocol)) : protocol!;
  return ["helper", name, "map", Number(at), "ref"];
}

function isAsked({ reference }: Found, { vault, blocked }: AuditSources): boolean {
  if (reference === undefined || blocked !== undefined) return false;
  return reference.source.kind !== "vault" || vault !== undefined;
}

function requestOf({ reference }: Found): SecretRequest {
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

/** A source as people write it. An exec source is its program alone: arguments may be anything. */
function sourceText(source: SecretRef): string {
  switch (source.kind) {
    case "vault":
      return formatVaultRef(source.ref);
    case "env":
      return `env:${source.variable}`;
    case "file":
      return `file:${source.path}`;
    case "exec":
      return `exec:${source.command[0]}`;
    case "auth":
      return `auth:${source.profile}`;
  }
}

function attempt<T>(
  body: () => T,
): { readonly value?: T; readonly error: PalyraError | undefined } {
  try {
    return { value: body(), error: undefined };
  } catch (error) {
    return { error: typed(error) };
  }
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
