/** palyra as somebody with a keyring uses it: a state root, the variables of a session, and a clock. */

import assert from "node:assert/strict";
import { palyraProcess, tempRoot } from "./palyra.ts";
import { type Ended, runProcess } from "./process.ts";
import type { SecretService } from "./secret_service.ts";

/** How a command ended, and how long it took. */
export interface Said extends Ended {
  /** Milliseconds; of one that took long without what a command takes that asks no keystore. */
  readonly ms: number;
}

/** How one command is run. */
export interface UseOptions {
  readonly stdin?: string | Uint8Array | undefined;
  /** Variables beside those of the session. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** A program and arguments that run what follows. */
  readonly through?: readonly string[] | undefined;
}

/** Somebody who uses one state root in one session. No backend is asked for unless a test does. */
export interface KeyringUser {
  readonly root: string;
  run(args: readonly string[], options?: UseOptions): Promise<Said>;
  /** Runs, and fails the test unless it exits 0. */
  succeed(args: readonly string[], options?: UseOptions): Promise<Said>;
  /** Runs with `--json`, and gives what it says when it exits 0. */
  // deno-lint-ignore no-explicit-any -- each test knows the fields of its command
  json(args: readonly string[], options?: UseOptions): Promise<any>;
}

/** Longest time that a command may take to say that a keystore cannot be used. */
export const LONGEST_MS = 3_000;
/** Runs of a refused command of which one has to be as quick. */
const TRIES = 3;
const UNAVAILABLE = 5;

/** Somebody in a session whose variables are these. */
export function userOf(root: string, session: Readonly<Record<string, string>>): KeyringUser {
  const run: KeyringUser["run"] = async (args, { stdin, env, through = [] } = {}) => {
    const own = await palyraProcess(args, {
      root,
      env: { ...session, PALYRA_VAULT_BACKEND: "", ...env },
    });
    const took = async (argv: readonly string[]): Promise<Said> => {
      const from = performance.now();
      const ended = await runProcess({ ...own, argv: [argv[0]!, ...argv.slice(1)], stdin });
      return { ...ended, ms: performance.now() - from };
    };
    const said = await took([...through, ...own.argv]);
    let { ms } = said;
    // On a machine that is busy: what was refused has changed nothing, and the quickest of some runs counts.
    for (let tries = 1; tries < TRIES && ms >= LONGEST_MS && said.status === UNAVAILABLE; tries++) {
      ms = Math.min(ms, (await took([...through, ...own.argv])).ms);
    }
    return ms < LONGEST_MS ? { ...said, ms } : { ...said, ms: ms - await withoutKeystore(said) };
  };
  /** What a command takes that asks no keystore: one that only starts, or makes a vault where one was made. */
  const withoutKeystore = async ({ status }: Ended): Promise<number> => {
    using place = tempRoot();
    const env = { ...session, PALYRA_VAULT_BACKEND: "encrypted_file" };
    const words = status === 0 ? ["init"] : ["version"];
    const from = performance.now();
    await runProcess(await palyraProcess(words, { root: place.state, env }));
    return performance.now() - from;
  };
  const succeed: KeyringUser["succeed"] = async (args, options) => {
    const said = await run(args, options);
    assert.equal(said.status, 0, `palyra ${args.join(" ")}: ${said.status} ${said.err}`);
    return said;
  };
  const json: KeyringUser["json"] = async (args, options) =>
    JSON.parse((await succeed([...args, "--json"], options)).out);
  return { root, run, succeed, json };
}

/** The error object of a command that was run with `--json`. */
export function errorOf({ err }: Said): {
  readonly code: string;
  readonly message: string;
  readonly details?: { readonly cause?: string; readonly backend?: string };
} {
  return JSON.parse(err.trimEnd().split("\n").at(-1)!).error;
}

/** Asserts that a command run with `--json` said in time, and in words of its own, why it cannot go on. */
export function assertUnavailable(said: Said, cause: string, what: string): void {
  assert.deepEqual([said.status, said.out], [5, ""], `${what}: ${said.err}`);
  const { code, message, details } = errorOf(said);
  assert.deepEqual([code, details?.cause], ["unavailable", cause], `${what}: ${said.err}`);
  assert.equal(details?.backend, "linux_secret_service", what);
  assert.doesNotMatch(message, /not found|no such|gone|altered|wrong key/i, what);
  assert.ok(said.ms < LONGEST_MS, `${what} took ${said.ms} ms`);
}

/** The texts that palyra's items hold, but for those of canaries, which are public. */
export async function keptTexts(service: SecretService): Promise<string[]> {
  const { out } = await service.tool(["search", "--all", "application", "palyra"]);
  return [...out.matchAll(/^secret = (.*)$/gm)].map((match) => match[1]!)
    .filter((text) => text !== "PCN1.palyra");
}
