/** Environment variables, clock and randomness of the process, and its end by a signal. */

import { PalyraError } from "../../errors.ts";
import type { Clock, Environment, Random } from "../platform.ts";

export const environment: Environment = { get, workingDirectory, os: systemName() };
export const clock: Clock = { now: () => Date.now(), pause };
export const random: Random = { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) };

/** What the single file takes away from the runtime, or gives to it; it keeps the user's own beside. */
export const STEERING: ReadonlySet<string> = new Set([
  "NODE_OPTIONS",
  "COMPLETE",
  "DENO_DIR",
  "DENO_V8_FLAGS",
  "DENO_COVERAGE_DIR",
  "DENO_NO_UPDATE_CHECK",
  "OTEL_DENO",
  "OTEL_DENO_TRACING",
  "OTEL_DENO_METRICS",
  "OTEL_DENO_CONSOLE",
]);

/** Set by a runtime that finds no `node` in PATH, and puts a directory with one of its own before it. */
export const SHIM = "DENO_NODE_SHIM_ACTIVE";
const SHIM_ENTRY = /^[^:;]*node_compat_bin(?:[:;]|$)/;

/** The user's own value of a variable; see {@link Environment}. */
export function get(name: string): string | undefined {
  try {
    if (name === "PATH" && hasShim()) return ownPath();
    const isKept = STEERING.has(name) && Deno.env.get("PALYRA_LAUNCHER") === "1";
    return Deno.env.get(isKept ? `PALYRA_ENV_${name}` : name);
  } catch (cause) {
    // Deno throws InvalidData for bytes that are not Unicode, TypeError for an impossible name.
    throw new PalyraError("usage", `Cannot read the environment variable ${name}: not valid text`, {
      cause,
    });
  }
}

/** Whether the runtime has put a directory of its own before PATH. */
export function hasShim(): boolean {
  return Deno.env.get(SHIM) !== undefined && SHIM_ENTRY.test(Deno.env.get("PATH") ?? "");
}

/** PATH as the process was started with. */
export function ownPath(): string | undefined {
  const original = originalVariables();
  if (original === undefined) return Deno.env.get("PATH")?.replace(SHIM_ENTRY, "") || undefined;
  return original.find((entry) => entry.startsWith("PATH="))?.slice("PATH=".length);
}

/** `NAME=VALUE` as the process was started with; `undefined` where the system does not tell. */
export function originalVariables(): string[] | undefined {
  try {
    return Deno.readTextFileSync("/proc/self/environ").split("\0");
  } catch {
    return undefined;
  }
}

function workingDirectory(): string {
  try {
    return Deno.cwd();
  } catch (cause) {
    throw new PalyraError("usage", "Cannot find the working directory: it was removed", { cause });
  }
}

/** Waits; `setTimeout` would cost milliseconds at start-up. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) =>
    AbortSignal.timeout(ms).addEventListener("abort", () => resolve(), { once: true })
  );
}

/** A signal to oneself may take its time; the first process of a container ignores it. */
const DELIVERED_MS = 500;

/** Ends as Ctrl-C ends other programs: a shell's loop or script then ends too. Returns where SIGINT is ignored. */
export async function endByInterrupt(): Promise<void> {
  Deno.kill(Deno.pid, "SIGINT");
  await pause(DELIVERED_MS);
}

function systemName(): Environment["os"] {
  const { os } = Deno.build;
  return os === "linux" || os === "darwin" || os === "windows" ? os : "other";
}
