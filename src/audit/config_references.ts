/** Every reference of a config, where it stands; nothing is resolved here. */

import type { Config } from "../config/config.ts";
import { type Field, formatField } from "../config/field.ts";
import { fingerprintOf } from "../config/fingerprint.ts";
import { fieldOfForm } from "../config/logical_secret.ts";
import { referenceOf } from "../config/lookup.ts";
import { findReferences, mapSources, readReference } from "../config/references.ts";
import type { SecretTable } from "../config/secret_table.ts";
import { positionsOf } from "../config/toml_positions.ts";
import { positionOf } from "../config/validate.ts";
import { isPalyraError, PalyraError } from "../errors.ts";
import type { SecretRef } from "../resolver/secret_ref.ts";
import { formatVaultRef } from "../vault/vault_ref.ts";
import type { CollectedReference } from "./audited_reference.ts";
import { componentOf, type Place } from "./finding.ts";

/**
 * Collects them in the order of the config, those of helpers last. `blocked`: why none of them may be
 * resolved.
 */
export async function referencesOfConfig(
  config: Config,
  blocked: PalyraError | undefined,
): Promise<CollectedReference[]> {
  const positions = positionsOf(config.text);
  const place = (field: Field): Place => ({
    path: config.location.path,
    ...positionOf(positions, config.table, field),
  });
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
        place: place(at),
        sourceKind: read?.kind,
        source: reference === undefined ? plainText(read) : sourceText(reference.source),
        ref: read?.ref,
        required: read?.required ?? true,
        fingerprint: read && await fingerprintOf(found),
      };
      return { base, reference, error, blocked };
    }),
  );
  const helpers = mapSources(config.table).flatMap(({ source, field }): CollectedReference[] => {
    if (source !== undefined && source.kind !== "vault") return [];
    const ref = source?.ref;
    const base = {
      field: `${field}.ref`,
      logicalField: field,
      component: "helper",
      form: "helper",
      place: place(fieldOfHelper(field)),
      sourceKind: source?.kind,
      source: ref && formatVaultRef(ref),
      ref,
      required: true,
      fingerprint: undefined,
    } as const;
    const reference = source && { source, required: true, maxBytes: undefined };
    return [{ base, reference, error: reference ? undefined : noReference(base.field), blocked }];
  });
  return [...fields, ...helpers];
}

function noReference(field: string): PalyraError {
  return new PalyraError("usage", `Cannot use ${field}: it is no reference`);
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
    if (!isPalyraError(error)) throw error; // a bug, not a finding
    return { error };
  }
}
