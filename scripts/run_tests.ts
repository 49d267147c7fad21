/** Runs the checks in order, goes on after a failure, and ends with the line `N passed, N failed`. */

import { childEnvironment } from "./child_environment.ts";
import {
  addCounts,
  type Counts,
  countTests,
  forbiddenSkips,
  formatCounts,
  silentSkips,
} from "./test_summary.ts";

interface Step {
  readonly name: string;
  readonly args: readonly string[];
  /** Further arguments where nothing has failed before. */
  readonly afterGreen?: readonly string[];
  /** How many test files run at once. */
  readonly jobs?: number;
  /** Its processes are run from the bundle, as users run them, which also takes half the time. */
  readonly usesBundle?: boolean;
}

const CPUS = navigator.hardwareConcurrency;
const ROOT = new URL("..", import.meta.url).pathname;
/** Tests wait for processes most of the time: side by side they take half as long. */
const TEST = ["test", "-A", "--no-prompt", "--no-check", "--parallel"];
/** Their stand-ins have to answer within the limits of keystores, which are short. */
const PUNCTUAL = ["tests/keystore", "tests/identity/protection_test.ts"];
const SOURCES = ["main.ts", "src", "scripts", "tests"];

const [which] = Deno.args;
if (which !== "fast" && which !== "all") {
  say("usage: run_tests.ts fast|all");
  Deno.exit(2);
}
/** Made once, for all tests. */
const bundle = await Deno.makeTempDir({ prefix: "palyra-bundle-" });

const FAST: readonly Step[] = [
  { name: "format", args: ["fmt", "--check"] },
  { name: "lint", args: ["lint"] },
  { name: "types", args: ["check", ...SOURCES] },
  { name: "bundle", args: ["run", "-A", "scripts/bundle.ts", "--out", bundle] },
  {
    name: "fast tests",
    args: [...TEST, `--ignore=${["tests/slow", ...PUNCTUAL].join(",")}`, "tests"],
    jobs: CPUS,
    usesBundle: true,
  },
  { name: "keystore tests", args: [...TEST, ...PUNCTUAL], usesBundle: true },
];

const SLOW: readonly Step[] = [
  {
    name: "slow tests",
    args: [...TEST, "--permit-no-files", "tests/slow"],
    jobs: CPUS,
    usesBundle: true,
  },
  { name: "mutants", args: ["run", "-A", "scripts/mutants.ts"], afterGreen: ["--green"] },
];

let counts: Counts;
try {
  counts = await runSteps(which === "all" ? [...FAST, ...SLOW] : FAST);
} finally {
  await Deno.remove(bundle, { recursive: true });
}
say(formatCounts(counts));
Deno.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);

async function runSteps(steps: readonly Step[]): Promise<Counts> {
  const allowed = await Deno.readTextFile(`${ROOT}tests/allowed_skips.txt`);
  const all: Counts[] = [];
  for (const { name, args, afterGreen = [], jobs = 1, usesBundle = false } of steps) {
    const started = performance.now();
    const isGreen = all.every(({ failed }) => failed === 0);
    const variables = {
      DENO_JOBS: `${jobs}`,
      ...(usesBundle ? { PALYRA_TEST_BUNDLE: bundle } : {}),
    };
    const { code, output } = await stream(isGreen ? [...args, ...afterGreen] : args, variables);
    const found = countTests(output);
    const forbidden = forbiddenSkips(output, allowed);
    for (const skip of forbidden) say(`not allowed to be skipped: ${skip}`);
    const silent = silentSkips(output);
    if (silent > 0) say(`${silent} tests are ignored without a line that says why`);
    if (found !== undefined) all.push(found);
    else all.push({ passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 });
    const crashed = code !== 0 && found?.failed === 0;
    all.push({
      passed: 0,
      failed: forbidden.length + (silent > 0 ? 1 : 0) + (crashed ? 1 : 0),
      skipped: 0,
    });
    const seconds = ((performance.now() - started) / 1_000).toFixed(1);
    say(`${code === 0 ? "ok" : "FAILED"}: ${name} (${seconds} s)\n`);
  }
  return addCounts(all);
}

/** Runs deno, passes its output on as it comes, and keeps a copy. */
async function stream(
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<{ code: number; output: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env: { ...childEnvironment(), ...variables },
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  async function pass(from: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of from) {
      output += decoder.decode(chunk, { stream: true });
      for (let at = 0; at < chunk.length;) at += Deno.stdout.writeSync(chunk.subarray(at));
    }
  }
  await Promise.all([pass(child.stdout), pass(child.stderr)]);
  return { code: (await child.status).code, output };
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
