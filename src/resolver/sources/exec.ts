/**
 * Values that programs print. There is no way to start exactly the file that was looked at, so safety
 * is by ownership: nobody but this user and root may be able to exchange the program.
 */

import { encodeUtf8 } from "../../crypto/encoding.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import type { Environment, Processes, ProcessResult } from "../../platform/platform.ts";
import type { ExecRef } from "../secret_ref.ts";
import { withoutLineEnd } from "./line_end.ts";

/** How long a program may take, where its reference says nothing else, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 10_000;
/** Most bytes that a program may print, where its reference names no other limit. */
export const DEFAULT_MAX_BYTES = 65_536;

/** What every program gets of the environment, where it is set. */
const BASE = ["PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR"];
const WINDOWS_BASE = ["PATH", "PATHEXT", "SYSTEMROOT", "WINDIR", "COMSPEC", "TEMP", "TMP"];

/** What programs are started with. */
export interface ExecWorld {
  readonly processes: Processes;
  readonly environment: Environment;
}

/**
 * Runs a program for its output. Throws `denied` for one that others could exchange, `unavailable`
 * for one that fails or takes too long, `usage` for too much output, `not_found` for none.
 */
export async function resolveFromProgram(
  world: ExecWorld,
  ref: ExecRef,
  maxBytes = DEFAULT_MAX_BYTES,
): Promise<SensitiveBytes> {
  const { stdout } = await runProgram(world, ref, { maxBytes });
  const value = withoutLineEnd(stdout, ref.raw);
  if (value.length > 0) return new SensitiveBytes(value);
  throw new PalyraError("not_found", `Cannot read the output of ${ref.command[0]}: it is empty`);
}

/** Runs a program to its good end. What it says on standard error may hold anything, and goes nowhere. */
export async function runProgram(
  { processes, environment }: ExecWorld,
  { command, inheritedEnv, cwd = "/", timeoutMs = DEFAULT_TIMEOUT_MS }: ExecRef,
  { maxBytes, request }: { readonly maxBytes: number; readonly request?: string },
): Promise<ProcessResult> {
  const [program] = command;
  processes.requireSafe(program);
  const isWindows = environment.os === "windows";
  const result = await processes.run({
    argv: command,
    env: environmentOf(environment, [...(isWindows ? WINDOWS_BASE : BASE), ...inheritedEnv]),
    ...(isWindows ? {} : { cwd }),
    ...(request === undefined ? {} : { stdin: encodeUtf8(request) }),
    timeoutMs,
    maxBytes,
  });
  const why = whyFailed(result, timeoutMs, maxBytes);
  if (why === undefined) return result;
  result.stdout.fill(0);
  const code = result.failure === "too much output" ? "usage" : "unavailable";
  throw new PalyraError(code, `Cannot read the output of ${program}: ${why}`, {
    details: { cause: result.failure ?? "exec_failed", exit_status: result.status },
  });
}

function whyFailed(
  { failure, status }: ProcessResult,
  timeoutMs: number,
  maxBytes: number,
): string | undefined {
  if (failure === "timeout") return `it took more than ${timeoutMs} milliseconds`;
  if (failure !== undefined) return `it is larger than ${maxBytes} bytes`;
  return status === 0 ? undefined : `it ended with status ${status}`;
}

function environmentOf(environment: Environment, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = environment.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
