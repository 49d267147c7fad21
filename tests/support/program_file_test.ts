/** Programs that are made can be started at once, whatever other threads start meanwhile. */

import assert from "node:assert/strict";
import { say } from "./dice.ts";
import { writeProgram } from "./program_file.ts";

/** At least so many of each kind, and on until so many of the plain ones were held open. */
const MADE = 300;
const BUSY = 3;
const MOST = 20_000;

/** Starts programs without a pause, each forked with whatever is open in this process just then. */
const STARTER = `
self.onmessage = () => {
  for (;;) new Deno.Command("/bin/true", { detached: true }).outputSync();
};
self.postMessage("ready");`;

Deno.test("a program that was just written can be started while others are started", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "palyra-program-" });
  const url = URL.createObjectURL(new Blob([STARTER], { type: "text/javascript" }));
  const starters = [1, 2].map(() => new Worker(url, { type: "module" }));
  try {
    await Promise.all(starters.map((starter) => new Promise((done) => starter.onmessage = done)));
    for (const starter of starters) starter.postMessage("start");
    let [made, busy] = [0, 0];
    for (; made < MOST && (made < MADE || busy < BUSY); made++) {
      const [plain, settled] = [`${directory}/plain`, `${directory}/settled`];
      Deno.writeTextFileSync(plain, "#!/bin/sh\n", { mode: 0o755 });
      if (!starts(plain)) busy++;
      writeProgram(settled, "#!/bin/sh\n");
      assert.ok(starts(settled), `program ${made}`);
      for (const path of [plain, settled]) Deno.removeSync(path);
    }
    say(`programs written beside starts: ${made}, written plainly ${busy} of them could not start`);
    assert.ok(busy >= BUSY, "too seldom did another thread start a program just then");
  } finally {
    for (const starter of starters) starter.terminate();
    URL.revokeObjectURL(url);
    Deno.removeSync(directory, { recursive: true });
  }
});

/** Whether it can be started; ETXTBSY means no. */
function starts(path: string): boolean {
  try {
    return new Deno.Command(path).outputSync().success;
  } catch (error) {
    assert.match(String(error), /os error 26/);
    return false;
  }
}
