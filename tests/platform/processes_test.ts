/** Other programs: cleared environment, limits of time and output, and no survivors. */

import assert from "node:assert/strict";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import type { ProcessRequest, ProcessResult } from "../../src/platform/platform.ts";
import { assertFails } from "../support/failures.ts";

function shell(script: string, options: Partial<ProcessRequest> = {}): Promise<ProcessResult> {
  const argv = ["/bin/sh", "-c", script] as const;
  return denoPlatform.processes.run({
    argv,
    env: {},
    timeoutMs: 20_000,
    maxBytes: 10_000,
    ...options,
  });
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

Deno.test("a program gets its input and gives output, error text and status", async () => {
  const result = await shell("cat; echo oops >&2; exit 3", {
    stdin: new TextEncoder().encode("in"),
  });
  assert.deepEqual([result.status, text(result.stdout), text(result.stderr), result.failure], [
    3,
    "in",
    "oops\n",
    undefined,
  ]);
});

Deno.test("a program sees only the environment that it is given", async () => {
  const { stdout } = await denoPlatform.processes.run({
    argv: ["/usr/bin/env"],
    env: { ONLY: "this" },
    timeoutMs: 20_000,
    maxBytes: 10_000,
  });
  assert.equal(text(stdout), "ONLY=this\n");
});

Deno.test("a program that does not read its input is no failure", async () => {
  const result = await shell("exec <&-; exit 0", { stdin: new Uint8Array(1_000_000) });
  assert.equal(result.status, 0);
});

Deno.test("a program that overruns its time is killed with its children", async () => {
  const started = performance.now();
  const marker = `palyra-${crypto.randomUUID()}`;
  const result = await shell(`sh -c 'exec sleep 60 # ${marker}' & sleep 60`, { timeoutMs: 300 });
  assert.equal(result.failure, "timeout");
  assert.ok(result.status > 128);
  assert.ok(performance.now() - started < 10_000);
});

Deno.test("a grandchild that leaves the group cannot hold the input open", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  const isOver = (mark: string): boolean =>
    [...Deno.readDirSync(directory)].some(({ name }) => name === mark);
  for (const [at, then] of ["exit 0", "sleep 30"].entries()) {
    const end = `sleep 4; touch ${directory}/${at}`;
    // Behind descriptor 3: a shell gives what it leaves behind an empty input.
    const script = `exec 3<&0; setsid sh -c '${end}' <&3 >/dev/null 2>&1 & ${then}`;
    const stdin = new Uint8Array(1_000_000); // more than a pipe holds
    await shell(script, { timeoutMs: 500, stdin });
    assert.ok(!isOver(`${at}`), "it went on without the grandchild");
    while (!isOver(`${at}`)) await new Promise((resolve) => setTimeout(resolve, 50));
    await new Promise((resolve) => setTimeout(resolve, 500)); // the runtime writes until then
  }
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("a grandchild that leaves the group cannot hold the output open", async () => {
  const result = await shell("setsid sleep 20 & echo started", { timeoutMs: 500 });
  assert.equal(result.failure, "timeout");
  await new Deno.Command("/usr/bin/pkill", { args: ["-f", "^sleep 20$"] }).output();
});

Deno.test("a program that writes without end is killed", async () => {
  const result = await shell("yes", { maxBytes: 5_000 });
  assert.equal(result.failure, "too much output");
  assert.ok(result.stdout.length <= 5_000);
});

Deno.test("a program that a signal ended has 128 and its number", async () => {
  assert.equal((await shell("kill -TERM $$")).status, 128 + 15);
});

Deno.test("a missing program is unavailable, a relative one never started", async () => {
  const limits = { env: {}, timeoutMs: 1_000, maxBytes: 10 };
  await assertFails(
    "unavailable",
    /no such program/,
    () => denoPlatform.processes.run({ argv: ["/nonexistent/tool"], ...limits }),
  );
  await assertFails(
    "internal",
    /absolute/,
    () => denoPlatform.processes.run({ argv: ["sh"], ...limits }),
  );
});
