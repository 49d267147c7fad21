/** Masks and exports against the libraries that GitHub and Azure give to their own actions and tasks. */

import assert from "node:assert/strict";
import { exportToAzure } from "../../src/ci/azure.ts";
import { exportToGithub } from "../../src/ci/github.ts";
import { maskedForms } from "../../src/ci/masks.ts";
import type { Variable } from "../../src/ci/variable.ts";
import { askOracle } from "../support/ask_oracle.ts";
import { rollDice, say } from "../support/dice.ts";
import { asVariables, manyTexts } from "../support/variables.ts";

const CASES = 1_000;
function linesOf(text: string, start: string): string[] {
  return text.split("\n").filter((line) => line.startsWith(start)).map((line) => `${line}\n`);
}

/** The variables that a format takes, each by itself. */
function takenBy(format: (one: Variable) => unknown, variables: readonly Variable[]): Variable[] {
  return variables.filter((one) => {
    try {
      format(one);
      return true;
    } catch {
      return false;
    }
  });
}

Deno.test("each GitHub mask is what setSecret prints, each export what exportVariable writes", async () => {
  const { seed } = rollDice("GitHub");
  const variables = asVariables(manyTexts(CASES, seed));
  const taken = takenBy((one) => exportToGithub([one], "x"), variables);
  const forms = maskedForms(taken);
  const pairs = [
    ...taken.map(({ name, text }) => [name, text] as const),
    ...forms.map((form) => ["F", form] as const),
  ];
  const answers = await askOracle<[string, string]>("github", pairs);
  const { masks } = exportToGithub(taken, "x");
  assert.deepEqual(
    linesOf(masks, "::add-mask::"),
    answers.slice(taken.length).map(([mask]) => mask),
  );
  const trimmed = new Set(answers.slice(taken.length).map(([mask]) => mask));
  taken.forEach((variable, at) => {
    const [mask, written] = answers[at]!;
    assert.ok(trimmed.has(mask), `the whole of ${variable.name} is not masked`);
    const id = /^\w+<<ghadelimiter_(.*)\n/.exec(written)![1]!;
    assert.equal(exportToGithub([variable], id).file, written);
  });
  const refused = variables.filter((one) => !taken.includes(one)).map(({ text }) => text);
  assert.ok(refused.every((text) => /^\s*$/.test(text)), "only blank values are refused");
  say(`GitHub: ${taken.length} values, ${forms.length} masks, ${refused.length} refused`);
  assert.ok(taken.length > CASES * 0.85); // about 940, give or take 10
});

Deno.test("each Azure mask is what setSecret prints, each variable what setVariable prints", async () => {
  const { seed } = rollDice("Azure");
  const variables = asVariables(manyTexts(CASES, seed));
  const taken = takenBy((one) => exportToAzure([one]), variables);
  const answers = await askOracle<string>("azure", variables.map(({ name, text }) => [name, text]));
  let multiline = 0;
  variables.forEach((variable, at) => {
    const answer = answers[at]!;
    if (/[\r\n]/.test(variable.text)) {
      multiline++;
      assert.equal(answer, "refused\n");
      assert.ok(!taken.includes(variable));
    } else if (taken.includes(variable)) {
      const [mask, set] = answer.split(/(?<=\n)/);
      const ours = exportToAzure([variable]);
      assert.equal(linesOf(ours, "##vso[task.setsecret]")[0], mask);
      assert.deepEqual(linesOf(ours, "##vso[task.setvariable"), [set]);
    } else {
      assert.match(variable.text, /^\s*$/);
    }
  });
  const lines = exportToAzure(taken).trimEnd().split("\n");
  const firstSet = lines.findIndex((line) => line.startsWith("##vso[task.setvariable"));
  assert.equal(lines.length - firstSet, taken.length, "all masks come first");
  say(`Azure: ${taken.length} values, ${multiline} of several lines refused by both`);
  assert.ok(taken.length > CASES / 4 && multiline > CASES / 10);
});
