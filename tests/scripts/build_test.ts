/** The parts of a release: archives that tar reads, pins, and a manual page without warnings. */

import assert from "node:assert/strict";
import { archive } from "../../scripts/build/archive.ts";
import { findBase, pinOf, TARGETS } from "../../scripts/build/compile.ts";
import { manPage } from "../../scripts/build/man_page.ts";
import { runProcess } from "../support/process.ts";

const PATH = "/usr/bin:/bin";

Deno.test("tar reads an archive, which does not depend on the order of its files", async () => {
  const bytes = (length: number): Uint8Array<ArrayBuffer> =>
    crypto.getRandomValues(new Uint8Array(length));
  const files = [
    { name: "b/deep/x", bytes: bytes(513), executable: false },
    { name: "a", bytes: bytes(512), executable: true },
    { name: "b/empty", bytes: bytes(0), executable: false },
  ];
  const made = await archive(files);
  assert.deepEqual(await archive(files.toReversed()), made);
  const directory = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  try {
    const argv = ["/usr/bin/tar", "-xzf", "-", "-C", directory];
    const { status, err } = await runProcess({ argv, env: { PATH }, stdin: made });
    assert.equal(status, 0, err);
    for (const { name, bytes, executable } of files) {
      assert.deepEqual(Deno.readFileSync(`${directory}/${name}`), bytes, name);
      const mode = Deno.statSync(`${directory}/${name}`).mode! & 0o777;
      assert.equal(mode, executable ? 0o700 : 0o600, name);
    }
    assert.equal(Deno.statSync(`${directory}/b/deep`).mode! & 0o777, 0o700);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("a base of deno compile is used only when its SHA-256 is pinned", async () => {
  const digest = "a".repeat(64);
  const text = `# comment\n${digest}  2.9.6 denort-x.zip\n`;
  assert.equal(pinOf(text, "2.9.6 denort-x.zip"), digest);
  assert.equal(pinOf(text, "2.9.7 denort-x.zip"), undefined);
  const directory = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  try {
    const cache = `${directory}/dl/release/v${Deno.version.deno}`;
    Deno.mkdirSync(cache, { recursive: true });
    Deno.writeTextFileSync(`${cache}/denort-${TARGETS[1]}.zip`, "of somebody else");
    const lacks = await Promise.all(
      [TARGETS[0], TARGETS[1]].map(async (target) => {
        const base = await findBase(target, directory);
        return "lack" in base ? base.lack : "used";
      }),
    );
    assert.match(lacks[0]!, /^there is no /);
    assert.match(lacks[1]!, /^no SHA-256 is pinned for .*; that of .* is [0-9a-f]{64}$/);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("the manual page has every command and flag, and no line that means something else", () => {
  const page = manPage("1.2.3");
  assert.match(page, /^\.TH PALYRA 1 "" "palyra 1\.2\.3" "User Commands"\n/);
  for (
    const wanted of [
      ".SS palyra secrets set",
      ".SS palyra config trust",
      "\\-\\-if\\-version",
      "\\-\\-state\\-root DIR",
      "\\fB141\\fR",
      "PALYRA_RUNTIME_DIR",
    ]
  ) assert.ok(page.includes(wanted), wanted);
  const requests = /^\.(?:TH|SH|SS|PP|TP|B|I|br|ad|nh)\b/;
  for (const line of page.split("\n")) {
    if (/^[.']/.test(line)) assert.match(line, requests);
    assert.doesNotMatch(line.replaceAll("\\-", ""), /--| -\w/, "a minus that cannot be copied");
  }
});
