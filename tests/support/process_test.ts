/** Running programs: what they get, what they give, and that none outlives its time. */

import assert from "node:assert/strict";
import { runProcess } from "./process.ts";

Deno.test("a process gets its input and environment, and gives output and status", async () => {
  const result = await runProcess({
    argv: ["/bin/sh", "-c", 'cat; echo "$ONLY" >&2; /usr/bin/env | wc -l >&2; pwd; exit 3'],
    env: { ONLY: "this" },
    stdin: "in ",
    cwd: "/",
  });
  assert.equal(result.out, "in /\n");
  assert.match(result.err, /^this\n\s*[1-4]\n$/); // the shell adds PWD, SHLVL and _
  assert.deepEqual([result.status, result.signal, result.timedOut], [3, null, false]);
  assert.deepEqual(result.stdout, new TextEncoder().encode(result.out));
});

Deno.test("a process that a signal ended says which", async () => {
  const { status, signal } = await runProcess({ argv: ["/bin/sh", "-c", "kill -TERM $$"] });
  assert.deepEqual([status, signal], [143, "SIGTERM"]);
});

Deno.test("at the end of its time a process dies with its children", async () => {
  const script = "trap '' TERM; /bin/sleep 60 & echo $!; wait";
  const before = performance.now();
  const result = await runProcess({ argv: ["/bin/sh", "-c", script], timeoutMs: 2_000 });
  assert.ok(performance.now() - before < 30_000); // by itself it would take a minute
  assert.deepEqual([result.status, result.signal, result.timedOut], [137, "SIGKILL", true]);
  assert.equal(await isRunning(Number(result.out)), false);
});

Deno.test("input that nobody reads is no failure", async () => {
  const { status } = await runProcess({ argv: ["/bin/true"], stdin: new Uint8Array(1_000_000) });
  assert.equal(status, 0);
});

/** A killed orphan stays a zombie until somebody reaps it, so its state decides. */
async function isRunning(pid: number): Promise<boolean> {
  assert.ok(pid > 1);
  for (let tries = 0; tries < 500; tries++) {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
    if (stat === "" || /\) [ZX] /.test(stat)) return false;
    await new Promise((done) => setTimeout(done, 20));
  }
  return true;
}
