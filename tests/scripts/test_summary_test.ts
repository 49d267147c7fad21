/** The counting of tests: what CI believes. */

import assert from "node:assert/strict";
import { countTests, forbiddenSkips, formatCounts } from "../../scripts/test_summary.ts";

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
