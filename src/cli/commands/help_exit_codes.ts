/** `palyra help exit-codes`: the frozen table of exit statuses. */

import { EXIT_STATUSES, OTHER_STATUSES } from "../exit_status.ts";
import type { ListView } from "../view.ts";

/** Lists status, code and meaning, by status. */
export function helpExitCodes(): ListView {
  const coded = Object.entries(EXIT_STATUSES).map(([code, { status, when }]) => ({
    status,
    code,
    when,
  }));
  const items = [
    ...coded,
    ...OTHER_STATUSES.map(({ status, when }) => ({ status, code: "", when })),
  ]
    .sort((a, b) => a.status - b.status);
  const lines = items.map(({ status, code, when }) =>
    `${String(status).padStart(3)}  ${code.padEnd(12)}  ${when}`
  );
  return { kind: "list", field: "exit_codes", items, text: lines.join("\n") };
}
