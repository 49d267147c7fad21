/** Runs one command through `palyra run --` and through `env --`, in the same surroundings. */

import { type CliResult, type Machine, resultOf } from "./cli_run.ts";
import { ownWords } from "./cli_words.ts";

const PATIENCE_MS = 60_000;

/** A command, and what is around it. */
export interface Surroundings {
  readonly argv: readonly string[];
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** A shell script that runs the command as `"$@"`. */
  readonly script?: string;
  /** Sent to the process once it has written something. */
  readonly signal?: Deno.Signal;
}

/** What came of it. */
export interface Outcome extends CliResult {
  readonly signal: Deno.Signal | null;
}

/** What both make of it. */
export async function beside(
  machine: Machine,
  surroundings: Surroundings,
): Promise<{ readonly env: Outcome; readonly palyra: Outcome }> {
  const { words, env } = await ownWords();
  const run = (launcher: readonly string[]): Promise<Outcome> =>
    started(machine, [...launcher, "--", ...surroundings.argv], env, surroundings);
  const [ofEnv, ofPalyra] = await Promise.all([run(["/usr/bin/env"]), run([...words, "run"])]);
  return { env: ofEnv, palyra: ofPalyra };
}

async function started(
  machine: Machine,
  argv: readonly string[],
  variables: Readonly<Record<string, string>>,
  { env, stdin, script, signal }: Surroundings,
): Promise<Outcome> {
  const [program, ...args] = script === undefined ? argv : ["/bin/sh", "-c", script, "sh", ...argv];
  const child = new Deno.Command(program!, {
    args,
    cwd: machine.home,
    clearEnv: true,
    env: { ...machine.env, ...variables, ...env },
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (signal === undefined) {
    return { ...await resultOf(child, stdin), signal: (await child.status).signal };
  }
  // Whoever ignores a signal hands that down: then neither is ended by it.
  using _limit = timer(() => child.kill("SIGKILL"));
  let stdout = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    if (stdout === "") child.kill(signal);
    stdout += decoder.decode(chunk);
  }
  const stderr = await new Response(child.stderr).text();
  const status = await child.status;
  return { status: status.code, signal: status.signal, bytes: new Uint8Array(), stdout, stderr };
}

function timer(onEnd: () => void): Disposable {
  const id = setTimeout(onEnd, PATIENCE_MS);
  return { [Symbol.dispose]: () => clearTimeout(id) };
}
