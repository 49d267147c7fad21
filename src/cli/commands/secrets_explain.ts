/** `palyra secrets explain`: one reference or field, where it comes from and why it would fail. */

import { explain, type ExplainedField, type ExplainedSecret } from "../../audit/explain.ts";
import { referenceJson } from "../../audit/finding_view.ts";
import { PalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import { noteUnreadable, openSubject } from "../audit/subject.ts";
import { shown } from "../shown.ts";
import type { NoFlags } from "../command.ts";
import type { RecordView } from "../view.ts";

/** Explains, then fails as reading a missing or unreadable secret would. */
export async function secretsExplain(
  app: App,
  _flags: NoFlags,
  text: string,
): Promise<RecordView> {
  using subject = await openSubject(app.unattended());
  noteUnreadable(app, subject);
  const told = await explain(subject, text);
  return told.kind === "field" ? fieldView(told) : secretView(told);
}

function secretView(told: ExplainedSecret): RecordView {
  const { kind, ref, status, version, updatedAt, expiresAt, usedBy, error } = told;
  const lines: [string, string | undefined][] = [
    ["reference", ref],
    ["source", "vault"],
    ["status", status],
    ["version", version === undefined ? undefined : String(version)],
    ["updated", updatedAt],
    ["expires", expiresAt],
    ["used by", usedBy.length === 0 ? "nothing in the config, no auth profile" : usedBy.join(", ")],
  ];
  return {
    kind: "record",
    json: {
      kind,
      reference: ref,
      source_kind: "vault",
      status,
      version,
      updated_at: updatedAt,
      expires_at: expiresAt,
      used_by: usedBy,
      error: error && { code: error.code, message: error.message },
    },
    text: textOf(lines),
    ...(error === undefined ? {} : { failure: error }),
  };
}

function fieldView({ kind, field, forms }: ExplainedField): RecordView {
  const blocks = forms.map(({ form, place, reference, remedy }) =>
    textOf([
      ["field", reference?.field ?? field],
      ["defined", `${place.path}:${place.line}:${place.column}`],
      ["form", form],
      ["source", reference === undefined ? "the config itself" : reference.source],
      ["status", reference?.status ?? "inline"],
      ["version", reference?.version === undefined ? undefined : String(reference.version)],
      ["because", reference?.error?.message],
      ["remedy", remedy],
    ])
  );
  const conflict = forms.length < 2 ? undefined : new PalyraError(
    "usage",
    `Cannot use ${field}: the config holds it in ${forms.length} forms`,
    { hint: "Leave one of them; palyra secrets plan proposes which" },
  );
  const error = conflict ?? forms[0]!.reference?.error;
  return {
    kind: "record",
    json: {
      kind,
      field,
      forms: forms.map(({ form, place, reference, remedy }) => ({
        form,
        path: place.path,
        line: place.line,
        column: place.column,
        reference: reference && referenceJson(reference),
        remediation: remedy,
      })),
    },
    text: blocks.join("\n\n"),
    ...(error === undefined ? {} : { failure: error }),
  };
}

function textOf(lines: readonly (readonly [string, string | undefined])[]): string {
  return lines.filter(([, what]) => what !== undefined)
    .map(([name, what]) => shown(`${name.padEnd(9)}  ${what}`)).join("\n");
}
