/**
 * The plan: steps that would repair what the audit finds, in the order in which they are done. It holds
 * names, places and digests, never a value.
 */

import { sha256Hex } from "../crypto/digest.ts";
import { encodeUtf8 } from "../crypto/encoding.ts";
import { audit, type AuditSubject } from "./audit.ts";
import type { Finding } from "./finding.ts";
import { planBackups } from "./plan_backups.ts";
import { planConflicts } from "./plan_conflicts.ts";
import { planInline } from "./plan_inline.ts";
import type { PlanStep } from "./plan_step.ts";
import { wideModes } from "./permission_findings.ts";

/** A plan, and what it was computed from. */
export interface Plan {
  /** SHA-256 of all the rest. */
  readonly plan_id: string;
  readonly config: { readonly path: string; readonly sha256: string } | undefined;
  readonly vault_id: string | undefined;
  readonly steps: readonly PlanStep[];
}

/** Computes the plan for what is so now. Changes nothing. */
export async function planRepairs(subject: AuditSubject): Promise<Plan> {
  const { config, sources: { vault, blocked }, platform, stateRoot } = subject;
  const report = await audit(subject);
  const steps: PlanStep[] = [];
  if (config !== undefined && blocked === undefined) {
    steps.push(...await planInline(subject, config));
    steps.push(...planConflicts(config, report.references));
    steps.push(...await planBackups(subject, config));
  }
  for (const { path, mode, isOurs } of wideModes(platform, stateRoot, config)) {
    if (!isOurs) continue;
    steps.push({
      action: "tighten_mode",
      apply_mode: "immediate",
      path,
      mode: mode.toString(8).padStart(4, "0"),
    });
  }
  steps.push(...left(report.findings, steps));
  const of = config && { path: config.location.path, sha256: config.digest! };
  return await sealed({ config: of, vault_id: vault?.vaultId, steps });
}

/** The plan with the digest of its content. */
export async function sealed(content: Omit<Plan, "plan_id">): Promise<Plan> {
  const { config, vault_id, steps } = content;
  const text = JSON.stringify([config ?? null, vault_id ?? null, steps]);
  return { plan_id: await sha256Hex(encodeUtf8(text)), config, vault_id, steps };
}

/** Findings that no step repairs. */
function left(findings: readonly Finding[], steps: readonly PlanStep[]): PlanStep[] {
  const fields = new Set(
    steps.flatMap((step) => step.action !== "manual" && "field" in step ? [step.field] : []),
  );
  const paths = new Set(steps.flatMap((step) => "path" in step ? [step.path] : []));
  const told = new Set(
    steps.flatMap((step) => step.action === "manual" && step.field ? [step.field] : []),
  );
  return findings.flatMap(({ code, severity, field, ref, place, remedy }) => {
    const logical = field?.replace(/_(?:vault|secret)_ref$/, "");
    if (severity === "info") return [];
    if (logical !== undefined && (fields.has(logical) || told.has(logical))) return [];
    if (field === undefined && place !== undefined && paths.has(place.path)) return [];
    return [{ action: "manual", code, field, ref, path: place?.path, note: remedy }];
  });
}
