/** Runs the real command line in a process of its own, on a machine that nothing else uses. */

import assert from "node:assert/strict";
import { NOBODY, nobodyWords, ownWords } from "./cli_words.ts";
import { feed } from "./process.ts";

/** How one command line is run. */
export interface CliOptions {
  /** Standard input; without it the null device. */
  readonly stdin?: string | Uint8Array | undefined;
  /** Variables beside (or instead of) those of the machine; `undefined` unsets one. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** A program and arguments before the command line, which has to run what follows. */
  readonly through?: readonly string[] | undefined;
}

/** How it ended. */
export interface CliResult {
  readonly status: number;
  readonly bytes: Uint8Array;
  /** Standard output as text. */
  readonly stdout: string;
  readonly stderr: string;
}

/** A home directory and a place for a state root, both gone at the end. */
export interface Machine extends Disposable {
  readonly directory: string;
  readonly home: string;
  /** Not made yet. */
  readonly stateRoot: string;
  readonly env: Readonly<Record<string, string>>;
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** Runs, and fails the test unless it exits 0. */
  succeed(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** The command line as a child that the test looks after itself. */
  spawn(args: readonly string[], options?: CliOptions): Promise<Deno.ChildProcess>;
}

/** An empty machine, on which this user works, or nobody (uid 65534). */
export function makeMachine(user: "self" | "nobody" = "self"): Machine {
  const directory = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "palyra-test-" }));
  const home = `${directory}/home`;
  const stateRoot = `${directory}/state`;
  Deno.mkdirSync(home, { mode: 0o700 });
  const asNobody = user === "nobody";
  if (asNobody) { for (const path of [directory, home]) Deno.chownSync(path, NOBODY, NOBODY); }
  const env = {
    HOME: home,
    TMPDIR: home,
    PATH: "/usr/bin:/bin",
    PALYRA_STATE_ROOT: stateRoot,
    PALYRA_VAULT_BACKEND: "encrypted_file", // what `auto` finds depends on the machine
  };
  const spawn = async (
    args: readonly string[],
    { env: more = {}, through = [], stdin }: CliOptions = {},
  ): Promise<Deno.ChildProcess> => {
    const command = await (asNobody ? nobodyWords() : ownWords());
    const words = [...through, ...command.words, ...args];
    const wanted = { ...command.env, ...env, ...more };
    return new Deno.Command(words[0]!, {
      args: words.slice(1),
      cwd: home,
      clearEnv: true,
      env: Object.fromEntries(Object.entries(wanted).filter(isSet)),
      stdin: stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  };
  const run = async (args: readonly string[], options: CliOptions = {}): Promise<CliResult> =>
    await resultOf(await spawn(args, options), options.stdin);
  const succeed = async (args: readonly string[], options?: CliOptions): Promise<CliResult> => {
    const result = await run(args, options);
    assert.equal(result.status, 0, `palyra ${args.join(" ")}: ${result.stderr}`);
    return result;
  };
  const dispose = (): void => Deno.removeSync(directory, { recursive: true });
  return { directory, home, stateRoot, env, run, succeed, spawn, [Symbol.dispose]: dispose };
}

/** Feeds a child and collects what it says. */
export async function resultOf(
  child: Deno.ChildProcess,
  stdin?: string | Uint8Array,
): Promise<CliResult> {
  const fed = stdin === undefined ? undefined : feed(child.stdin, stdin);
  const { code, stdout, stderr } = await child.output();
  await fed;
  const decoder = new TextDecoder();
  return {
    status: code,
    bytes: stdout,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** For so long a writer waits for another one (locks of palyra's own and of SQLite). */
const WRITER_WAITS_MS = 10_000;

/**
 * Runs so many commands at once. One that could not have a lock within its time, which needs a machine
 * that is slow for the crowd, says so, has changed nothing, and comes after the others.
 */
export async function runAtOnce<T extends Omit<CliResult, "bytes">>(
  count: number,
  run: (at: number) => Promise<T>,
): Promise<T[]> {
  const started = performance.now();
  const results: T[] = await Promise.all(Array.from({ length: count }, (_, at) => run(at)));
  const took = performance.now() - started;
  for (const [at, { status, stdout, stderr }] of results.entries()) {
    if (status !== 7 || !/ another process has held it too long\n/.test(stderr)) continue;
    assert.ok(took >= WRITER_WAITS_MS, `after ${took} ms: ${stderr}`);
    assert.equal(stdout, "", stderr);
    results[at] = await run(at);
  }
  return results;
}

/**
 * Asserts that a command failed with this status, printed nothing on standard output, and said why
 * in one sentence of palyra's own.
 */
export function assertRefused(result: CliResult, status: number, what: string): void {
  const { stdout, stderr } = result;
  assert.equal(result.status, status, `${what}: exit status; stderr: ${stderr}`);
  assert.equal(stdout, "", `${what}: standard output`);
  assertOneSentence(stderr, what);
}

/** Asserts the shape of a failure on standard error: one line, and perhaps a hint. */
export function assertOneSentence(stderr: string, what: string): void {
  const label = `${what}: standard error: ${stderr}`;
  assert.match(stderr, /^palyra: [A-Z][^\n]+\n(?:hint: [^\n]+\n)?$/, label);
  assert.doesNotMatch(stderr, /[a-z]\.$|internal error|unexpected|^\s+at /im, label);
}

/** Does something for each item, a few at a time. */
export async function eachOf<T>(
  items: readonly T[],
  action: (item: T) => Promise<void>,
  atOnce = 2,
): Promise<void> {
  const queue = [...items];
  const failures: unknown[] = [];
  const work = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      await action(item).catch((error) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  if (failures.length === 0) return;
  const texts = failures.map((error) => error instanceof Error ? error.message : String(error));
  throw new AggregateError(failures, `${failures.length} failed:\n${texts.join("\n")}`);
}

function isSet(entry: [string, string | undefined]): entry is [string, string] {
  return entry[1] !== undefined;
}
