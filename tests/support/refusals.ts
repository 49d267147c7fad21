/** Asserts that every command refuses a damaged state root, and that none of them touches the identity. */

import assert from "node:assert/strict";
import { COMMANDS, copyOf, type Invocation } from "./altered_state.ts";
import { assertRefused, type Machine } from "./cli_run.ts";
import { differenceOf, pictureOf } from "./file_trees.ts";

/** What is done to a copy of a state root. */
export interface Damage {
  readonly what: string;
  readonly apply: (stateRoot: string) => void | Promise<void>;
}

/**
 * Damages a copy of the machine's state root and runs the commands on it, one after the other: each
 * exits 9 with one sentence, and no file of the whole state root changes, appears or goes.
 */
export async function assertAllRefuse(
  machine: Machine,
  { what, apply }: Damage,
  commands: readonly Invocation[] = COMMANDS,
): Promise<void> {
  using copy = copyOf(machine);
  await apply(copy.stateRoot);
  const before = pictureOf(copy.stateRoot);
  for (const { args, stdin } of commands) {
    const label = `${what}: ${args.join(" ")}`;
    assertRefused(await copy.run(args, { stdin }), 9, label);
    assert.equal(differenceOf(before, pictureOf(copy.stateRoot)), undefined, label);
  }
}
