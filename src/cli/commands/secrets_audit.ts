/** `palyra secrets audit`: every reference and everything that should not be as it is. */

import { audit, type AuditReport, strictFailure, summaryOf } from "../../audit/audit.ts";
import { inOrder } from "../../audit/finding.ts";
import { findingJson, findingLines, referenceJson } from "../../audit/finding_view.ts";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import type { App } from "../app.ts";
import { type OpenSubject, openSubject } from "../audit/subject.ts";
import { PalyraError } from "../../errors.ts";
import { showProgress } from "../progress.ts";
import { counted } from "../counted.ts";
import { shown } from "../shown.ts";
import type { View } from "../view.ts";

/** Flags of `secrets audit`. */
export interface SecretsAuditFlags {
  readonly strict?: boolean | undefined;
  /** Files and directories to search for values of the vault. */
  readonly scan?: readonly string[] | undefined;
  readonly format?: "json" | "sarif" | undefined;
}

/** Reports in full, then fails with `findings` if `--strict` and something is blocking. */
export async function secretsAudit(app: App, flags: SecretsAuditFlags): Promise<View> {
  using subject = await openSubject(app.unattended());
  const { scan, ...report } = await auditAll(app, subject, flags.scan ?? []);
  const summary = summaryOf(report);
  const failed = flags.strict ? strictFailure(summary) : undefined;
  const failure = failed === undefined ? {} : { failure: failed };
  if (flags.format === "sarif") {
    const { sarifOf } = await import("../../audit/sarif.ts");
    const text = JSON.stringify(await sarifOf(report.findings, app.version));
    return {
      kind: "bytes",
      bytes: new SensitiveBytes(encodeUtf8(`${text}\n`)),
      newlineOnTerminal: false,
      [Symbol.dispose]: () => {},
      ...failure,
    };
  }
  const json = {
    path: subject.config?.location.path,
    references: report.references.map(referenceJson),
    findings: report.findings.map(findingJson),
    summary,
    scan,
  };
  const lines = findingLines(report, summary);
  if (scan !== undefined) {
    const [files, bytes] = [counted(scan.files, "file"), counted(scan.bytes, "byte")];
    lines.push(`searched ${files}, ${bytes}, for ${counted(scan.secrets, "secret")}`);
  }
  const text = lines.map(shown).join("\n"); // a file may be called anything
  return { kind: "record", json, text, ...failure, ...(flags.format ? { as: "json" } : {}) };
}

interface Scanned extends AuditReport {
  readonly scan: { files: number; bytes: number; secrets: number } | undefined;
}

async function auditAll(
  app: App,
  subject: OpenSubject,
  paths: readonly string[],
): Promise<Scanned> {
  const roots = await Promise.all(paths.map((path) => rootOf(app, path)));
  const report = await audit(subject);
  if (roots.length === 0) return { ...report, scan: undefined };
  const { findElsewhere, requireVault } = await import("../../audit/scan_findings.ts");
  const { vault, vaultError } = subject.sources;
  const { platform } = app;
  using watched = showProgress(app, "searched");
  const found = await findElsewhere(requireVault(vault, vaultError), {
    trees: await platform.trees(),
    processes: platform.processes,
    roots: [...new Set(roots)],
    progress: watched.report,
  });
  const { files, bytes } = found.report;
  return {
    references: report.references,
    findings: inOrder([...report.findings, ...found.findings]),
    scan: { files, bytes, secrets: found.secrets },
  };
}

/** What is named may be a link; what is found below it is not followed. Throws `usage` for nothing. */
async function rootOf({ platform }: App, path: string): Promise<string> {
  const real = (await platform.documents()).realPath(path);
  if (real !== undefined) return real;
  throw new PalyraError("usage", `Cannot search ${path}: no such file or directory`);
}
