/** `palyra secrets inventory`: every reference of config and auth profiles with its state; no values. */

import type { AuditedReference } from "../../audit/audited_reference.ts";
import { referenceJson } from "../../audit/finding_view.ts";
import { auditReferences } from "../../audit/references.ts";
import type { App } from "../app.ts";
import { noteUnreadable, openSubject } from "../audit/subject.ts";
import { shown } from "../shown.ts";
import type { NoFlags } from "../command.ts";
import type { ListView } from "../view.ts";

/** Lists them in the order of the config, then of the auth profiles. */
export async function secretsInventory(app: App, _flags: NoFlags): Promise<ListView> {
  using subject = await openSubject(app.unattended());
  const { config, sources } = subject;
  noteUnreadable(app, subject);
  const references = await auditReferences(subject, sources);
  const width = references.reduce((most, { field }) => Math.max(most, field.length), 0);
  return {
    kind: "list",
    field: "references",
    rest: { path: config?.location.path },
    items: references.map(referenceJson),
    text: references.map((one) => shown(`${one.field.padEnd(width)}  ${stateOf(one)}`)).join("\n"),
  };
}

function stateOf({ status, source, version, required, fingerprint }: AuditedReference): string {
  const leads = version === undefined ? "" : ` version ${version}`;
  const soft = required ? "" : "  not required";
  const known = fingerprint === undefined ? "" : `  ${fingerprint}`;
  return `${status.padEnd(9)}  ${source ?? "?"}${leads}${soft}${known}`;
}
