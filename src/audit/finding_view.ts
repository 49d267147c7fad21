/** Findings as JSON and as lines for people. */

import type { AuditReport, AuditSummary } from "./audit.ts";
import type { AuditedReference } from "./audited_reference.ts";
import type { Finding } from "./finding.ts";

/** The object of one finding. Public: fields are added, never renamed. */
export function findingJson(
  { severity, code, component, field, ref, place, message, remedy }: Finding,
): Record<string, unknown> {
  return {
    severity,
    code,
    component,
    field,
    ref,
    path: place?.path,
    line: place?.line,
    column: place?.column,
    message,
    remediation: remedy,
  };
}

/** The object of one reference. */
export function referenceJson(reference: AuditedReference): Record<string, unknown> {
  const { field, component, place, sourceKind, source, required, fingerprint } = reference;
  const { status, version, error, resolvedAt } = reference;
  return {
    field,
    component,
    path: place.path,
    line: place.line,
    column: place.column,
    source_kind: sourceKind,
    ref: source,
    status,
    version,
    required,
    fingerprint,
    resolved_at: resolvedAt,
    error: error && { code: error.code, message: error.message },
  };
}

/** Two lines a finding, and one that counts them. */
export function findingLines({ findings }: AuditReport, summary: AuditSummary): string[] {
  const lines = findings.flatMap((one) => [
    `${one.severity.padEnd(8)}  ${one.code}  ${whereOf(one)}${one.message}`,
    `${" ".repeat(10)}${one.remedy}`,
  ]);
  const { total_references: total, resolved_references: resolved } = summary;
  const counted = [
    `${resolved} of ${total} ${total === 1 ? "reference" : "references"} resolved`,
    `${summary.blocking_findings} blocking`,
    `${summary.warning_findings} ${summary.warning_findings === 1 ? "warning" : "warnings"}`,
    `${summary.info_findings} info`,
  ];
  return [...lines, counted.join(", ")];
}

function whereOf({ place, field, ref }: Finding): string {
  const position = place?.line === undefined
    ? ""
    : place.column === undefined
    ? `:${place.line}`
    : `:${place.line}:${place.column}`;
  const parts = [place && `${place.path}${position}`, field, ref].filter((part) =>
    part !== undefined
  );
  return parts.length === 0 ? "" : `${parts.join(": ")}: `;
}
