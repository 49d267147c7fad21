/** The first `configure` of all: identity, vault and config are made by one command that is cut. */

import assert from "node:assert/strict";
import { assertNothingLeft } from "./crash_audit.ts";
import { injectionsFor, isReached, watch, type Watched } from "./crash_calls.ts";
import { mustRun, runPalyra } from "./crash_process.ts";
import { pathsBelow } from "./file_trees.ts";
import { tempRoot } from "./palyra.ts";

const REF = "global/first";
const ARGS = ["secrets", "configure", "openai-api-key", REF];
const NOT_FOUND = 8;

/** What the cuts have left: so many times both secret and config, so many times neither. */
export interface FirstCuts {
  readonly both: number;
  readonly neither: number;
}

/**
 * Cuts it at so many calls of each kind, each time on an empty machine. After the next command there
 * is a config that names a secret which is there, or neither; then `configure` does its work.
 */
export async function cutFirst(most: number): Promise<FirstCuts> {
  const { calls } = await onEmptyMachine((watched) => Promise.resolve(watched));
  let [both, neither] = [0, 0];
  for (const injection of injectionsFor(calls, () => "signal=SIGKILL", most)) {
    await onEmptyMachine(async ({ ran, calls: made }, { path, state, config }) => {
      const what = `cut at ${injection.name} ${injection.at}`;
      if (!isReached(injection, made)) return assert.equal(ran.status, 0, `${what}: ${ran.err}`);
      assert.ok(ran.killed, `${what}: ${ran.status} ${ran.err}`);
      await mustRun(state, ["secrets", "set", "global/next"], { stdin: "next" });
      const { status, out } = await runPalyra(state, ["resolve", REF]);
      const named = pathsBelow(path).includes("palyra.toml");
      if (named) {
        assert.deepEqual({ status, out }, { status: 0, out: "value" }, what);
        both++;
      } else {
        assert.equal(status, NOT_FOUND, what);
        neither++;
      }
      await assertNothingLeft(state);
      const temporary = pathsBelow(path).filter((name) => name.startsWith("."));
      assert.deepEqual(temporary, [], what);
      await mustRun(state, [...ARGS, "--config", config], { stdin: "value" });
      const all = await mustRun(state, ["resolve", "--all", "--json", "--config", config]);
      assert.deepEqual(Object.values(JSON.parse(all.out).values), ["value"], what);
    }, injection);
  }
  return { both, neither };
}

interface EmptyMachine {
  readonly path: string;
  readonly state: string;
  readonly config: string;
}

async function onEmptyMachine<T>(
  body: (watched: Watched, machine: EmptyMachine) => Promise<T>,
  injection?: Parameters<typeof watch>[1],
): Promise<T> {
  using place = tempRoot();
  const { path, state } = place;
  const config = `${path}/palyra.toml`;
  const args = [...ARGS, "--config", config, "--state-root", state];
  return await body(await watch({ root: path, args, stdin: "value" }, injection), {
    path,
    state,
    config,
  });
}
