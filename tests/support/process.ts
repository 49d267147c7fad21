/** Real processes for tests: cleared environment, input, output, status, and an end to those that hang. */

/** What to run. */
export interface ProcessOptions {
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  readonly cwd?: string;
  /** Milliseconds until it is killed; default 60 seconds. */
  readonly timeoutMs?: number;
}

/** How it ended. */
export interface Ended {
  readonly status: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: Uint8Array<ArrayBuffer>;
  readonly stderr: Uint8Array<ArrayBuffer>;
  /** Standard output and error as text. */
  readonly out: string;
  readonly err: string;
}

/** Starts a program with exactly this environment, in its own process group. */
export function startProcess({ argv, env, cwd }: ProcessOptions): Deno.ChildProcess {
  const [program, ...args] = argv;
  return new Deno.Command(program, {
    args,
    env: { ...env },
    clearEnv: true,
    ...(cwd === undefined ? {} : { cwd }),
    detached: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs a program to its end. */
export async function runProcess(options: ProcessOptions): Promise<Ended> {
  const child = startProcess(options);
  const timer = setTimeout(() => killGroup(child), options.timeoutMs ?? 60_000);
  try {
    const fed = feed(child, options.stdin ?? "");
    const { code, signal, stdout, stderr } = await child.output();
    await fed;
    const decoder = new TextDecoder();
    return {
      status: code,
      signal,
      stdout,
      stderr,
      out: decoder.decode(stdout),
      err: decoder.decode(stderr),
    };
  } finally {
    clearTimeout(timer);
  }
}

/** Kills a program and what it started. */
export function killGroup(child: Deno.ChildProcess): void {
  try {
    Deno.kill(-child.pid, "SIGKILL");
  } catch { /* it has ended already */ }
}

/** Gives a program its input; one that does not read it is no failure. */
export async function feed(child: Deno.ChildProcess, input: string | Uint8Array): Promise<void> {
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  const writer = child.stdin.getWriter();
  try {
    await writer.write(bytes);
    await writer.close();
  } catch { /* BrokenPipe */ }
}
