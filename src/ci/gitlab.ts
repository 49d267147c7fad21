/**
 * GitLab: a file for `artifacts:reports:dotenv` (docs.gitlab.com, "Pass dotenv variables to specific
 * jobs"). Nothing in it is masked.
 */

import { encodeUtf8 } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import { requireWithout, type Variable } from "./variable.ts";

/** The file must be smaller. */
const MAX_BYTES = 5_120;

/** Throws `usage` for a value with blanks, quotes, backslashes or line ends, and for too much of it. */
export function formatGitlab(variables: readonly Variable[]): string {
  const lines = variables.map((variable) => {
    requireWithout(
      variable,
      /[\s'"`\\\p{Cc}]/u,
      "a GitLab report takes no blanks, quotes, backslashes or line ends",
    );
    requireWithout(variable, /^$/, "a GitLab report takes no empty value");
    return `${variable.name}=${variable.text}\n`;
  });
  const text = lines.join("");
  if (encodeUtf8(text).length < MAX_BYTES) return text;
  throw new PalyraError(
    "usage",
    `Cannot export: a GitLab report must be smaller than ${MAX_BYTES} bytes`,
  );
}
