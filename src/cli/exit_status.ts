/** The frozen table of exit statuses. Scripts depend on it: add a line, never change one. */

import { type ErrorCode, PalyraError } from "../errors.ts";

/** One row of the table. */
export interface ExitStatus {
  readonly status: number;
  /** Where the row is for more than one status. */
  readonly label?: string;
  readonly when: string;
}

/** Exit status and meaning of every error code. */
export const EXIT_STATUSES: Readonly<Record<ErrorCode, ExitStatus>> = {
  internal: { status: 1, when: "a bug in palyra" },
  usage: { status: 2, when: "bad flags, names, values or configuration" },
  auth: { status: 3, when: "a provider refused the credential: log in again" },
  connectivity: { status: 4, when: "network failure, or a timeout of something remote" },
  unavailable: { status: 5, when: "the backend or medium cannot be used here" },
  denied: { status: 6, when: "policy, permissions, an untrusted path or config" },
  precondition: { status: 7, when: "a conflict: moved on, already there, still used, locked" },
  not_found: { status: 8, when: "no such secret, profile, device or request" },
  integrity: { status: 9, when: "wrong key or altered data" },
  findings: { status: 10, when: "a check found something that is not accepted" },
  not_due: { status: 11, when: "needs-renewal only: not due yet" },
  would_prompt: { status: 12, when: "input is needed and prompting is not allowed" },
};

/** Statuses without an error code. */
export const OTHER_STATUSES: readonly ExitStatus[] = [
  { status: 0, when: "done, also when there was nothing to do" },
  { status: 125, when: "run only: palyra failed before the command started; see the error's code" },
  { status: 126, when: "run only: the command cannot be executed" },
  { status: 127, when: "run only: there is no such command" },
  { status: 128, label: "128+N", when: "run only: the command was ended by signal N" },
  { status: 141, when: "standard output was closed before everything was written" },
];

/** Status of `run` when nothing was started, whatever the error. */
export const NOT_STARTED_STATUS = 125;

/** Status of a process whose output nobody reads any more, as if SIGPIPE had ended it. */
export const OUTPUT_CLOSED_STATUS = 141;

/** The exit status of anything thrown. What is not ours is a bug, and bugs exit 1. */
export function exitStatusOf(error: unknown): number {
  return EXIT_STATUSES[error instanceof PalyraError ? error.code : "internal"].status;
}
