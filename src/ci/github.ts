/**
 * GitHub Actions: workflow commands that mask, and the text for the file of `$GITHUB_ENV`
 * (docs.github.com, "Workflow commands for GitHub Actions").
 */

import { maskedForms } from "./masks.ts";
import { cannotExport, requireWithout, type Variable } from "./variable.ts";

/** What is printed first, and what is appended to the file then. */
export interface GithubExport {
  readonly masks: string;
  readonly file: string;
}

/** The runner keeps these for itself: it does not take them from the file. */
const KEPT = /^(?:GITHUB_|RUNNER_)|^NODE_OPTIONS$/i;

/**
 * The delimiter ends a value and must be random, so that no value can end itself. Throws `usage` for
 * names that the runner refuses, and for a value that it cannot mask.
 */
export function exportToGithub(variables: readonly Variable[], delimiterId: string): GithubExport {
  const delimiter = `ghadelimiter_${delimiterId}`;
  for (const variable of variables) {
    if (KEPT.test(variable.name)) throw cannotExport(variable, "GitHub refuses this name");
    requireWithout(variable, /^\s*$/, "GitHub does not mask a blank value");
    if (variable.text.includes(delimiter)) throw cannotExport(variable, "it holds the delimiter");
  }
  const masks = maskedForms(variables).map((form) => `::add-mask::${escapeData(form)}\n`);
  const file = variables.map(({ name, text }) => `${name}<<${delimiter}\n${text}\n${delimiter}\n`);
  return { masks: masks.join(""), file: file.join("") };
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
