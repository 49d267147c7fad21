/** The first contact: `palyra` alone, and progress for who waits at a terminal. */

import assert from "node:assert/strict";
import { showProgress } from "../src/cli/progress.ts";
import { App } from "../src/cli/app.ts";
import { splitGlobalFlags } from "../src/cli/global_flags.ts";
import type { Platform } from "../src/platform/platform.ts";
import { makeMachine } from "./support/cli_run.ts";
import { differenceOf, pictureOf } from "./support/file_trees.ts";

Deno.test("palyra alone says what is there and what to do next, and makes nothing", async () => {
  using machine = makeMachine();
  const before = pictureOf(machine.directory);
  const first = await machine.succeed([]);
  assert.match(first.stdout, /no vault yet in .*\/state\n\n {2}printf .* palyra secrets set /);
  assert.equal(differenceOf(before, pictureOf(machine.directory)), undefined);
  await machine.succeed(["secrets", "set", "global/a"], { stdin: "value" });
  const then = await machine.succeed(["--json"]);
  const { vault, secrets, version } = JSON.parse(then.stdout);
  assert.deepEqual([vault, secrets], [true, 1]);
  assert.match(version, /^\d+\.\d+\.\d+$/);
  assert.match((await machine.succeed(["-q"])).stdout, /: 1 secret in /);
});

function watch(isTerminal: boolean, args: readonly string[]): string {
  let written = "";
  let now = 0;
  const platform = {
    clock: { now: () => now },
    terminal: { errorIsTerminal: () => isTerminal },
    streams: { writeError: (text: string) => void (written += text) },
  } as unknown as Platform;
  const app = new App(platform, splitGlobalFlags(args).options, "0.0.0");
  {
    using shown = showProgress(app, "checked");
    for (let at = 0; at < 25; at++) {
      shown.report(at, 25);
      now += 50;
    }
  }
  return written;
}

Deno.test("progress is shown after a second, now and then, on terminals only, and goes away", () => {
  const erase = "\r\x1b[K";
  assert.equal(
    watch(true, []),
    `${erase}palyra: checked 20 of 25${erase}palyra: checked 24 of 25${erase}`,
  );
  assert.equal(watch(false, []), "");
  assert.equal(watch(true, ["--quiet"]), "");
});
