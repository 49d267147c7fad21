/** The transcript runner itself: every kind of difference must show. */

import assert from "node:assert/strict";
import { consoleBlocks, formatTranscript, parseTranscript, runTranscript } from "./transcript.ts";

async function agrees(text: string): Promise<boolean> {
  const expected = parseTranscript(text);
  return formatTranscript(await runTranscript(expected, ["/bin/true"])) ===
    formatTranscript(expected);
}

Deno.test("a transcript agrees with output, errors and status", async () => {
  assert.equal(
    await agrees("# why\n$ printf 'a\\nb\\n'; echo oops >&2; exit 3\na\nb\n! oops\n? 3\n"),
    true,
  );
  assert.equal(
    await agrees("$ palyra anything\n$ echo 2026-01-02T03:04:05.678Z $HOME\n<TIME> <TMP>\n"),
    true,
  );
});

Deno.test("a wrong, missing or further line, or another status, does not agree", async () => {
  for (
    const text of [
      "$ echo a\nb\n",
      "$ echo a\n",
      "$ echo a\na\nb\n",
      "$ echo a >&2\n! b\n",
      "$ echo a >&2\na\n",
      "$ echo a\n! a\n",
      "$ exit 3\n",
      "$ exit 3\n? 4\n",
      "$ true\n? 1\n",
    ]
  ) assert.equal(await agrees(text), false, text);
  assert.throws(() => parseTranscript("output\n$ echo a\n"), /before a command/);
});

Deno.test("consoleBlocks() finds console blocks and no others", () => {
  const text = "```console\n$ a\n```\ntext\n```sh\n$ b\n```\n```console\n$ c\nd\n```\n";
  assert.equal(consoleBlocks(text), "$ a\n$ c\nd\n");
});
