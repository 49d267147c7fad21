/** The counting of tests: what CI believes. */

import assert from "node:assert/strict";
import { childEnvironment } from "../../scripts/child_environment.ts";
import {
  countTests,
  countUncaught,
  forbiddenSkips,
  formatCounts,
  silentSkips,
} from "../../scripts/test_summary.ts";

Deno.test("countTests() adds up all summaries, with colours or without", () => {
  const output = "noise\nok | 3 passed (2 steps) | 0 failed | 1 ignored (8ms)\n" +
    "\x1b[31mFAILED\x1b[0m | 2 passed | 1 failed \x1b[38;5;245m(8ms)\x1b[0m\n20 mutants, 19 killed\n";
  assert.deepEqual(countTests(output), { passed: 24, failed: 2, skipped: 1 });
  assert.equal(countTests("error: Module not found\n"), undefined);
});

Deno.test("forbiddenSkips() names what the list does not allow", () => {
  const output = "skipped: strace: not installed\nskipped: luck: bad day\nskipped: luck: again\n";
  assert.deepEqual(forbiddenSkips(output, "# a comment\nstrace  why\n"), ["luck"]);
});

Deno.test("formatCounts() is the line that CI reads", () => {
  assert.equal(formatCounts({ passed: 5, failed: 0, skipped: 0 }), "5 passed, 0 failed");
  assert.equal(formatCounts({ passed: 5, failed: 1, skipped: 2 }), "5 passed, 1 failed, 2 skipped");
});

Deno.test("forbiddenSkips() reads names of any spelling", () => {
  assert.deepEqual(forbiddenSkips("skipped: no-Python3_x: not installed\n", ""), ["no-Python3_x"]);
});

Deno.test("silentSkips() counts ignored tests that nothing explains", () => {
  const summary = "ok | 3 passed | 0 failed | 2 ignored (8ms)\n";
  assert.equal(silentSkips(summary), 2);
  assert.equal(silentSkips(`skipped: strace: not installed\n${summary}`), 0);
  assert.equal(silentSkips("ok | 3 passed | 0 failed (8ms)\n"), 0);
});

Deno.test("countUncaught() tells modules that break from tests that fail", () => {
  const broken = "./a_test.ts (uncaught error)\nerror: x\n\n FAILURES \n\n" +
    "./a_test.ts (uncaught error)\nname => ./b_test.ts:1:6\n\nFAILED | 0 passed | 2 failed (6ms)\n";
  assert.equal(countUncaught(broken), 1);
  assert.equal(countUncaught("ok | 3 passed | 0 failed (8ms)\n"), 0);
});

Deno.test("childEnvironment() leaves out what would steer palyra or the runtime", () => {
  const own = { PATH: "/bin", PALYRA_CONFIG: "/x", COMPLETE: "bash", OTEL_DENO: "true", CI: "1" };
  assert.deepEqual(childEnvironment(own), { PATH: "/bin", CI: "1", NO_COLOR: "1" });
});
