/** Steps that leave one of two references: the one that the consumers of the config would take. */

import type { Config } from "../config/config.ts";
import { formatField } from "../config/field.ts";
import { heldForms } from "../config/logical_secret.ts";
import type { AuditedReference } from "./audited_reference.ts";
import { conflictingFields } from "./config_findings.ts";
import { applyModeOf, type PlanStep } from "./plan_step.ts";

/**
 * `_secret_ref` comes before `_vault_ref`, unless only the latter leads to a value. Nothing is lost: a
 * secret that is no longer named stays in the vault.
 */
export function planConflicts(
  config: Config,
  references: readonly AuditedReference[],
): PlanStep[] {
  return conflictingFields(config.table).flatMap((field): PlanStep[] => {
    const forms = heldForms(config.table, field).map(({ form }) => form);
    if (forms.includes("inline")) return []; // its step takes away the other forms
    const name = formatField(field);
    // What has the same name elsewhere, in the auth profiles, has no say here.
    const resolved = references.filter(({ logicalField, status, form }) =>
      logicalField === name && status === "resolved" && forms.some((held) => held === form)
    ).map(({ form }) => form);
    if (resolved.length === 0) {
      return [{
        action: "manual",
        code: "conflicting_secret_forms",
        field: name,
        note: "Neither leads to a value: leave the one that is meant",
      }];
    }
    const form = resolved.includes("secret_ref") ? "vault_ref" : "secret_ref";
    return [{ action: "drop_form", apply_mode: applyModeOf(name), field: name, form }];
  });
}
