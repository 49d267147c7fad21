/** Starts the user's own command: found as `execvp(3)` finds it, with the errors of `env(1)`. */

import { PalyraError } from "../../errors.ts";
import { errnoOf, fileFailure } from "./failures.ts";

/** The statuses of a command that was not started, as in POSIX. */
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;
/** Where programs are looked for without PATH: confstr(_CS_PATH). */
const SYSTEM_PATH = "/bin:/usr/bin";

/** What is wrong with a program or its arguments, rather than with the system. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of the path is not a directory",
  ELOOP: "too many symbolic links",
  ENAMETOOLONG: "the path is too long",
  ENOEXEC: "it is no program",
  ETXTBSY: "it is being written",
  E2BIG: "its arguments and variables are too large",
};

/** Why a command was not started. */
export interface NotStarted {
  readonly status: number;
  readonly failure: PalyraError;
}

/** Starts the first program that can be; or tells why there is none. */
export function startCommand(
  command: string,
  path: string | undefined,
  options: Deno.CommandOptions,
): Deno.ChildProcess | NotStarted {
  const isPath = command.includes("/");
  let denied: NotStarted | undefined;
  for (const program of isPath ? [command] : candidates(command, path)) {
    try {
      return new Deno.Command(program, options).spawn();
    } catch (error) {
      const errno = errnoOf(error) ?? errnoByNumber(error);
      if (errno === "ENOENT" || (errno === "ENOTDIR" && !isPath)) continue;
      if (errno === undefined || !(errno in REASONS)) throw cannotStart(error);
      const refused = notStarted(NOT_EXECUTABLE, REASONS[errno]!, error);
      if (errno !== "EACCES") return refused;
      denied = refused;
    }
  }
  return denied ?? notStarted(NOT_FOUND, "there is no such program");
}

/** The same question without starting anything: the program's path, or why there is none. */
export function findCommand(command: string, path: string | undefined): string | NotStarted {
  const isPath = command.includes("/");
  let denied = false;
  for (const program of isPath ? [command] : candidates(command, path)) {
    try {
      const { isFile, mode } = Deno.statSync(program);
      if (isFile && (mode === null || (mode & 0o111) !== 0)) return program;
      denied = true;
    } catch (error) {
      denied ||= errnoOf(error) === "EACCES";
    }
  }
  return denied
    ? notStarted(NOT_EXECUTABLE, REASONS["EACCES"]!)
    : notStarted(NOT_FOUND, "there is no such program");
}

/** An empty entry of PATH is the working directory. */
function candidates(command: string, path = SYSTEM_PATH): string[] {
  if (command === "") return [];
  const separator = Deno.build.os === "windows" ? ";" : ":";
  return path.split(separator).map((directory) => `${directory || "."}/${command}`);
}

/** The runtime names few of the numbers of Linux that a start can fail with. */
function errnoByNumber(error: unknown): string | undefined {
  const number = /\(os error (\d+)\)/.exec(error instanceof Error ? error.message : "")?.[1];
  return { 8: "ENOEXEC", 26: "ETXTBSY" }[Number(number)];
}

function cannotStart(cause: unknown): unknown {
  const failure = fileFailure("start the command", cause);
  if (failure !== cause) return failure;
  return new PalyraError("unavailable", "Cannot start the command: the system refuses", { cause });
}

/** The command is not named: it may be something that was never meant to be one. */
function notStarted(status: number, why: string, cause?: unknown): NotStarted {
  const code = status === NOT_FOUND ? "not_found" : "denied";
  return { status, failure: new PalyraError(code, `Cannot run the command: ${why}`, { cause }) };
}
