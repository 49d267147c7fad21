/** `palyra help exit-codes`: the frozen table of exit statuses. */

import { EXIT_STATUSES, type ExitStatus, OTHER_STATUSES } from "../exit_status.ts";
import type { ListView } from "../view.ts";

/** Lists status, code and meaning, by status. */
export function helpExitCodes(): ListView {
  const rows: (ExitStatus & { readonly code: string })[] = [
    ...Object.entries(EXIT_STATUSES).map(([code, row]) => ({ ...row, code })),
    ...OTHER_STATUSES.map((row) => ({ ...row, code: "" })),
  ].sort((a, b) => a.status - b.status);
  const lines = rows.map(({ status, label = `${status}`, code, when }) =>
    `${label.padStart(5)}  ${code.padEnd(12)}  ${when}`
  );
  const items = rows.map(({ status, code, when }) => ({ status, code, when }));
  return { kind: "list", field: "exit_codes", items, text: lines.join("\n") };
}
