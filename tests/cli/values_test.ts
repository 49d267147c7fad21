/** Values of flags. */

import assert from "node:assert/strict";
import { parseDuration, parseWhole } from "../../src/cli/values.ts";
import { assertFails } from "../support/failures.ts";

Deno.test("parseDuration() takes a number and a unit", async () => {
  assert.deepEqual(["1s", "2m", "3h", "4d"].map((text) => parseDuration(text, "--x")), [
    1_000,
    120_000,
    10_800_000,
    345_600_000,
  ]);
  for (
    const text of [
      "",
      "0s",
      "01s",
      "1",
      "s",
      "1w",
      "-1s",
      "1.5h",
      "1 s",
      "1s ",
      "1S",
      "9".repeat(10) + "s",
    ]
  ) {
    await assertFails("usage", /--x/, () => parseDuration(text, "--x"));
  }
});

Deno.test("parseWhole() takes whole numbers within its bounds", async () => {
  assert.equal(parseWhole("8", "--x", [8, 10]), 8);
  assert.equal(parseWhole("10", "--x", [8, 10]), 10);
  for (const text of ["7", "11", "", "08", "8.0", "1e1", "+9", " 9", "0x9", "nine"]) {
    await assertFails("usage", /from 8 to 10/, () => parseWhole(text, "--x", [8, 10]));
  }
});
