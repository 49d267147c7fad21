/** Many processes at once: nothing is lost, nothing is counted twice, nobody waits too long. */

import assert from "node:assert/strict";
import { type CliResult, type Machine, makeMachine, runAtOnce } from "../support/cli_run.ts";
import { say } from "../support/dice.ts";

const CROWD = 50;
/** How long a race takes at least, and at most where the machine is slow. */
const [RACE_MS, LONG_RACE_MS] = [10_000, 300_000];

/** Starts all commands at once. */
async function crowd(
  machine: Machine,
  count: number,
  command: (at: number) => readonly string[],
  { statuses = [0], value = "value" }: { statuses?: readonly number[]; value?: string } = {},
): Promise<CliResult[]> {
  const started = performance.now();
  const results = await runAtOnce(
    count,
    (at) => machine.run(command(at), { stdin: `${value} ${at}` }),
  );
  const took = performance.now() - started;
  for (const { status, stderr } of results) {
    assert.ok(statuses.includes(status), `${status}: ${stderr}`);
  }
  say(`${count} at once: ${Math.round(took)} ms`);
  return results;
}

Deno.test("fifty first commands at once make one identity and one vault, and lose nothing", async () => {
  using machine = makeMachine();
  await crowd(machine, CROWD, (at) => ["secrets", "set", `global/key_${at}`]);
  const { stdout } = await machine.succeed(["secrets", "list", "--json"]);
  assert.equal(JSON.parse(stdout).secrets.length, CROWD);
  const names = Array.from({ length: CROWD }, (_, at) => `global/key_${at}`);
  const { values } = JSON.parse((await machine.succeed(["resolve", "--json", ...names])).stdout);
  names.forEach((name, at) => assert.equal(values[name], `value ${at}`));
  await machine.succeed(["vault", "check", "--strict"]);
});

Deno.test("sixteen inits at once make one identity, and one says that it did", async () => {
  for (let round = 0; round < 5; round++) {
    using machine = makeMachine();
    const results = await crowd(machine, 16, () => ["init", "--json"]);
    const reports = results.map(({ stdout }) => JSON.parse(stdout));
    assert.equal(new Set(reports.map(({ device_id }) => device_id)).size, 1);
    assert.equal(new Set(reports.map(({ vault_id }) => vault_id)).size, 1);
    assert.equal(reports.filter(({ created }) => created).length, 1);
  }
});

Deno.test("fifty writers of one name make versions without gaps or doubles", async () => {
  using machine = makeMachine();
  const results = await crowd(machine, CROWD, () => ["secrets", "set", "global/one", "--json"]);
  const versions = results.map(({ stdout }) => JSON.parse(stdout).version).sort((a, b) => a - b);
  assert.deepEqual(versions, Array.from({ length: CROWD }, (_, at) => at + 1));
  const history = JSON.parse(
    (await machine.succeed(["secrets", "history", "global/one", "--json"])).stdout,
  );
  assert.deepEqual(
    history.versions.map(({ version }: { version: number }) => version),
    Array.from({ length: 10 }, (_, at) => CROWD - at),
  );
  const last = results.findIndex(({ stdout }) => JSON.parse(stdout).version === CROWD);
  assert.equal((await machine.succeed(["resolve", "global/one"])).stdout, `value ${last}`);
});

Deno.test("of twenty writers with a condition one succeeds", async () => {
  using machine = makeMachine();
  await machine.succeed(["init"]);
  const absent = await crowd(
    machine,
    20,
    () => ["secrets", "set", "global/a", "--if-absent", "--json"],
  );
  assert.equal(absent.filter(({ stdout }) => JSON.parse(stdout).created).length, 1);
  const exact = await crowd(
    machine,
    20,
    () => ["secrets", "set", "global/a", "--if-version", "1"],
    // None of them may be the value that is stored: writing that one again would change nothing.
    { statuses: [0, 7], value: "other value" },
  );
  assert.equal(exact.filter(({ status }) => status === 0).length, 1);
});

Deno.test("readers and writers go on through rotations, and never see a wrong value", async () => {
  using machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/steady"], { stdin: "steady value" });
  const start = performance.now();
  const rotations: { from: number; to: number }[] = [];
  const reads: { from: number; to: number }[] = [];
  let writes = 0;
  async function repeat(action: () => Promise<void>): Promise<void> {
    while (!isOver()) await action();
  }
  function overlaps(): number {
    const isDuring = (read: { from: number; to: number }): boolean =>
      rotations.some(({ from, to }) => from < read.to && read.from < to);
    return reads.filter(isDuring).length;
  }
  function isEnough(): boolean {
    return rotations.length >= 20 && writes >= 40 && overlaps() >= 40;
  }
  function isOver(): boolean {
    const took = performance.now() - start;
    return took > LONG_RACE_MS || (took > RACE_MS && isEnough());
  }
  async function timed(
    list: { from: number; to: number }[],
    action: () => Promise<unknown>,
  ): Promise<void> {
    const from = performance.now();
    await action();
    list.push({ from, to: performance.now() });
  }
  const rotate = (...what: string[]): Promise<void> =>
    repeat(() => timed(rotations, () => machine.succeed(["vault", "rotate", ...what])));
  const read = (): Promise<void> =>
    repeat(() =>
      timed(reads, async () => {
        const { stdout } = await machine.succeed(["resolve", "global/steady"]);
        assert.equal(stdout, "steady value");
      })
    );
  const write = (at: number): Promise<void> =>
    repeat(async () => {
      const value = `value ${writes++}`;
      await machine.succeed(["secrets", "set", `global/writer_${at}`], { stdin: value });
      assert.equal((await machine.succeed(["resolve", `global/writer_${at}`])).stdout, value);
    });
  await Promise.all([
    rotate("kek"),
    rotate("scope", "global"),
    read(),
    read(),
    ...[0, 1, 2, 3].map(write),
  ]);
  say(
    `rotations: ${rotations.length}, writes: ${writes}, reads: ${reads.length}, ${overlaps()} of them during a rotation`,
  );
  assert.ok(isEnough());
  await machine.succeed(["vault", "check", "--strict"]);
});
