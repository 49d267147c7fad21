/** Crash safety: real processes are killed at random moments, and what they leave is looked at. */

import assert from "node:assert/strict";
import { type Machine, makeMachine } from "../support/cli_run.ts";
import { type Dice, pause, rollDice, say } from "../support/dice.ts";
import { assertClean, KnownState } from "../support/known_state.ts";

/** Kills that must have ended a living process; fewer where the same suite runs once more. */
const KILLS = Number(Deno.env.get("PALYRA_TEST_KILLS") ?? "300");
const KILLS_OF_EACH = 5;
/** Kills between a commit and the end of its process: about one in sixty. */
const LATE_KILLS = Math.floor(KILLS / 100);
const MOST_RUNS = 1_500;
/** Races of rotations among writers; more where too few of their kills hit a living one. */
const [RACES, MOST_RACES] = [12, 48];
const RACING_WRITERS = 20;

type Kind =
  | "set"
  | "set new"
  | "new scope"
  | "delete"
  | "rollback"
  | "rotate kek"
  | "rotate scope"
  | "first use"
  | "init";

/** What the dice choose from; the frequent ones stand more than once. */
const KINDS: readonly Kind[] = [
  "set",
  "set",
  "set",
  "set new",
  "new scope",
  "delete",
  "rollback",
  "rotate kek",
  "rotate kek",
  "rotate scope",
  "rotate scope",
  "first use",
  "init",
];

interface Operation {
  readonly kind: Kind;
  readonly args: readonly string[];
  readonly ref?: string;
  readonly value?: string;
}

/** Runs a command and kills it after a while; its output if it was faster. */
async function runAndKill(
  machine: Machine,
  { args, value }: Operation,
  afterMs: number,
): Promise<{ killed: boolean; status: number; out: string; err: string; tookMs: number }> {
  const started = performance.now();
  const child = await machine.spawn(args, { stdin: value ?? "" });
  const writer = child.stdin.getWriter();
  const fed = writer.write(new TextEncoder().encode(value ?? "")).then(() => writer.close()).catch(
    () => {},
  );
  const output = child.output();
  const ended = output.then(() => performance.now());
  await pause(afterMs);
  try {
    child.kill("SIGKILL");
  } catch { /* it was faster */ }
  const { code, signal, stdout, stderr } = await output;
  const tookMs = await ended - started;
  await fed;
  const decoder = new TextDecoder();
  const killed = signal === "SIGKILL" && code === 137;
  const [out, err] = [decoder.decode(stdout), decoder.decode(stderr)];
  return { killed, status: code, out, err, tookMs };
}

/** How long a write takes here, in milliseconds. */
async function typicalMs(machine: Machine): Promise<number> {
  const times = [];
  for (let run = 0; run < 7; run++) {
    const started = performance.now();
    await machine.succeed(["secrets", "set", "global/timing"], { stdin: `${run}` });
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[3]!;
}

function choose(dice: Dice, run: number, kinds: readonly Kind[]): Operation {
  const kind = dice.pick(kinds);
  const old = `global/key_${Math.floor(dice.next() * 4)}`;
  const set = (ref: string): Operation => {
    return { kind, args: ["secrets", "set", ref, "--json"], ref, value: `value ${run}` };
  };
  if (kind === "set") return set(old);
  if (kind === "set new" || kind === "first use") return set(`global/new_${run}`);
  if (kind === "new scope") return set(`skill:s${run}/key`);
  if (kind === "delete") return { kind, args: ["secrets", "delete", old], ref: old };
  if (kind === "rollback") {
    return { kind, args: ["secrets", "rollback", old, "--to", "1"], ref: old };
  }
  if (kind === "rotate kek") return { kind, args: ["vault", "rotate", "kek"] };
  if (kind === "rotate scope") return { kind, args: ["vault", "rotate", "scope", "global"] };
  return { kind, args: ["init"] };
}

type Counts = Record<string, { killed: number; done: number; finished: number }>;

function lateKills(counts: Counts): number {
  return Object.values(counts).reduce((sum, { done }) => sum + done, 0);
}

Deno.test("a killed command leaves the state before it or after it", async () => {
  const dice = rollDice("kills");
  using machine = makeMachine();
  let state = new KnownState(machine);
  let typical = await typicalMs(machine);
  const counts: Counts = {};
  let kills = 0;
  for (let run = 0; run < MOST_RUNS; run++) {
    // At the end, whatever the dice have left out.
    const rare = KINDS.filter((kind) => (counts[kind]?.killed ?? 0) < KILLS_OF_EACH);
    const enough = kills >= KILLS;
    if (enough && rare.length === 0 && lateKills(counts) >= LATE_KILLS) break;
    const operation = choose(dice, run, enough && rare.length > 0 ? rare : KINDS);
    const { kind, ref, value } = operation;
    if (kind === "first use" || kind === "init") {
      await Deno.remove(machine.stateRoot, { recursive: true }).catch(() => {});
      state = new KnownState(machine);
    }
    const fresh = kind === "first use" || kind === "init";
    // Half of the kills fall anywhere, half near the end, where the commit is.
    const delay = dice.next() < 0.5 || fresh
      ? 8 + dice.next() * typical * (fresh ? 2 : 1.2)
      : typical * (0.8 + dice.next() * 0.25);
    const { killed, status, out, err, tookMs } = await runAndKill(machine, operation, delay);
    // The machine's load changes: what is typical follows what is seen of it.
    if (!killed && !fresh) typical = (3 * typical + tookMs) / 4;
    else if (killed && delay > typical) typical *= 1.05;
    const count = counts[kind] ??= { killed: 0, done: 0, finished: 0 };
    const why = `run ${run}, seed ${dice.seed}: ${kind} ${ref ?? ""}: ${status} ${err}`;
    if (killed) {
      kills++;
      count.killed++;
      if (ref !== undefined && kind !== "rollback") state.maybe(ref, value);
    } else {
      assert.ok(
        status === 0 || (status === 8 && ref !== undefined) ||
          (status === 8 && kind.startsWith("rotate")),
        why,
      );
      count.finished++;
      if (ref !== undefined && kind !== "rollback" && status === 0) {
        state.acknowledged(ref, value, kind === "delete" ? undefined : JSON.parse(out).version);
      }
    }
    try {
      if (ref !== undefined && kind === "rollback") {
        state = await acceptRollback(machine, state, ref);
      } else if (ref !== undefined && await state.check(ref) && killed) count.done++;
      const next = await machine.succeed(["secrets", "set", "global/next", "--json"], {
        stdin: `next ${run}`,
      });
      state.acknowledged("global/next", `next ${run}`, JSON.parse(next.stdout).version);
      await assertClean(machine);
      if (run % 25 === 0) await state.checkAll();
    } catch (error) {
      throw new Error(why, { cause: error });
    }
  }
  await state.checkAll();
  for (const [kind, { killed, done, finished }] of Object.entries(counts)) {
    say(`  ${kind}: ${killed} killed (${done} of them after their commit), ${finished} finished`);
  }
  say(`kills: ${kills} ended a living process`);
  assert.ok(kills >= KILLS, `only ${kills} kills ended a living process`);
  for (const kind of new Set(KINDS)) {
    assert.ok(
      counts[kind]!.killed >= KILLS_OF_EACH,
      `only ${counts[kind]!.killed} kills of ${kind}`,
    );
  }
  const late = lateKills(counts);
  assert.ok(
    late >= LATE_KILLS,
    `only ${late} kills came between a commit and the end of its process`,
  );
});

/** A rollback leaves the current value or the first one: whatever is read is booked. */
async function acceptRollback(
  machine: Machine,
  state: KnownState,
  ref: string,
): Promise<KnownState> {
  const first = await machine.run(["resolve", `${ref}#1`]);
  if (first.status === 0) state.maybe(ref, first.stdout);
  await state.check(ref);
  return state;
}

Deno.test("a rotation that is killed among twenty writers loses none of their writes", async () => {
  const dice = rollDice("kills among writers");
  using machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/first"], { stdin: "first" });
  const state = new KnownState(machine);
  let kills = 0;
  let race = 0;
  for (; race < RACES || (kills < RACES && race < MOST_RACES); race++) {
    const writers = Array.from({ length: RACING_WRITERS }, async (_, at) => {
      await pause(dice.next() * 200);
      const ref = at % 5 === 0 ? `skill:race_${race}_${at}/key` : `global/key_${at}`;
      const value = `value ${race} ${at}`;
      const { stdout } = await machine.succeed(["secrets", "set", ref, "--json"], { stdin: value });
      state.acknowledged(ref, value, JSON.parse(stdout).version);
    });
    const rotations = [["kek"], ["scope", "global"], ["kek"]].map(async (what) => {
      await pause(dice.next() * 250);
      const operation: Operation = { kind: "rotate kek", args: ["vault", "rotate", ...what] };
      const { killed, status, err } = await runAndKill(machine, operation, 20 + dice.next() * 300);
      if (killed) kills++;
      else assert.equal(status, 0, err);
    });
    await Promise.all([...writers, ...rotations]);
    await state.checkAll();
    await machine.succeed(["secrets", "set", "global/next"], { stdin: `next ${race}` });
    await assertClean(machine);
  }
  say(
    `kills among writers: ${kills} ended a living rotation, ${race * RACING_WRITERS} writes kept`,
  );
  assert.ok(kills >= RACES, `only ${kills} kills ended a living rotation`);
});
