/** `palyra secrets plan`: the steps that would repair what the audit finds. */

import { type Plan, planRepairs } from "../../audit/plan.ts";
import type { PlanStep } from "../../audit/plan_step.ts";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import type { App } from "../app.ts";
import { openSubject } from "../audit/subject.ts";
import { shown } from "../shown.ts";
import type { JsonObject, RecordView } from "../view.ts";

/** Flags of `secrets plan`. */
export interface SecretsPlanFlags {
  readonly out?: string | undefined;
}

/** Prints the plan, or writes it to a file. Changes nothing else. */
export async function secretsPlan(app: App, { out }: SecretsPlanFlags): Promise<RecordView> {
  using subject = await openSubject(app.unattended());
  const plan = await planRepairs(subject);
  const json = planJson(plan);
  if (out !== undefined) {
    const text = JSON.stringify({ schema_version: 1, ...json }, null, 2);
    app.platform.userFiles.replace(out, encodeUtf8(`${text}\n`));
  }
  const { steps } = plan;
  const lines = steps.length === 0 ? ["nothing to do"] : steps.map(stepText);
  if (out !== undefined) lines.push(`written to ${out}`);
  return { kind: "record", json, text: lines.map(shown).join("\n") };
}

/** The document. Public: fields are added, never renamed. */
export function planJson({ plan_id, config, vault_id, steps }: Plan): JsonObject {
  return {
    kind: "palyra.secrets.plan",
    plan_id,
    config,
    vault_id,
    steps: steps.map((step, at) => ({ number: at + 1, ...step })),
  };
}

/** A line for people. */
export function stepText(step: PlanStep): string {
  switch (step.action) {
    case "move_inline_value":
      return `move      ${step.field} to ${step.ref}${step.is_stored ? ", which holds it" : ""}  ` +
        `(${step.apply_mode})`;
    case "drop_form":
      return `drop      the ${step.form} form of ${step.field}  (${step.apply_mode})`;
    case "remove_backup":
      return `remove    ${step.path}`;
    case "tighten_mode":
      return `chmod     ${step.mode} ${step.path}`;
    case "manual":
      return `by hand   ${step.field ?? step.ref ?? step.path ?? step.code}: ${step.note}`;
  }
}
