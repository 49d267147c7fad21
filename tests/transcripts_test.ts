/** The transcripts, and the examples in the documentation, against the real palyra. */

import assert from "node:assert/strict";
import { palyraProcess } from "./support/palyra.ts";
import {
  consoleBlocks,
  type Exchange,
  formatTranscript,
  parseTranscript,
  runTranscript,
} from "./support/transcript.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const TRANSCRIPTS = `${ROOT}tests/transcripts`;
const MAY_UPDATE = Deno.env.get("UPDATE") === "1" && !Deno.env.get("CI");

async function check(expected: readonly Exchange[]): Promise<Exchange[]> {
  assert.ok(expected.length > 0, "no command in it");
  const { argv } = await palyraProcess([]);
  return await runTranscript(expected, argv);
}

for (const name of [...Deno.readDirSync(TRANSCRIPTS)].map(({ name }) => name).sort()) {
  Deno.test(`transcript ${name}`, async () => {
    const path = `${TRANSCRIPTS}/${name}`;
    const text = Deno.readTextFileSync(path);
    const expected = parseTranscript(text);
    const actual = await check(expected);
    if (MAY_UPDATE) {
      const preamble = text.slice(0, text.search(/^\$ /m));
      Deno.writeTextFileSync(path, `${preamble}${formatTranscript(actual)}`);
    }
    assert.equal(formatTranscript(actual), formatTranscript(expected));
  });
}

const DOCUMENTS = [...Deno.readDirSync(`${ROOT}docs`)].map(({ name }) => `docs/${name}`);

for (const path of ["README.md", ...DOCUMENTS].filter((path) => path.endsWith(".md")).sort()) {
  const expected = parseTranscript(consoleBlocks(Deno.readTextFileSync(`${ROOT}${path}`)));
  if (expected.length === 0) continue;
  Deno.test(`the examples in ${path} print what it says`, async () => {
    const actual = await check(expected);
    // One by one: of a long text nobody would see where it differs.
    for (const [at, exchange] of expected.entries()) {
      assert.equal(formatTranscript([actual[at]!]), formatTranscript([exchange]));
    }
    assert.equal(actual.length, expected.length);
  });
}
