/**
 * Applies kept one-line defects, one at a time, to a copy of the project, and sees the named test turn
 * red. A defect that no test sees is a hole in the tests. `mutants.ts [NAME…]` runs only those.
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
const TIMEOUT_MS = 180_000;

const copy = await Deno.makeTempDir({ prefix: "palyra-mutants-" });
try {
  Deno.exitCode = await main(Deno.args);
} finally {
  await Deno.remove(copy, { recursive: true });
}

async function main(names: readonly string[]): Promise<number> {
  await new Deno.Command("/bin/cp", { args: ["-r", ...COPIED.map((path) => ROOT + path), copy] })
    .output();
  const mutants = readMutants().filter(({ name }) => names.length === 0 || names.includes(name));
  const sound = new Map<string, boolean>();
  let killed = 0;
  for (const mutant of mutants) {
    const key = `${mutant.test} ${mutant.filter}`;
    if (!sound.has(key)) sound.set(key, await runTest(mutant) === "green");
    const verdict = sound.get(key)
      ? await tryMutant(mutant)
      : "BROKEN: its test is not green without it";
    if (verdict === "killed") killed++;
    say(`${verdict}  ${mutant.name}`);
  }
  say(`${mutants.length} mutants, ${killed} killed`);
  return killed === mutants.length && killed > 0 ? 0 : 1;
}

async function tryMutant(mutant: Mutant): Promise<string> {
  const path = `${copy}/${mutant.file}`;
  const text = await Deno.readTextFile(path);
  if (text.split(mutant.find).length !== 2) return "BROKEN: its text does not stand exactly once";
  await Deno.writeTextFile(path, text.replace(mutant.find, () => mutant.replace));
  const result = await runTest(mutant);
  await Deno.writeTextFile(path, text);
  if (result === "red") return "killed";
  return result === "green" ? "SURVIVED" : "BROKEN: the test did not run";
}

/** Runs the named test in the copy. An error before any test ran is neither green nor red. */
async function runTest({ test, filter }: Mutant): Promise<"green" | "red" | "neither"> {
  const args = ["test", "-A", "--no-prompt", "--no-check", `--filter=${filter}`, test];
  const { status, out, timedOut } = await runProcess({
    argv: [Deno.execPath(), ...args],
    env: childEnvironment(),
    cwd: copy,
    timeoutMs: TIMEOUT_MS,
  });
  const counts = countTests(out);
  if (timedOut || counts === undefined || counts.passed + counts.failed === 0) return "neither";
  if (status === 0 && counts.failed === 0) return "green";
  // A module that cannot be loaded counts as a failed test, yet no test has seen the defect.
  return counts.failed > countUncaught(out) ? "red" : "neither";
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
