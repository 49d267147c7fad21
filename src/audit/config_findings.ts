/** What the text of a config alone gives away: inline secrets, conflicts, what nobody will read. */

import type { Config } from "../config/config.ts";
import { type Field, fieldValue, formatField } from "../config/field.ts";
import {
  fieldOfForm,
  generalForm,
  heldForms,
  isBlank,
  KNOWN_SECRETS,
  REF_SUFFIXES,
  soundsSecret,
} from "../config/logical_secret.ts";
import { findReferences, stepTo } from "../config/references.ts";
import { isTable, type TomlTable, type TomlValue } from "../config/toml_document.ts";
import { positionsOf } from "../config/toml_positions.ts";
import { positionOf } from "../config/validate.ts";
import { componentOf, type Finding, finding, type Place } from "./finding.ts";

/** A secret that the config holds itself. */
export interface InlineSecret {
  readonly field: Field;
  readonly value: TomlValue;
}

/** All findings of the text. */
export function findInConfig(config: Config): Finding[] {
  const { table, text, location } = config;
  const positions = positionsOf(text);
  const place = (field: Field): Place => ({
    path: location.path,
    ...positionOf(positions, table, field),
  });
  const inline = inlineSecrets(table).map(({ field, value }) => {
    const name = formatField(field);
    return finding("inline_secret_configured", {
      component: componentOf(name),
      field: name,
      place: place(field),
      message: "the config holds the secret itself",
      remedy: typeof value === "string"
        ? "palyra secrets plan shows how it moves into the vault; palyra secrets apply does it"
        : "No reference can stand for it: store its entries by name, as other secrets",
    });
  });
  const conflicts = conflictingFields(table).map((field) => {
    const forms = heldForms(table, field).map(({ form }) => form);
    const name = formatField(field);
    return finding("conflicting_secret_forms", {
      component: componentOf(name),
      field: name,
      place: place(fieldOfForm(field, forms[0]!)),
      message: `the secret is held in ${forms.length} forms: ${forms.join(", ")}`,
      remedy: "Leave one of them; palyra secrets plan proposes which",
    });
  });
  return [...inline, ...conflicts, ...shadowed(table, place)];
}

/** Secrets in the clear: fields that are known to be secrets, and those whose name says so. */
export function inlineSecrets(table: TomlTable): InlineSecret[] {
  const found: InlineSecret[] = [];
  const known = new Set(
    KNOWN_SECRETS.filter(({ forms }) => forms.includes("inline")).map(({ field }) => field),
  );
  function walk(value: TomlValue, field: Field): void {
    if (isTable(value)) {
      for (const [key, inner] of Object.entries(value)) {
        if (!key.endsWith(REF_SUFFIXES.secret_ref)) walk(inner, [...field, key]);
      }
      return;
    }
    const key = field.findLast((step) => typeof step === "string");
    const isSecret = known.has(generalForm(field)) ||
      (typeof key === "string" && soundsSecret(key));
    if (Array.isArray(value) && !(isSecret && value.some((one) => typeof one === "string"))) {
      value.forEach((entry, at) => walk(entry, [...field, stepTo(value, at)]));
    } else if (
      isSecret && (Array.isArray(value) || (typeof value === "string" && !isBlank(value)))
    ) {
      found.push({ field, value });
    }
  }
  walk(table, []);
  return found;
}

/** Fields that are held in more than one form. */
export function conflictingFields(table: TomlTable): Field[] {
  const fields = new Map<string, Field>();
  for (const { field } of findReferences(table)) {
    if (heldForms(table, field).length > 1) fields.set(formatField(field), field);
  }
  return [...fields.values()];
}

/** An auth profile comes before every key of the same provider. */
function shadowed(table: TomlTable, place: (field: Field) => Place): Finding[] {
  const profile = ["auth_profile_id", "auth_profile_ref"].find((key) => {
    const value = fieldValue(table, ["model_provider", key]);
    return typeof value === "string" && !isBlank(value);
  });
  if (profile === undefined) return [];
  return findReferences(table)
    .filter(({ field }) => field.length === 2 && field[0] === "model_provider")
    .map(({ field, form }) => {
      const at = fieldOfForm(field, form);
      return finding("legacy_vault_ref_shadowed", {
        component: "model_provider",
        field: formatField(at),
        place: place(at),
        message: `model_provider.${profile} is set, and comes before it`,
        remedy: "Remove the one that is not meant",
      });
    });
}
