/** One reference or field, explained: where it is defined, who uses it, what would be read, why it fails. */

import { formatField, parseField } from "../config/field.ts";
import { heldForms, withoutSuffix } from "../config/logical_secret.ts";
import { fieldsBySecret } from "../config/references.ts";
import { positionsOf } from "../config/toml_positions.ts";
import { positionOf } from "../config/validate.ts";
import { isPalyraError, PalyraError } from "../errors.ts";
import { readSecret } from "../vault/read_secret.ts";
import { currentVersion } from "../vault/catalog.ts";
import {
  formatSecretId,
  formatVaultRef,
  parseVaultRef,
  type VaultRef,
} from "../vault/vault_ref.ts";
import type { AuditSubject } from "./audit.ts";
import { profilesThatName } from "./audited_profiles.ts";
import type { AuditedReference } from "./audited_reference.ts";
import type { Place } from "./finding.ts";
import { remedyOf } from "./reference_findings.ts";
import { auditReferences } from "./references.ts";

/** A secret of the vault. */
export interface ExplainedSecret {
  readonly kind: "vault_secret";
  readonly ref: string;
  readonly status: "stored" | "missing" | "expired" | "unreadable";
  readonly version: number | undefined;
  readonly updatedAt: string | undefined;
  readonly expiresAt: string | undefined;
  /** The fields that name it, and the auth profiles that do, as `auth_profile:ID`. */
  readonly usedBy: readonly string[];
  /** Why it cannot be read. */
  readonly error: PalyraError | undefined;
}

/** A field of the config, or of the auth profiles. */
export interface ExplainedField {
  readonly kind: "field";
  readonly field: string;
  /** Every form in which the config holds it; more than one is a conflict. */
  readonly forms: readonly ExplainedForm[];
}

/** One form of a field, and where it stands. */
export interface ExplainedForm {
  readonly form: string;
  readonly place: Place;
  /** `undefined` for a value that stands in the config itself. */
  readonly reference: AuditedReference | undefined;
  readonly remedy: string | undefined;
}

/**
 * Explains a reference, or a field: of the config, and where that holds nothing, of the auth profiles.
 * Throws `not_found` for a field that holds nothing in either.
 */
export async function explain(
  subject: AuditSubject,
  text: string,
): Promise<ExplainedSecret | ExplainedField> {
  const ref = refOf(text);
  return ref === undefined ? await explainField(subject, text) : await explainSecret(subject, ref);
}

function refOf(text: string): VaultRef | undefined {
  try {
    return parseVaultRef(text);
  } catch (error) {
    if (!isPalyraError(error, "usage") || /[/#]/.test(text)) throw error;
    return undefined;
  }
}

async function explainSecret(
  { config, profiles, sources: { vault, vaultError } }: AuditSubject,
  ref: VaultRef,
): Promise<ExplainedSecret> {
  const id = formatSecretId(ref);
  const fields = config === undefined ? [] : fieldsBySecret(config.table).get(id) ?? [];
  const usedBy = [...fields, ...profilesThatName(profiles, id)];
  const known = { kind: "vault_secret", ref: formatVaultRef(ref), usedBy } as const;
  const nothing = { version: undefined, updatedAt: undefined, expiresAt: undefined };
  if (vault === undefined) {
    const error = vaultError ??
      new PalyraError("not_found", `Cannot read ${known.ref}: there is no vault yet`);
    const status = vaultError === undefined ? "missing" : "unreadable";
    return { ...known, ...nothing, status, error };
  }
  try {
    using opened = await readSecret(vault, ref);
    const { version, createdAt, expiresAt } = opened;
    return {
      ...known,
      status: "stored",
      version,
      updatedAt: createdAt,
      expiresAt,
      error: undefined,
    };
  } catch (error) {
    if (!isPalyraError(error)) throw error;
    const row = currentVersion(vault.database, ref);
    const isExpired = error.code === "not_found" && row !== undefined && ref.version === undefined;
    const status = isExpired ? "expired" : error.code === "not_found" ? "missing" : "unreadable";
    return {
      ...known,
      ...nothing,
      status,
      expiresAt: isExpired ? row.expiresAt : undefined,
      error,
    };
  }
}

async function explainField(subject: AuditSubject, text: string): Promise<ExplainedField> {
  const { config } = subject;
  const field = withoutSuffix(parseField(text));
  const name = formatField(field);
  const references = (await auditReferences(subject, subject.sources))
    .filter(({ logicalField }) => logicalField === name);
  const forms = references.filter(({ form }) => form !== "auth_profile").map(explained);
  const inline = config === undefined || typeof field.at(-1) !== "string"
    ? undefined
    : heldForms(config.table, field).find(({ form }) => form === "inline");
  if (inline !== undefined) {
    const position = positionOf(positionsOf(config!.text), config!.table, field);
    forms.unshift({
      form: "inline",
      place: { path: config!.location.path, ...position },
      reference: undefined,
      remedy: "palyra secrets plan shows how it moves into the vault",
    });
  }
  if (forms.length === 0) forms.push(...references.map(explained));
  if (forms.length > 0) return { kind: "field", field: name, forms };
  throw new PalyraError("not_found", `Cannot explain ${name}: the config holds nothing there`, {
    hint: "palyra secrets inventory lists the fields that refer to secrets",
  });
}

function explained(reference: AuditedReference): ExplainedForm {
  const { form, place, status } = reference;
  const remedy = status === "resolved" ? undefined : remedyOf(reference);
  return { form, place, reference, remedy };
}
