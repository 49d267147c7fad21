/** The user's own command: it has palyra's streams and terminal, gets its signals, and decides its end. */

import { isPalyraError, type PalyraError } from "../../errors.ts";
import type { ByteFilter } from "../byte_filter.ts";
import type { Foreground, ForegroundEnd, ForegroundRequest } from "../foreground.ts";
import { OutputClosed } from "../platform.ts";
import { ignoredSignals, ignoring, losesIgnored } from "./ignored_signals.ts";
import { commandWithin, inOwnTerminal, terminalMaker } from "./own_terminal.ts";
import { endByInterrupt } from "./environment.ts";
import { passThrough } from "./pass_through.ts";
import { forwardSignals } from "./signals.ts";
import { findCommand, type NotStarted, startCommand } from "./start_command.ts";
import { writeAll } from "./streams.ts";
import { userVariables } from "./user_variables.ts";

/** The adapter. */
export const foreground: Foreground = { variables: userVariables, run };

/** The command said that all is well, but not all that it said was written. */
const OUTPUT_LOST = 1;

/** What a shell adds to the number of the signal that ended a command. */
const SIGNALLED = 128;
/** SIGINT is signal 2. */
const INTERRUPTED = SIGNALLED + 2;

interface Started {
  readonly child: Deno.ChildProcess;
  /** Whom signals are for. */
  readonly target: () => number;
  /** It is `script` that was started, and the command within. */
  readonly isWithin?: boolean;
}

async function run(request: ForegroundRequest): Promise<ForegroundEnd> {
  const ignored = ignoredSignals();
  const running: { started?: Started } = {};
  // Before the start, so that none is lost; the first one is delivered after it.
  using _forwarded = forwardSignals(ignored, (signal) => tell(running.started, signal));
  const plain = losesIgnored(ignored) ? withIgnored(request, ignored) : request;
  if ("failure" in plain) return plain;
  const result = request.filter === undefined ? startPlainly(plain) : startFiltered(plain);
  if ("failure" in result) return result;
  running.started = result;
  const { child } = result;
  const passed = request.filter === undefined ? [] : outputs(child, request.filter);
  const [{ code, signal }, ...failures] = await Promise.all([endOf(child), ...passed]);
  const failure = failures.find((one) => one !== undefined);
  if (failure !== undefined) return { status: code || OUTPUT_LOST, failure };
  // `script` tells the signal in its own status, as a shell does.
  const isInterrupted = signal === "SIGINT" || (result.isWithin && code === INTERRUPTED);
  if (!isInterrupted) return { status: code };
  return { status: code, endAlike: endByInterrupt };
}

function withIgnored(
  request: ForegroundRequest,
  ignored: readonly Deno.Signal[],
): ForegroundRequest | NotStarted {
  const { command: [program, ...args], path } = request;
  const found = findCommand(program, path);
  return typeof found === "string"
    ? { ...request, command: ignoring(ignored, [found, ...args]) }
    : found;
}

function startPlainly(request: ForegroundRequest): Started | NotStarted {
  const { command: [program, ...args], path } = request;
  const child = startCommand(program, path, {
    args,
    ...environmentOf(request),
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  });
  return "failure" in child ? child : { child, target: () => child.pid };
}

function startFiltered(request: ForegroundRequest): Started | NotStarted {
  const { command: [program, ...args], path, variables } = request;
  const streams = { stdin: "inherit", stdout: "piped", stderr: "piped" } as const;
  const environment = environmentOf(request);
  const script = terminalMaker();
  if (script === undefined) {
    const child = startCommand(program, path, { args, ...environment, ...streams });
    return "failure" in child ? child : { child, target: () => child.pid };
  }
  const found = findCommand(program, path);
  if (typeof found !== "string") return found;
  const shell = variables.get("SHELL") ?? (request.cleared ? undefined : Deno.env.get("SHELL"));
  const within = inOwnTerminal(found, args, shell);
  const child = startCommand(script, undefined, {
    args: within.args,
    ...environment,
    env: { ...environment.env, SHELL: within.shell },
    ...streams,
  });
  return "failure" in child
    ? child
    : { child, target: () => commandWithin(child.pid), isWithin: true };
}

/** Inheriting keeps what is not Unicode; so what must not be inherited is removed here, in palyra itself. */
function environmentOf(
  { cleared, dropped, variables }: ForegroundRequest,
): { readonly clearEnv: boolean; readonly env: Record<string, string> } {
  for (const name of dropped) Deno.env.delete(name);
  return { clearEnv: cleared, env: Object.fromEntries(variables) };
}

function tell(started: Started | undefined, signal: Deno.Signal): void {
  if (started === undefined) return;
  const { child, target } = started;
  try {
    const pid = target();
    if (pid === child.pid) child.kill(signal);
    else Deno.kill(pid, signal);
  } catch { /* it has ended */ }
}

/** The runtime knows no real-time signals: it throws their number. */
async function endOf(
  child: Deno.ChildProcess,
): Promise<Pick<Deno.CommandStatus, "code" | "signal">> {
  try {
    return await child.status;
  } catch (error) {
    const number = error instanceof Error && /Invalid signal: (\d+)/.exec(error.message)?.[1];
    if (!number) throw error;
    return { code: SIGNALLED + Number(number), signal: null };
  }
}

function outputs(
  child: Deno.ChildProcess,
  filter: () => ByteFilter,
): Promise<PalyraError | undefined>[] {
  return [
    passOn(child.stdout, (bytes) => writeAll(Deno.stdout, bytes, "standard output"), filter()),
    passOn(child.stderr, (bytes) => writeAll(Deno.stderr, bytes, "standard error"), filter()),
  ];
}

/**
 * When nobody reads any more, the command's pipe is closed: it learns it as it would without palyra.
 * What else went wrong is told when the command has ended.
 */
async function passOn(
  from: ReadableStream<Uint8Array>,
  write: (bytes: Uint8Array) => Promise<void>,
  filter: ByteFilter,
): Promise<PalyraError | undefined> {
  const reader = from.getReader();
  try {
    await passThrough(filter, async () => (await reader.read()).value, write);
    return undefined;
  } catch (error) {
    await reader.cancel().catch(() => {});
    if (error instanceof OutputClosed) return undefined;
    if (isPalyraError(error)) return error;
    throw error;
  }
}
