/** The steps of a plan: names and places, never a value. */

import type { SecretForm } from "../config/logical_secret.ts";
import type { Finding } from "./finding.ts";

/** What has to be done so that a step is in force, as the original names it. */
export type ApplyMode =
  | "daemon_restart_required"
  | "browserd_restart_required"
  | "live_reference"
  | "immediate";

/** One step. */
export type PlanStep =
  | {
    /** Store the inline value, let the field name it, and take the inline value away. */
    readonly action: "move_inline_value";
    readonly apply_mode: ApplyMode;
    readonly field: string;
    readonly ref: string;
    /** The current version of the secret; 0: there is none. */
    readonly expected_version: number;
    /** The vault holds the very value already. */
    readonly is_stored: boolean;
  }
  | {
    /** Take away one of two forms. */
    readonly action: "drop_form";
    readonly apply_mode: ApplyMode;
    readonly field: string;
    readonly form: Exclude<SecretForm, "inline">;
  }
  | {
    /** Remove an old copy of the config, all of whose secrets are in the vault. */
    readonly action: "remove_backup";
    readonly apply_mode: "immediate";
    readonly path: string;
    readonly sha256: string;
  }
  | {
    readonly action: "tighten_mode";
    readonly apply_mode: "immediate";
    readonly path: string;
    /** Octal digits. */
    readonly mode: string;
  }
  | {
    /** Nothing that palyra can do: a person has to. */
    readonly action: "manual";
    readonly code: Finding["code"];
    readonly field?: string | undefined;
    readonly ref?: string | undefined;
    readonly path?: string | undefined;
    readonly note: string;
  };

/** Whether palyra does a step itself. */
export function isAutomatic(step: PlanStep): boolean {
  return step.action !== "manual";
}

/** What a step is known by when it is computed anew: its action and its subject. */
export function keyOf(step: PlanStep): string {
  return JSON.stringify([
    step.action,
    "field" in step ? step.field : undefined,
    "path" in step ? step.path : undefined,
  ]);
}

/** The apply mode of a field. */
export function applyModeOf(field: string): ApplyMode {
  if (field === "tool_call.browser_service.state_key") return "browserd_restart_required";
  return /^(?:model_provider|admin|tool_call\.browser_service)\./.test(field)
    ? "daemon_restart_required"
    : "live_reference";
}
