/**
 * Azure Pipelines: logging commands that mask, then set secret variables (learn.microsoft.com,
 * "Logging commands").
 */

import { maskedForms } from "./masks.ts";
import { cannotExport, requireWithout, type Variable } from "./variable.ts";

/** The system keeps variables that begin like this for itself, in upper or lower case. */
const KEPT = /^(?:endpoint|input|secret|path|securefile)/i;

/**
 * All masks, then all variables. Throws `usage` for a value of several lines, which Azure does not
 * keep secret, a blank one, and a name that is the system's.
 */
export function exportToAzure(variables: readonly Variable[]): string {
  for (const variable of variables) {
    if (KEPT.test(variable.name)) throw cannotExport(variable, "Azure keeps such names for itself");
    requireWithout(variable, /[\r\n]/, "Azure cannot keep a value of several lines secret");
    requireWithout(variable, /^\s*$/, "Azure does not mask a blank value");
  }
  const masks = maskedForms(variables).map((form) => `##vso[task.setsecret]${escapeData(form)}\n`);
  const set = variables.map(({ name, text }) =>
    `##vso[task.setvariable variable=${name};isOutput=false;issecret=true;]${escapeData(text)}\n`
  );
  return [...masks, ...set].join("");
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%AZP25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
