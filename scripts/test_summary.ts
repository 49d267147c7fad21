/** Reads the summaries of test runs: counts of tests, and names of skipped ones. */

/** Tests of one run. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const SUMMARY =
  /^(?:ok|FAILED) \| (\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed(?: \(\d+ steps?\))?(?: \| (\d+) ignored)?/gm;
const MUTANTS = /^(\d+) mutants, (\d+) killed$/gm;
const SKIPPED = /^skipped: ([^\s:]+): (.+)$/gm;
// deno-lint-ignore no-control-regex -- terminal colours
const COLOURS = /\x1b\[[0-9;]*m/g;

/** Counts of all summary lines in an output; `undefined` when there is none. */
export function countTests(output: string): Counts | undefined {
  const text = output.replaceAll(COLOURS, "");
  const counts = [
    ...[...text.matchAll(SUMMARY)].map(([, passed, failed, ignored]) => ({
      passed: Number(passed),
      failed: Number(failed),
      skipped: Number(ignored ?? 0),
    })),
    ...[...text.matchAll(MUTANTS)].map(([, all, killed]) => ({
      passed: Number(killed),
      failed: Number(all) - Number(killed),
      skipped: 0,
    })),
  ];
  return counts.length === 0 ? undefined : addCounts(counts);
}

/**
 * Failures of an output that are no failed test: modules that could not be loaded or that broke
 * outside of a test. `deno test` counts each as one more failed test.
 */
export function countUncaught(output: string): number {
  const text = output.replaceAll(COLOURS, "");
  const failures = text.slice(text.lastIndexOf("\n FAILURES ") + 1); // named before, too
  return failures.match(/^\S+ \(uncaught error\)$/gm)?.length ?? 0;
}

/** The sum of several runs. */
export function addCounts(counts: readonly Counts[]): Counts {
  return counts.reduce((sum, { passed, failed, skipped }) => ({
    passed: sum.passed + passed,
    failed: sum.failed + failed,
    skipped: sum.skipped + skipped,
  }), { passed: 0, failed: 0, skipped: 0 });
}

/** Names of skips in an output that the list does not allow. */
export function forbiddenSkips(output: string, allowed: string): string[] {
  const names = new Set(
    allowed.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => line.split(/\s/, 1)[0]),
  );
  const found = output.replaceAll(COLOURS, "").matchAll(SKIPPED);
  return [...new Set([...found].map(([, name]) => name!))].filter((name) => !names.has(name));
}

/** How many tests are ignored in an output that says of none why it was skipped. */
export function silentSkips(output: string): number {
  const isExplained = output.replaceAll(COLOURS, "").match(SKIPPED) !== null;
  return isExplained ? 0 : countTests(output)?.skipped ?? 0;
}

/** The last line of a run: `N passed, N failed` and, if any, `, N skipped`. */
export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
