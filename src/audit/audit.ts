/** The audit: every reference with what became of it, and everything that should not be as it is. */

import { PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import type { AuditedReference } from "./audited_reference.ts";
import { findInConfig } from "./config_findings.ts";
import { type Finding, finding, inOrder } from "./finding.ts";
import { findBackups, findWideModes, plaintextBackups, wideModes } from "./permission_findings.ts";
import { findMissingProfiles, findUnreadable } from "./profile_findings.ts";
import { findInReferences, findUnused } from "./reference_findings.ts";
import { auditReferences, type AuditSources, type ReferenceOwners } from "./references.ts";

/** What is audited. */
export interface AuditSubject extends ReferenceOwners {
  readonly platform: Platform;
  readonly stateRoot: string;
  readonly sources: AuditSources;
}

/** What was found. */
export interface AuditReport {
  readonly references: readonly AuditedReference[];
  readonly findings: readonly Finding[];
}

/** Looks at config and auth profiles, their references, and who else can get at them. Changes nothing. */
export async function audit(subject: AuditSubject): Promise<AuditReport> {
  const { platform, stateRoot, config, profiles, sources: { vault, blocked } } = subject;
  const references = await auditReferences(subject, subject.sources);
  // Of a config that is not trusted, what its text alone says is told all the same.
  const told = blocked === undefined
    ? references
    : references.filter(({ status, form }) => status === "invalid" || form === "auth_profile");
  const findings: Finding[] = [
    ...findWideModes(wideModes(platform, stateRoot, config)),
    ...findBackups(await plaintextBackups(platform, config)),
    ...findInReferences(told),
    ...findUnreadable(profiles),
  ];
  if (config !== undefined) {
    findings.push(
      ...findInConfig(config),
      ...findMissingProfiles(config, profiles),
      ...await findUnused(config, profiles, vault),
    );
    if (blocked !== undefined) findings.push(untrusted(config.location.path, blocked));
  }
  return { references, findings: inOrder(findings) };
}

/** How many findings there are of each severity. */
export interface AuditSummary {
  readonly total_references: number;
  readonly resolved_references: number;
  readonly blocking_findings: number;
  readonly warning_findings: number;
  readonly info_findings: number;
}

/** Counts. */
export function summaryOf({ references, findings }: AuditReport): AuditSummary {
  const count = (wanted: Finding["severity"]): number =>
    findings.filter(({ severity }) => severity === wanted).length;
  return {
    total_references: references.length,
    resolved_references: references.filter(({ status }) => status === "resolved").length,
    blocking_findings: count("blocking"),
    warning_findings: count("warning"),
    info_findings: count("info"),
  };
}

/** The failure of a strict audit that found something blocking. */
export function strictFailure({ blocking_findings: count }: AuditSummary): PalyraError | undefined {
  if (count === 0) return undefined;
  const what = count === 1 ? "1 blocking finding" : `${count} blocking findings`;
  return new PalyraError("findings", `Found ${what}`);
}

function untrusted(path: string, { hint, message }: PalyraError): Finding {
  return finding("untrusted_config", {
    component: "config",
    place: { path },
    message: `nothing that it names was read: ${message.slice(message.indexOf(": ") + 2)}`,
    remedy: hint ?? "palyra config trust",
  });
}
