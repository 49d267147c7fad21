/** Files for systemd's `EnvironmentFile=` (systemd.exec(5)). */

import type { Variable } from "./variable.ts";

/** In double quotes `"`, `\`, backtick and `$` need a backslash; line ends stay as they are. */
export function formatSystemdEnv(variables: readonly Variable[]): string {
  return variables.map(({ name, text }) => `${name}="${text.replaceAll(/["\\`$]/g, "\\$&")}"\n`)
    .join("");
}
