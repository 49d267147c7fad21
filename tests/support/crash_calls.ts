/** System calls of a palyra process, watched through strace, and made to fail or to kill. */

import { type Ran, runPalyra } from "./crash_process.ts";
import { SIGNALLING_STRACE, STRACE } from "./strace.ts";

/** One system call below the state root. */
export interface Call {
  readonly name: string;
  /** Which of the calls of this name it is, from 1 on, on the thread that makes them. */
  readonly at: number;
  /** The path of its file, or its paths, as strace shows them. */
  readonly paths: readonly string[];
  readonly failed: boolean;
  /** It did not happen: it was made to fail. */
  readonly injected: boolean;
}

/** A run under strace. */
export interface Watched {
  readonly ran: Ran;
  /** In their order. */
  readonly calls: readonly Call[];
}

/** What is done to one call. */
export interface Injection {
  readonly name: string;
  readonly at: number;
  readonly effect: "error=EIO" | "error=ENOSPC" | "signal=SIGKILL";
}

/** A command line for a state root. */
export interface WatchedCommand {
  readonly root: string;
  readonly args: readonly string[];
  readonly stdin?: string | undefined;
}

/** All calls by which palyra changes what is on disk, but for those of directories' modes. */
const CHANGING = ["fsync", "fdatasync", "pwrite64", "unlink", "rename", "link", "linkat", "mkdir"];

/** No cache of the runtime: its threads make calls of their own. */
const NO_CACHE = "/dev/null/none";
/** Calls that the runtime makes, too, when it finds no cache, on any thread: they are not counted. */
const MADE_WITHOUT_CACHE = new Set(["unlink", "mkdir"]);

/** Runs palyra under strace, with one of its calls tampered with if that is wanted. */
export async function watch(
  { root, args, stdin }: WatchedCommand,
  injection?: Injection,
): Promise<Watched> {
  const log = Deno.makeTempFileSync({ prefix: "palyra-calls-" });
  try {
    const inject = injection === undefined
      ? []
      : ["-e", `inject=${injection.name}:${injection.effect}:when=${injection.at}`];
    const traced = `trace=${CHANGING.join()}`;
    const strace = injection?.effect === "signal=SIGKILL" ? SIGNALLING_STRACE : STRACE;
    const through = [...strace, "-y", "-o", log, "-e", traced, ...inject];
    const cached = injection !== undefined && MADE_WITHOUT_CACHE.has(injection.name);
    const env = cached ? {} : { DENO_DIR: NO_CACHE };
    const ran = await runPalyra(root, args, { stdin, through, env });
    return { ran, calls: callsOf(await Deno.readTextFile(log), root) };
  } finally {
    Deno.removeSync(log);
  }
}

/**
 * Whether a run came to the call that was to be tampered with: what it writes is of another length
 * each time (keys, signatures), so that it can make one call less than the run that was watched.
 */
export function isReached({ name, at }: Injection, calls: readonly Call[]): boolean {
  return calls.some((call) => call.name === name && call.at >= at);
}

/** Every injection of one effect into the calls of a run; of each name at most `most`, spread evenly. */
export function injectionsFor(
  calls: readonly Call[],
  effectOf: (call: Call) => Injection["effect"] | undefined,
  most: number,
): Injection[] {
  const names = [...new Set(calls.map(({ name }) => name))];
  return names.flatMap((name) => {
    const all = calls.filter((call) => call.name === name);
    const step = Math.max(1, all.length / most);
    const chosen = new Set(
      Array.from({ length: Math.min(most, all.length) }, (_, at) => all[Math.floor(at * step)]!),
    );
    chosen.add(all.at(-1)!);
    return [...chosen].flatMap((call) => {
      const effect = effectOf(call);
      return effect === undefined ? [] : [{ name, at: call.at, effect }];
    });
  });
}

function callsOf(log: string, root: string): Call[] {
  const counts = new Map<string, number>();
  return log.split("\n").flatMap((line) => {
    const [, thread, name, rest] = /^(\d+) +(\w+)\((.*)$/.exec(line) ?? [];
    if (name === undefined || rest!.includes(`"${NO_CACHE}`)) return [];
    const at = (counts.get(`${thread} ${name}`) ?? 0) + 1;
    counts.set(`${thread} ${name}`, at);
    const paths = [...rest!.matchAll(/[<"](\/[^">]*)[">]/g)].map((match) => match[1]!)
      .filter((path) => path.startsWith(root));
    if (paths.length === 0 && name !== "mkdir") return [];
    const [failed, injected] = [/ = -1 /.test(rest!), rest!.includes("(INJECTED)")];
    return paths.length === 0 ? [] : [{ name, at, paths, failed, injected }];
  });
}
