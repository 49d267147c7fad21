/** Every command of a pairing is killed, or meets a failing medium; afterwards it can be taken once more. */

import assert from "node:assert/strict";
import {
  type Call,
  type Injection,
  injectionsFor,
  isReached,
  watch,
} from "../support/crash_calls.ts";
import { lifeOf, listingOf } from "../support/crash_process.ts";
import { rollDice, say } from "../support/dice.ts";
import { strayFiles } from "../support/crash_audit.ts";
import {
  assertConsistent,
  copyOfStage,
  goOn,
  makeStage,
  SCRIPT,
  type ScriptStep,
  type Stage,
  take,
  takePlainly,
} from "../support/pairing_script.ts";
import { whyNoStrace } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";

/** Injections into one command, for each system call and effect, beside the last such call. */
const MOST_OF_CALL = 1;
const LEAST_OF_ALL = 40;
/** Kills at random moments that must have ended a living process. */
const KILLS = 40;
const MOST_RUNS = 300;
const UNAVAILABLE = 5;
/** Steps that are taken after an interrupted one, with itself. */
const FOLLOWING = 1;

const testWithStrace = unlessSkipped("no-strace", whyNoStrace());

testWithStrace(
  "Every command of a pairing survives a kill, and reports a failure, at each system call",
  async () => {
    using stage = await makeStage();
    const hits: Record<string, number> = {};
    for (const [at, step] of SCRIPT.entries()) {
      const calls = await rehearse(stage, step);
      const injections = [
        ...injectionsFor(calls, () => "signal=SIGKILL", MOST_OF_CALL),
        ...injectionsFor(calls, errorOf, MOST_OF_CALL),
      ];
      for (const injection of injections) {
        using copy = copyOfStage(stage);
        await orExplain(`${step.name}, ${describe(injection)}`, copy, async () => {
          const hit = await interrupt(copy, step, injection);
          const counted = hit ? injection.effect : "not reached";
          hits[counted] = (hits[counted] ?? 0) + 1;
          await goOn(copy, at, FOLLOWING);
          await assertConsistent(copy);
        });
      }
      const { status, err } = await takePlainly(stage, step);
      assert.equal(status, 0, `${step.name}: ${err}`);
    }
    say(`injections: ${JSON.stringify(hits)}`);
    assert.ok(hits["signal=SIGKILL"]! >= LEAST_OF_ALL, "too few kills");
    assert.ok(hits["error=EIO"]! + hits["error=ENOSPC"]! >= LEAST_OF_ALL, "too few failures");
  },
);

Deno.test("A pairing whose commands are killed at random moments can always be gone on with", async () => {
  const dice = rollDice("pairing kills");
  let kills = 0;
  const counts: Record<string, number> = {};
  for (let run = 0; run < MOST_RUNS && kills < KILLS;) {
    using stage = await makeStage();
    const typical: number[] = [];
    for (const [at, step] of SCRIPT.entries()) {
      const life = typical.length === 0 ? 300 : Math.max(...typical);
      const killAfterMs = 20 + dice.next() * life;
      await orExplain(`${step.name}, seed ${dice.seed}, run ${run}`, stage, async () => {
        const ran = await takePlainly(stage, step, { killAfterMs });
        run++;
        if (ran.killed) {
          kills++;
          counts[step.name] = (counts[step.name] ?? 0) + 1;
        } else {
          assert.equal(ran.status, 0, ran.err);
          typical.push(lifeOf(ran));
        }
        if (ran.killed) await goOn(stage, at, 1);
        if (ran.killed) await assertConsistent(stage);
      });
    }
    // The next writer takes away what was left.
    await takePlainly(stage, {
      name: "set",
      on: "approver",
      args: () => ["secrets", "set", "global/next"],
      reads: "code",
    });
    assert.deepEqual(strayFiles(stage.approver), []);
  }
  say(`pairing kills: ${kills}: ${JSON.stringify(counts)}`);
  assert.ok(kills >= KILLS, `only ${kills} kills hit a living process`);
});

/** The system calls of a step that nothing disturbs, on a copy. */
async function rehearse(stage: Stage, step: ScriptStep): Promise<readonly Call[]> {
  using copy = copyOfStage(stage);
  const { ran, calls } = await take(
    copy,
    step,
    (root, args, stdin) => watch({ root, args, stdin }),
  );
  assert.equal(ran.status, 0, `${step.name}: ${ran.err}`);
  return calls;
}

/** Whether it was interrupted: its run may have made fewer calls than the rehearsal, and ended well. */
async function interrupt(
  stage: Stage,
  step: ScriptStep,
  injection: Injection,
): Promise<boolean> {
  const { ran, calls } = await take(
    stage,
    step,
    (root, args, stdin) => watch({ root, args, stdin }, injection),
  );
  if (!isReached(injection, calls)) {
    assert.equal(ran.status, 0, ran.err);
    return false;
  }
  if (injection.effect === "signal=SIGKILL") {
    assert.ok(ran.killed, `exit status ${ran.status}, not killed`);
    return true;
  }
  const hit = calls.findIndex(({ injected }) => injected);
  assert.ok(hit >= 0, "the call was not reached");
  if (ran.status === 0) {
    // SQLite passes over a failure to sync the directory before a commit; it is synced again after it.
    const { name, paths } = calls[hit]!;
    const isSynced = calls.slice(hit + 1).some((call) =>
      call.name === "fsync" && call.paths[0] === paths[0] && !call.failed
    );
    assert.ok(name === "fsync" && isSynced, `${name} ${paths.join()} failed, and the status is 0`);
    return true;
  }
  assert.equal(ran.status, UNAVAILABLE, ran.err);
  assert.equal(ran.out, "");
  assert.match(ran.err, /^palyra: Cannot [^\n]+\n(?:hint: [^\n]+\n)?(?:\{[^\n]+\}\n)?$/);
  return true;
}

function errorOf({ name }: Call): Injection["effect"] {
  return /sync|unlink/.test(name) ? "error=EIO" : "error=ENOSPC";
}

function describe({ name, at, effect }: Injection): string {
  return `${effect} at ${name} ${at}`;
}

async function orExplain(what: string, stage: Stage, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${what}: ${why}\n${listingOf(stage.approver)}\n${listingOf(stage.joiner)}`, {
      cause,
    });
  }
}
