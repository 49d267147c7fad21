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

/** A killed orphan stays a zombie until somebody reaps it, so its state decides. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
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
  const result = await shell("sleep 60 & echo $!; sleep 60", { timeoutMs: 1_000 });
  assert.equal(result.failure, "timeout");
  assert.ok(result.status > 128);
  const child = Number(text(result.stdout));
  assert.ok(child > 1);
  while (isRunning(child) && performance.now() - started < 30_000) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok(performance.now() - started < 30_000);
});

/** Leaves the group, says so by a file `left`, and ends when there is one `go`, or after a while. */
const LEAVES =
  `setsid sh -c ': > left; for n in $(seq 150); do test -e go && break; sleep 0.1; done; : > over'`;
/** Enough to leave the group, on a busy machine as well. */
const LEAVES_WITHIN_MS = 2_000;

/** A directory for {@link LEAVES}, and whether one of its files is there. */
function makeMarks(): Disposable & { readonly path: string; has(mark: string): boolean } {
  const path = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  return {
    path,
    has: (mark) => [...Deno.readDirSync(path)].some(({ name }) => name === mark),
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}

/** Lets the grandchild end; it has left the group, and was not waited for. */
async function letGo(marks: ReturnType<typeof makeMarks>): Promise<void> {
  assert.ok(marks.has("left"), "it had no time to leave the group");
  assert.ok(!marks.has("over"), "the grandchild was waited for");
  Deno.writeTextFileSync(`${marks.path}/go`, "");
  while (!marks.has("over")) await new Promise((resolve) => setTimeout(resolve, 50));
}

Deno.test("a grandchild that leaves the group cannot hold the input open", async () => {
  for (const then of ["exit 0", "sleep 60"]) {
    using marks = makeMarks();
    // Behind descriptor 3: a shell gives what it leaves behind an empty input.
    const script = `exec 3<&0; ${LEAVES} <&3 >/dev/null 2>&1 & ${then}`;
    const stdin = new Uint8Array(1_000_000); // more than a pipe holds
    await shell(script, { timeoutMs: LEAVES_WITHIN_MS, stdin, cwd: marks.path });
    await letGo(marks);
    await new Promise((resolve) => setTimeout(resolve, 500)); // the runtime writes until then
  }
});

Deno.test("a grandchild that leaves the group cannot hold the output open", async () => {
  using marks = makeMarks();
  const script = `${LEAVES} & echo started`;
  const result = await shell(script, { timeoutMs: LEAVES_WITHIN_MS, cwd: marks.path });
  assert.equal(result.failure, "timeout");
  await letGo(marks);
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
