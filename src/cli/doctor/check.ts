/** One thing that the doctor looks at, and how it is told. */

import { PalyraError } from "../../errors.ts";

/** What was found. */
export interface Check {
  /** Public: add one, never rename one. Parts of a check are named `<check>.<part>`. */
  readonly id: string;
  readonly status: "ok" | "warn" | "fail" | "skipped";
  /** What is so, in one clause. */
  readonly cause: string;
  /** What to do about it; empty where there is nothing to do. */
  readonly remedy: string;
}

/** Every check by its id. */
export const CHECK_IDS = [
  "state_root",
  "owners",
  "modes",
  "identity",
  "protection",
  "certificates",
  "devices",
  "auth_profiles",
  "backend",
  "backend.tool",
  "backend.bus",
  "backend.service",
  "backend.lock",
  "backend.canary",
  "database",
  "config",
  "clock",
] as const;

/** The id of a check. */
export type CheckId = typeof CHECK_IDS[number];

/** All is well. */
export function ok(id: CheckId, cause: string): Check {
  return { id, status: "ok", cause, remedy: "" };
}

/** Something works, but not as it should. */
export function warn(id: CheckId, cause: string, remedy: string): Check {
  return { id, status: "warn", cause, remedy };
}

/** Something does not work. */
export function fail(id: CheckId, cause: string, remedy: string): Check {
  return { id, status: "fail", cause, remedy };
}

/** It could not be looked at, or there is nothing to look at. */
export function skipped(id: CheckId, cause: string): Check {
  return { id, status: "skipped", cause, remedy: "" };
}

/** What an error says. Throws one that is not palyra's own: that is a bug, not a finding. */
export function failed(id: CheckId, error: unknown): Check {
  if (!(error instanceof PalyraError)) throw error;
  return fail(id, error.message, error.hint ?? "");
}

/** The failure that ends a report; `undefined` where there is nothing to fail for. */
export function findingsFailure(failures: number, warnings: number): PalyraError | undefined {
  const told = ([[failures, "failure"], [warnings, "warning"]] as const)
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}${count === 1 ? "" : "s"}`);
  return told.length === 0 ? undefined : new PalyraError("findings", `Found ${told.join(" and ")}`);
}
