/**
 * Buildkite: JSON for `buildkite-agent redactor add --format json`, and then for `buildkite-agent
 * env set --input-format json -` (buildkite.com/docs/agent/v3/cli-redactor).
 */

import { encodeUtf8 } from "../crypto/encoding.ts";
import { maskedForms } from "./masks.ts";
import { cannotExport, type Variable } from "./variable.ts";

/** What the redactor gets on standard input first, and what is printed then. */
export interface BuildkiteExport {
  readonly redactions: string;
  readonly environment: string;
}

/** The agent does not redact what is shorter. */
const MIN_REDACTED_BYTES = 6;

/** Throws `usage` for a value that the agent would not redact, unless that is allowed. */
export function exportToBuildkite(
  variables: readonly Variable[],
  allowUnmasked: boolean,
): BuildkiteExport {
  for (const variable of variables) {
    if (allowUnmasked || encodeUtf8(variable.text.trim()).length >= MIN_REDACTED_BYTES) continue;
    throw cannotExport(
      variable,
      `Buildkite does not redact a value of less than ${MIN_REDACTED_BYTES} bytes`,
    );
  }
  const forms = maskedForms(variables).map((form, at) => [`form_${at}`, form]);
  return {
    redactions: JSON.stringify(Object.fromEntries(forms)),
    environment: `${JSON.stringify(Object.fromEntries(variables.map((v) => [v.name, v.text])))}\n`,
  };
}
