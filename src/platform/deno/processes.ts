/** Other programs: absolute path, no shell, own process group, bounded in time and output. */

import { isPalyraError, PalyraError } from "../../errors.ts";
import type { Processes, ProcessRequest, ProcessResult } from "../platform.ts";
import { fileFailure } from "./failures.ts";
import { refuse } from "./ownership.ts";
import { walkOwnPath } from "./own_path.ts";

export const processes: Processes = { find, requireSafe, run };

const OTHERS_MAY_WRITE = 0o022;
const ANY_MAY_RUN = 0o111;
const onWindows = Deno.build.os === "windows";

function find(name: string, path: string | undefined): string | undefined {
  for (const directory of (path ?? "").split(Deno.build.os === "windows" ? ";" : ":")) {
    const program = `${directory}/${name}`;
    if (isAbsolute(directory) && isTrustworthy(directory) && isProgram(program)) return program;
  }
  return undefined;
}

function isProgram(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && (mode === null || (mode & ANY_MAY_RUN) !== 0) && isTrustworthy(path);
  } catch { // not there, or not to be looked at
    return false;
  }
}

/** Root's or this user's, and nobody else can change it. */
function isTrustworthy(path: string): boolean {
  try {
    const { uid, mode } = Deno.statSync(path);
    if (uid === null || mode === null) return true; // Windows: ACLs decide
    return (uid === 0 || uid === Deno.uid()) && (mode & OTHERS_MAY_WRITE) === 0;
  } catch {
    return false;
  }
}

function requireSafe(program: string): void {
  try {
    walkOwnPath(program, ({ uid, mode }) => {
      if (onWindows) return;
      if (uid !== 0 && uid !== Deno.uid()) refuse(program, "it belongs to another user");
      if ((mode! & OTHERS_MAY_WRITE) !== 0) {
        refuse(program, "other users can write to it", `chmod go-w ${program}`);
      }
    });
  } catch (error) {
    if (!isPalyraError(error, "usage")) throw error;
    throw new PalyraError("unavailable", `Cannot start ${program}: there is no such program`);
  }
}

async function run(request: ProcessRequest): Promise<ProcessResult> {
  const [program, ...args] = request.argv;
  // A bare name would be looked up in PATH, where anybody's program may come first.
  if (!isAbsolute(program)) {
    throw new PalyraError("internal", "Cannot start a program: its path is not absolute");
  }
  const child = start(program, args, request);
  const stop = new AbortController();
  let failure: ProcessResult["failure"];
  function end(why: NonNullable<ProcessResult["failure"]>): void {
    failure ??= why;
    killGroup(child);
    stop.abort(); // a grandchild that left the group may still hold the pipes
  }
  const deadline = AbortSignal.timeout(request.timeoutMs);
  const onDeadline = (): void => end("timeout");
  deadline.addEventListener("abort", onDeadline);
  try {
    const { signal } = stop;
    const fed = request.stdin && feed(child.stdin, request.stdin, signal);
    const overflow = (): void => end("too much output");
    const [stdout, stderr] = await Promise.all([
      collect(child.stdout, request.maxBytes, signal, overflow),
      collect(child.stderr, request.maxBytes, signal, overflow),
    ]);
    const { code } = await child.status;
    await fed;
    return { status: code, stdout, stderr, failure };
  } finally {
    deadline.removeEventListener("abort", onDeadline); // a listener would keep the process alive
  }
}

function start(program: string, args: string[], request: ProcessRequest): Deno.ChildProcess {
  try {
    return new Deno.Command(program, {
      args,
      env: { ...request.env },
      ...(request.cwd === undefined ? {} : { cwd: request.cwd }),
      clearEnv: true,
      // setsid: its own group to kill, and no terminal to ask on. On Windows it would take the console
      // away, and PowerShell without one ends with status 0 and does nothing.
      detached: Deno.build.os !== "windows",
      stdin: request.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    const failure = fileFailure(`start ${program}`, error);
    if (!(failure instanceof PalyraError) || failure.code !== "usage") throw failure;
    throw new PalyraError("unavailable", `Cannot start ${program}: no such program`, {
      cause: error,
    });
  }
}

/**
 * A program that stops reading closes the pipe; its status tells what it thought of the input. A grandchild
 * that left the group may hold it open and never read: then it is given up with the signal.
 */
async function feed(
  stdin: WritableStream<Uint8Array>,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const writer = stdin.getWriter();
  const stopped = Promise.withResolvers<void>();
  const giveUp = (): void => {
    writer.abort().catch(() => {});
    stopped.resolve();
  };
  signal.addEventListener("abort", giveUp);
  const written = writer.write(bytes).then(() => writer.close()).catch(() => {}); // BrokenPipe
  await Promise.race([written, stopped.promise]);
  signal.removeEventListener("abort", giveUp);
}

async function collect(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  maxBytes: number,
  signal: AbortSignal,
  overflow: () => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = stream.getReader(); // pipeTo() would cost a millisecond
  const giveUp = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", giveUp);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length <= maxBytes) chunks.push(value);
      else {
        overflow();
        value.fill(0); // of whatever it is a part, nobody gets it
      }
    }
  } catch {
    /* what came before counts; the status tells the rest */
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
    chunk.fill(0);
  }
  return whole;
}

function killGroup(child: Deno.ChildProcess): void {
  try {
    if (Deno.build.os === "windows") child.kill("SIGKILL");
    else Deno.kill(-child.pid, "SIGKILL");
  } catch { /* it has already ended */ }
}

function isAbsolute(path: string): boolean {
  return path.startsWith("/") || (Deno.build.os === "windows" && /^[A-Za-z]:[\\/]/.test(path));
}
