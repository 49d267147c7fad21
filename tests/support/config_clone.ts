/** A cloned repository that brings its own `palyra.toml`, and palyra run inside it. */

import assert from "node:assert/strict";
import { type CliOptions, type CliResult, type Machine, makeMachine } from "./cli_run.ts";

/** A user's machine with a clone on it, whose config is found by search. */
export interface Clone extends Disposable {
  readonly machine: Machine;
  /** The root of the clone. */
  readonly directory: string;
  /** Its `palyra.toml`; not made yet. */
  readonly config: string;
  /** Runs palyra in a directory of the clone; `at` is relative to its root. */
  run(args: readonly string[], options?: CliOptions & { readonly at?: string }): Promise<CliResult>;
  succeed(
    args: readonly string[],
    options?: CliOptions & { readonly at?: string },
  ): Promise<CliResult>;
}

/** The value of `global/victim`. */
export const VICTIM = "value of the victim 61f0";

/** Makes one; the vault holds `global/victim` in two versions. */
export async function makeClone(user: "self" | "nobody" = "self"): Promise<Clone> {
  const machine = makeMachine(user);
  const directory = `${machine.home}/projects/clone`;
  Deno.mkdirSync(directory, { recursive: true, mode: 0o755 });
  if (user === "nobody") giveTo(machine, `${machine.home}/projects`, directory);
  const run: Clone["run"] = (args, { at = ".", through = [], ...options } = {}) =>
    machine.run(args, {
      ...options,
      through: ["/usr/bin/env", "-C", `${directory}/${at}`, ...through],
    });
  const succeed: Clone["succeed"] = async (args, options) => {
    const result = await run(args, options);
    assert.equal(result.status, 0, `palyra ${args.join(" ")}: ${result.stderr}`);
    return result;
  };
  const dispose = (): void => machine[Symbol.dispose]();
  try {
    for (const stdin of ["older", VICTIM]) {
      await machine.succeed(["secrets", "set", "global/victim"], { stdin });
    }
  } catch (error) {
    dispose();
    throw error;
  }
  const config = `${directory}/palyra.toml`;
  return { machine, directory, config, run, succeed, [Symbol.dispose]: dispose };
}

/** Makes paths belong to the user of a machine, who may be nobody. */
export function giveTo({ home }: Machine, ...paths: readonly string[]): void {
  const { uid, gid } = Deno.statSync(home);
  for (const path of paths) Deno.chownSync(path, uid!, gid!);
}

/** Asserts that a config was not used, and that the hint tells what to do about it. */
export function assertUntrusted(result: CliResult, what: string): void {
  assert.deepEqual([result.status, result.stdout], [6, ""], `${what}: ${result.stderr}`);
  assert.match(
    result.stderr,
    /^palyra: Cannot use [^\n]+: it is not trusted\nhint: .*palyra config trust/,
    what,
  );
}

/** What `config path` tells of trust. */
export async function isTrusted(clone: Clone, at = "."): Promise<boolean> {
  const { stdout } = await clone.succeed(["config", "path", "--json"], { at });
  return JSON.parse(stdout).trusted;
}
