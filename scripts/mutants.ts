/**
 * Applies kept one-line defects, one at a time, to a copy of the project, and sees the named test turn
 * red. A defect that no test sees is a hole in the tests. `mutants.ts [NAME…]` runs only those. With
 * `--green` all tests have just been seen green, and are not run without a defect once more.
 */

import { runProcess } from "../tests/support/process.ts";
import { childEnvironment } from "./child_environment.ts";
import { countTests, countUncaught } from "./test_summary.ts";

interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly test: string;
  /** Name of the test, or a part of it. */
  readonly filter: string;
}

const ROOT = new URL("..", import.meta.url).pathname;
const MUTANTS = `${ROOT}tests/mutants`;
const COPIED = [
  "main.ts",
  "src",
  "scripts",
  "tests",
  "docs",
  "deno.json",
  "deno.lock",
  "README.md",
];
const TIMEOUT_MS = 300_000;
/** Characters of a test's output that are told, from its end. */
const TOLD = 2_000;

/** Whose tests want the machine for themselves. */
const ALONE = ["tests/slow/", "tests/run/"];

/** Side by side, each in a copy of its own. */
const LANES = Math.min(2, navigator.hardwareConcurrency);

const GREEN = "--green";
const areGreen = Deno.args.includes(GREEN);

Deno.exitCode = await main(Deno.args.filter((arg) => arg !== GREEN));

async function main(names: readonly string[]): Promise<number> {
  const mutants = readMutants().filter(({ name }) => names.length === 0 || names.includes(name));
  const groups = [...Map.groupBy(mutants, ({ test, filter }) => `${test} ${filter}`).values()];
  const isSlow = ([first]: readonly Mutant[]): boolean =>
    ALONE.some((directory) => first!.test.startsWith(directory));
  let killed = await runLanes(groups.filter((group) => !isSlow(group)), LANES);
  // Kills and races are a matter of chance: beside others too few of them would come about. Signals that
  // come late beside others keep a command waiting.
  killed += await runLanes(groups.filter(isSlow), 1);
  say(`${mutants.length} mutants, ${killed} killed`);
  return killed === mutants.length && killed > 0 ? 0 : 1;
}

/** Tries groups of mutants, so many side by side; how many were killed. */
async function runLanes(groups: readonly (readonly Mutant[])[], lanes: number): Promise<number> {
  const waiting = [...groups];
  const counts = await Promise.all(Array.from({ length: lanes }, async () => {
    const copy = await Deno.makeTempDir({ prefix: "palyra-mutants-" });
    let killed = 0;
    try {
      const args = ["-r", ...COPIED.map((path) => ROOT + path), copy];
      await new Deno.Command("/bin/cp", { args }).output();
      for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
        killed += await tryAll(copy, group);
      }
    } finally {
      await Deno.remove(copy, { recursive: true });
    }
    return killed;
  }));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Mutants of one test, which has to be green without them; how many it kills. */
async function tryAll(copy: string, mutants: readonly Mutant[]): Promise<number> {
  // Once more where the load of the machine may have failed it: it says nothing about a mutant.
  const isSound = areGreen || await isGreen(copy, mutants[0]!) ||
    await isGreen(copy, mutants[0]!);
  let killed = 0;
  for (const mutant of mutants) {
    const verdict = isSound
      ? await tryMutant(copy, mutant)
      : "BROKEN: its test is not green without it";
    if (verdict.startsWith("killed")) killed++;
    say(`${verdict}  ${mutant.name}`);
  }
  return killed;
}

/** Whether a test is green as the project stands; what it says otherwise is printed. */
async function isGreen(copy: string, mutant: Mutant): Promise<boolean> {
  const { verdict, out } = await runTest(copy, mutant);
  if (verdict !== "green") {
    // Indented, so that nobody counts its summary among those of the tests that count.
    const told = out.slice(-TOLD).replaceAll(/^/gm, "  ");
    say(`${mutant.test}, without a mutant: ${verdict}\n${told}`);
  }
  return verdict === "green";
}

async function tryMutant(copy: string, mutant: Mutant): Promise<string> {
  const path = `${copy}/${mutant.file}`;
  const text = await Deno.readTextFile(path);
  if (text.split(mutant.find).length !== 2) return "BROKEN: its text does not stand exactly once";
  await Deno.writeTextFile(path, text.replace(mutant.find, () => mutant.replace));
  const { verdict: first } = await runTest(copy, mutant);
  // A test by chance may miss it once; what is missed twice is a hole.
  const verdict = first === "red" ? first : (await runTest(copy, mutant)).verdict;
  await Deno.writeTextFile(path, text);
  if (verdict === "red") return first === "red" ? "killed" : "killed at the second try";
  return verdict === "green" ? "SURVIVED" : "BROKEN: the test did not run";
}

/** Runs the named test in the copy. An error before any test ran is neither green nor red. */
async function runTest(
  copy: string,
  { test, filter }: Mutant,
): Promise<{ readonly verdict: "green" | "red" | "neither"; readonly out: string }> {
  const args = ["test", "-A", "--no-prompt", "--no-check", `--filter=${filter}`, test];
  const { status, out, timedOut } = await runProcess({
    argv: [Deno.execPath(), ...args],
    env: childEnvironment(),
    cwd: copy,
    timeoutMs: TIMEOUT_MS,
  });
  const counts = countTests(out);
  if (timedOut || counts === undefined || counts.passed + counts.failed === 0) {
    return { verdict: "neither", out };
  }
  if (status === 0 && counts.failed === 0) return { verdict: "green", out };
  // A module that cannot be loaded counts as a failed test, yet no test has seen the defect.
  return { verdict: counts.failed > countUncaught(out) ? "red" : "neither", out };
}

function readMutants(): Mutant[] {
  const names = [...Deno.readDirSync(MUTANTS)].map(({ name }) => name)
    .filter((name) => name.endsWith(".mutant")).sort();
  return names.map((file) => {
    const text = Deno.readTextFileSync(`${MUTANTS}/${file}`);
    const field = (name: string): string => {
      const value = new RegExp(`^${name}: (.+)$`, "m").exec(text)?.[1];
      if (value === undefined) throw new Error(`${file}: no ${name}`);
      return value;
    };
    const [, find, replace] =
      /^--- find\n([\s\S]*?)\n--- replace\n([\s\S]*?)\n?--- end$/m.exec(text) ?? [];
    if (find === undefined || replace === undefined) {
      throw new Error(`${file}: no find and replace`);
    }
    const [path, test, filter] = [field("file"), field("test"), field("filter")];
    return { name: file.replace(".mutant", ""), file: path, find, replace, test, filter };
  });
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
