/** Backups and restores that are killed, overlap with writers and rotations, or are very large. */

import assert from "node:assert/strict";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { type Machine, makeMachine } from "../support/cli_run.ts";
import { pause, rollDice, say } from "../support/dice.ts";
import { assertClean } from "../support/known_state.ts";

const KILLS = 60;
const MOST_RUNS = 400;
const SECRETS = 60;
const MANY = 5_000;
/** Backups, writes and rotations that must have overlapped. */
const ENOUGH = 10;

interface Keys {
  readonly identityFile: string;
  readonly recipient: string;
}

async function ageKeys(machine: Machine): Promise<Keys> {
  const identity = await generateX25519Identity();
  const identityFile = `${machine.directory}/age.txt`;
  Deno.writeTextFileSync(identityFile, `${identity}\n`, { mode: 0o600 });
  return { identityFile, recipient: await identityToRecipient(identity) };
}

async function fill(machine: Machine, count: number): Promise<void> {
  const values = Array.from({ length: count }, (_, at) => [`K${at}`, `value ${at}`]);
  const file = `${machine.directory}/values.json`;
  Deno.writeTextFileSync(file, JSON.stringify(Object.fromEntries(values)), { mode: 0o600 });
  await machine.succeed(["secrets", "import", "--from", "json", file, "--scope", "global"]);
  Deno.removeSync(file);
}

/** Kills a command after a while; whether it was still at work. */
async function runAndKill(
  machine: Machine,
  args: readonly string[],
  afterMs: number,
): Promise<{ killed: boolean; status: number }> {
  const child = await machine.spawn(args);
  const output = child.output();
  await pause(afterMs);
  try {
    child.kill("SIGKILL");
  } catch { /* it was faster */ }
  const { code, signal } = await output;
  return { killed: signal === "SIGKILL" && code === 137, status: code };
}

Deno.test("a killed backup leaves no file or a whole one; a killed restore all of it or nothing", async () => {
  const dice = rollDice("backup kills");
  using machine = makeMachine();
  await fill(machine, SECRETS);
  const { identityFile, recipient } = await ageKeys(machine);
  const whole = `${machine.directory}/whole.age`;
  const made = ["vault", "backup", "--recipient", recipient, "--json", "--out"];
  const { signer } = JSON.parse((await machine.succeed([...made, whole])).stdout);
  const restore = (file: string): string[] => [
    ...["vault", "restore", file, "--identity-file", identityFile, "--accept-signer", signer],
  ];
  /** Most milliseconds before a kill: less whenever the command was faster, more whenever it was not. */
  const most = { backup: 150, restore: 200 };
  const counts = { backup: 0, restore: 0, afterCommit: 0 };
  for (let run = 0; run < MOST_RUNS && Math.min(counts.backup, counts.restore) < KILLS / 2; run++) {
    const file = `${machine.directory}/run${run}.age`;
    const first = await runAndKill(
      machine,
      [...made, file],
      most.backup * (0.2 + 0.8 * dice.next()),
    );
    if (first.killed) counts.backup++;
    most.backup *= first.killed ? 1.05 : 0.9;
    using other = makeMachine();
    if (exists(file)) {
      await other.succeed(restore(file)); // whole
      Deno.removeSync(file);
    }
    using target = makeMachine();
    const second = await runAndKill(
      target,
      restore(whole),
      most.restore * (0.2 + 0.8 * dice.next()),
    );
    if (second.killed) counts.restore++;
    most.restore *= second.killed ? 1.05 : 0.9;
    const count = await countSecrets(target);
    assert.ok(count === 0 || count === SECRETS, `${count} secrets, run ${run}, seed ${dice.seed}`);
    if (second.killed && count > 0) counts.afterCommit++;
    if (count === 0) await target.succeed(restore(whole));
    assert.equal(await countSecrets(target), SECRETS);
    await target.succeed(["secrets", "set", "global/next"], { stdin: "next" });
    await assertClean(target);
  }
  say(
    `backup kills: ${counts.backup} backups, ${counts.restore} restores, ${counts.afterCommit} of them after the commit`,
  );
  assert.ok(counts.backup >= KILLS / 2 && counts.restore >= KILLS / 2);
});

Deno.test("among writers and rotations a backup is one moment, and two restores are one", async () => {
  using machine = makeMachine();
  await fill(machine, SECRETS);
  const { identityFile, recipient } = await ageKeys(machine);
  const started = performance.now();
  let writes = 0;
  let rotations = 0;
  const made: string[] = [];
  let signer = "";
  /** Six seconds, and on a slow machine until enough has happened. */
  const goesOn = (): boolean => {
    const took = performance.now() - started;
    return took < 6_000 || (took < 300_000 && Math.min(made.length, writes, rotations) < ENOUGH);
  };
  /** Writes `left` and then `right`: at no moment is `right` ahead. */
  const write = async (): Promise<void> => {
    while (goesOn()) {
      const stdin = `${++writes}`;
      await machine.succeed(["secrets", "set", "global/left"], { stdin });
      await machine.succeed(["secrets", "set", "global/right"], { stdin });
    }
  };
  const rotate = async (...what: string[]): Promise<void> => {
    for (; goesOn(); rotations++) {
      await machine.succeed(["vault", "rotate", ...what]);
    }
  };
  const backUp = async (): Promise<void> => {
    while (goesOn()) {
      const file = `${machine.directory}/b${made.length}.age`;
      const args = ["vault", "backup", "--recipient", recipient, "--json", "--out", file];
      signer = JSON.parse((await machine.succeed(args)).stdout).signer;
      made.push(file);
    }
  };
  await Promise.all([write(), rotate("kek"), rotate("scope", "global"), backUp()]);
  say(`backups: ${made.length} among ${writes} writes and ${rotations} rotations`);
  assert.ok(Math.min(made.length, writes, rotations) >= ENOUGH);
  for (const file of made) {
    using other = makeMachine();
    const open = ["vault", "restore", file, "--identity-file", identityFile];
    const args = [...open, "--accept-signer", signer, "--json"];
    const results = await Promise.all([other.run(args), other.run(args)]);
    assert.deepEqual(results.map(({ status }) => status).sort(), [0, 7]);
    const names = ["global/left", "global/right"];
    const { status, stdout } = await other.run(["resolve", "--json", ...names]);
    if (status === 8) continue; // before the first of the two
    const { values } = JSON.parse(stdout);
    const [left, right] = names.map((name) => Number(values[name])) as [number, number];
    assert.ok(left === right || left === right + 1, `${left} ${right}`);
  }
});

Deno.test("five thousand secrets come back, in memory that is bounded", async () => {
  using machine = makeMachine();
  using other = makeMachine();
  await fill(machine, MANY);
  const { identityFile, recipient } = await ageKeys(machine);
  const file = `${machine.directory}/many.age`;
  const made = ["vault", "backup", "--recipient", recipient, "--json", "--out", file];
  const { signer, versions } = JSON.parse((await machine.succeed(made)).stdout);
  assert.equal(versions, MANY);
  const open = ["vault", "restore", file, "--identity-file", identityFile];
  const started = performance.now();
  await other.succeed([...open, "--accept-signer", signer]);
  say(`restore of ${MANY}: ${Math.round(performance.now() - started)} ms`);
  assert.equal(await countSecrets(other), MANY);
  await other.succeed(["vault", "check", "--strict"]);
});

async function countSecrets(machine: Machine): Promise<number> {
  const { status, stdout } = await machine.run(["secrets", "list", "--json"]);
  return status === 8 ? 0 : JSON.parse(stdout).secrets.length;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
