/** `palyra completions`: the script that makes a shell complete palyra's command lines. */

import type { App } from "../app.ts";
import type { NoFlags } from "../command.ts";
import type { RecordView } from "../view.ts";

/** Shells that there is a script for. */
export type Shell = "bash" | "zsh" | "fish" | "powershell";

/** Prints the script of a shell. */
export async function completions(
  _app: App,
  _flags: NoFlags,
  shell: Shell,
): Promise<RecordView> {
  const { script } = await scriptOf(shell);
  return { kind: "record", json: { shell, script }, text: script.trimEnd() };
}

function scriptOf(shell: Shell): Promise<{ readonly script: string }> {
  switch (shell) {
    case "bash":
      return import("../completion_scripts/bash.ts");
    case "zsh":
      return import("../completion_scripts/zsh.ts");
    case "fish":
      return import("../completion_scripts/fish.ts");
    case "powershell":
      return import("../completion_scripts/powershell.ts");
  }
}
