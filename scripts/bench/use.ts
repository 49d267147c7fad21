/** Measures `run` as what it adds to its command, and masking in megabytes a second. */

import { deno, median, say, timed } from "./measure.ts";

const RUNS = 25;
const MEGABYTES = 512;
/** Most milliseconds that `run` may add. */
const BUDGET_MS = 60;
/** Least MB/s through `redact`, and through `run --mask`. */
const BUDGET_SPEED = 100;

/** Prints the rows; how many of them are over budget. */
export async function benchUse(
  main: readonly string[],
  stateRoot: string,
  temp: string,
): Promise<number> {
  const env = { PALYRA_STATE_ROOT: stateRoot, A: "vault://global/secret_1" };
  const alone: number[] = [];
  const within: number[] = [];
  const masked: number[] = [];
  for (let run = -2; run < RUNS; run++) {
    const times = [
      await timed([], env, { program: "/bin/true" }),
      await timed([...main, "run", "--", "/bin/true"], env),
      await timed([...main, "run", "--mask", "--", "/bin/true"], env),
    ];
    if (run < 0) continue; // caches are filled first
    [alone, within, masked].forEach((row, at) => row.push(times[at]!));
  }
  const added = median(within) - median(alone);
  const addedMasked = median(masked) - median(alone);
  const file = `${temp}/output`;
  await fillWithLines(file);
  const redact = await speedOf([...main, "redact", "global/secret_1"], env, file);
  const through = await speedOf([...main, "run", "--mask", "--", "/bin/cat"], env, file);
  const rows: readonly (readonly [string, number, string, boolean])[] = [
    ["run, added to its command", added, `ms  budget ${BUDGET_MS}`, added > BUDGET_MS],
    ["run --mask, added", addedMasked, `ms  budget ${BUDGET_MS}`, addedMasked > BUDGET_MS],
    ["redact", redact, `MB/s  budget ${BUDGET_SPEED}`, redact < BUDGET_SPEED],
    ["run --mask, output", through, `MB/s  budget ${BUDGET_SPEED}`, through < BUDGET_SPEED],
  ];
  for (const [name, value, unit] of rows) {
    say(`${name.padEnd(28)} ${value.toFixed(1).padStart(7)} ${unit}`);
  }
  return rows.filter(([, , , isOver]) => isOver).length;
}

async function speedOf(
  args: readonly string[],
  env: Record<string, string>,
  file: string,
): Promise<number> {
  const script = `exec "$@" < '${file}' > /dev/null`;
  const begin = performance.now();
  await deno(["-c", script, "sh", Deno.execPath(), ...args], env, { program: "/bin/sh" });
  return MEGABYTES / ((performance.now() - begin) / 1_000);
}

/** What a program logs: lines of text, with something random in each. */
async function fillWithLines(path: string): Promise<void> {
  const random = crypto.getRandomValues(new Uint8Array(49_152)).toBase64();
  const lines = Array.from(
    { length: 1_000 },
    (_, at) =>
      `2026-11-02T10:11:12Z INFO served path=/v1/items id=${random.slice(at * 60, at * 60 + 40)}\n`,
  ).join("");
  const megabyte = new TextEncoder().encode(lines.repeat(20)).subarray(0, 1_000_000);
  using file = await Deno.open(path, { create: true, write: true, truncate: true });
  for (let at = 0; at < MEGABYTES; at++) {
    for (let sent = 0; sent < megabyte.length;) sent += await file.write(megabyte.subarray(sent));
  }
}
