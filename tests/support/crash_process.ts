/** Real palyra processes that can be killed, or held for a while, at a chosen moment of their life. */

import { palyraProcess } from "./palyra.ts";

/** What is done to a process while it runs. */
export interface RunOptions {
  readonly stdin?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** A program and arguments that run what follows. */
  readonly through?: readonly string[] | undefined;
  /** Sends SIGKILL this long after the start. */
  readonly killAfterMs?: number | undefined;
  /** Stops it this long after the start, and lets it go on a while later. */
  readonly hold?: { readonly afterMs: number; readonly forMs: number } | undefined;
}

/** How a process ended. Instants are those of `performance.now()`. */
export interface Ran {
  readonly status: number;
  /** The wait status says that SIGKILL ended it: it was alive when the signal came. */
  readonly killed: boolean;
  readonly out: string;
  readonly err: string;
  readonly from: number;
  readonly to: number;
  /** Whether it was really stopped: it had not ended before. */
  readonly held: boolean;
}

/** Longest life of a process: whatever hangs must fail, not stall the suite. */
const LONGEST_MS = 180_000;

/** Runs palyra, from the bundle, on a state root. */
export async function runPalyra(
  root: string,
  args: readonly string[],
  { stdin, env, through = [], killAfterMs, hold }: RunOptions = {},
): Promise<Ran> {
  const { argv: own, env: variables } = await palyraProcess(args, {
    root,
    ...(env === undefined ? {} : { env }),
  });
  const argv = [...through, ...own];
  const from = performance.now();
  const child = new Deno.Command(argv[0]!, {
    args: argv.slice(1),
    env: { ...variables },
    clearEnv: true,
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let held = false;
  const timers = [setTimeout(() => signal(child, "SIGKILL"), killAfterMs ?? LONGEST_MS)];
  if (hold !== undefined) {
    timers.push(
      setTimeout(() => held = signal(child, "SIGSTOP"), hold.afterMs),
      setTimeout(() => signal(child, "SIGCONT"), hold.afterMs + hold.forMs),
    );
  }
  const ended = child.status.then((status) => ({ ...status, to: performance.now() }));
  const fed = stdin === undefined ? undefined : feed(child.stdin, stdin);
  const [out, err, status] = await Promise.all([child.stdout.text(), child.stderr.text(), ended]);
  await fed;
  timers.forEach(clearTimeout);
  const { code, to } = status;
  const killed = status.signal === "SIGKILL";
  if (killed && to - from >= LONGEST_MS) throw new Error(`palyra ${args.join(" ")} hangs`);
  return { status: code, killed, out, err, from, to, held };
}

/** Runs palyra and throws unless it exits 0. */
export async function mustRun(
  root: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const ran = await runPalyra(root, args, options);
  if (ran.status !== 0) throw new Error(`palyra ${args.join(" ")}: ${ran.status} ${ran.err}`);
  return ran;
}

/** How long a process has lived, in milliseconds. */
export function lifeOf({ from, to }: Ran): number {
  return to - from;
}

/** The middle one of some numbers. */
export function medianOf(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

/** Everything below a state root, one entry a line: what a failure shows. */
export function listingOf(root: string): string {
  return new Deno.Command("/usr/bin/find", {
    args: [root, "-printf", "%M %n %s %P\\n"],
    stdout: "piped",
    stderr: "null",
  }).outputSync().stdout.reduce((text, byte) => text + String.fromCharCode(byte), "");
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): boolean {
  try {
    child.kill(name);
    return true;
  } catch {
    return false; // it has ended already
  }
}

async function feed(stdin: WritableStream<Uint8Array>, input: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  } catch { /* a killed program does not read on */ }
}
