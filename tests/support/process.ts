/** Runs real programs: a cleared environment, a group of their own, and a limit of time. */

/** What to run, and how. */
export interface ProcessOptions {
  /** Program and arguments; a bare name is looked up in the PATH of `env`. */
  readonly argv: readonly string[];
  /** The whole environment; nothing is inherited. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Standard input; without it the null device. */
  readonly stdin?: string | Uint8Array | undefined;
  readonly cwd?: string | undefined;
  /** After this time the whole process group is killed; a minute by default. */
  readonly timeoutMs?: number | undefined;
}

/** How a process ended, and what it wrote. */
export interface Ended {
  /** The exit status; 128+N after signal N. */
  readonly status: number;
  readonly signal: Deno.Signal | null;
  readonly timedOut: boolean;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** Standard output as text. */
  readonly out: string;
  /** Standard error as text. */
  readonly err: string;
}

/** What hangs must fail, not stall the suite; what a crowd on a busy machine takes is no failure. */
const DEFAULT_TIMEOUT_MS = 60_000;

/** Runs a program to its end, or to the end of its time. */
export async function runProcess(options: ProcessOptions): Promise<Ended> {
  const { argv, env = {}, stdin, cwd, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const [program, ...args] = argv;
  if (program === undefined) throw new TypeError("Cannot run a process: argv is empty");
  const child = new Deno.Command(program, {
    args,
    env: { ...env },
    clearEnv: true,
    detached: true, // setsid: a group of its own to kill, and no terminal
    ...(cwd === undefined ? {} : { cwd }),
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stop = new AbortController();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup(child);
    stop.abort(); // a grandchild that left the group may still hold the pipes
  }, timeoutMs);
  try {
    const fed = stdin === undefined ? undefined : feed(child.stdin, stdin);
    const [stdout, stderr, { code, signal }] = await Promise.all([
      collect(child.stdout, stop.signal),
      collect(child.stderr, stop.signal),
      child.status,
    ]);
    await fed;
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const [out, err] = [decoder.decode(stdout), decoder.decode(stderr)];
    return { status: code, signal, timedOut, stdout, stderr, out, err };
  } finally {
    clearTimeout(timer);
  }
}

/** Gives a program its input; one that ends without reading it is no failure. */
export async function feed(
  stdin: WritableStream<Uint8Array>,
  input: string | Uint8Array,
): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input);
    await writer.close();
  } catch { /* a program may end without reading */ }
}

async function collect(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const write = (chunk: Uint8Array<ArrayBuffer>): void => void chunks.push(chunk);
  await stream.pipeTo(new WritableStream({ write }), { signal }).catch(() => {});
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

function killGroup(child: Deno.ChildProcess): void {
  try {
    Deno.kill(-child.pid, "SIGKILL");
  } catch { /* it has already ended */ }
}
