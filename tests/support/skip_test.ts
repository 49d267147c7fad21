/** Skipping: what is printed, what is registered, and that the names are those of the list. */

import assert from "node:assert/strict";
import { runProcess } from "./process.ts";

const SKIP = `${import.meta.dirname}/skip.ts`;

async function runTests(source: string): Promise<string> {
  const directory = Deno.makeTempDirSync({ prefix: "palyra-skip-" });
  try {
    const text = `import { unlessSkipped } from ${JSON.stringify(`file://${SKIP}`)};\n${source}`;
    Deno.writeTextFileSync(`${directory}/a_test.ts`, text);
    const argv = [Deno.execPath(), "test", "-A", "--no-check", "--no-config", directory];
    const env = { HOME: directory, DENO_DIR: `${directory}/cache`, NO_COLOR: "1" };
    const { out, err, status } = await runProcess({ argv, env });
    assert.equal(status, 0, err);
    return out;
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("a reason ignores the tests and prints one line", async () => {
  const out = await runTests(`
    const needy = unlessSkipped("no-strace", "gone\\nfor good");
    needy("one", () => { throw new Error("must not run"); });
    needy("two", () => { throw new Error("must not run"); });
  `);
  assert.deepEqual(out.match(/^.*skipped:.*$/gm), ["skipped: no-strace: gone for good"]);
  assert.match(out, /^ok \| 0 passed \| 0 failed \| 2 ignored/m);
});

Deno.test("without a reason the tests run and nothing is printed", async () => {
  const out = await runTests(`unlessSkipped("no-strace", undefined)("one", () => {});`);
  assert.doesNotMatch(out, /skipped/);
  assert.match(out, /^ok \| 1 passed/m);
});

Deno.test("the names that code may use are those of tests/allowed_skips.txt", () => {
  const text = Deno.readTextFileSync(`${import.meta.dirname}/../allowed_skips.txt`);
  const listed = text.split("\n").map((line) => line.replace(/#.*/, "").trim());
  const union = /SkipName =([^;]+);/.exec(Deno.readTextFileSync(SKIP))?.[1] ?? "";
  const named = [...union.matchAll(/"([^"]+)"/g)].map((match) => match[1]!);
  assert.deepEqual(named.sort(), listed.filter((name) => name !== "").sort());
});
