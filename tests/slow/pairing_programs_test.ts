/** The commands of a pairing start no program, and take no secret as an argument. */

import assert from "node:assert/strict";
import { makeMachine } from "../support/cli_run.ts";
import { type Run, wholePairing } from "../support/pairing_life.ts";
import { whyNoStrace } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";
import { STRACE } from "../support/strace.ts";

const testWithStrace = unlessSkipped("no-strace", whyNoStrace());

testWithStrace(
  "No command of a pairing starts a program or takes a secret as argument",
  async () => {
    using approver = makeMachine();
    using joiner = makeMachine();
    const log = `${approver.directory}/calls`;
    const through = [
      ...STRACE,
      "-s",
      "100000",
      "-e",
      "trace=execve",
      "-o",
      log,
      "-A",
    ];
    let commands = 0;
    const run: Run = async (machine, args, options) => {
      commands++;
      return (await machine.succeed(args, { ...options, through })).stdout;
    };
    const code = await wholePairing(approver, joiner, run);
    const calls = Deno.readTextFileSync(log).split("\n").filter((line) => line.includes("execve("));
    assert.equal(calls.length, commands);
    assert.ok(!calls.join().includes(code.trim().slice(8, 40)));
  },
);
