/** Signals that were held off end the process before it does anything else. */

import assert from "node:assert/strict";

const ROUNDS = 24;
const AT_ONCE = 4;
const MODULE = new URL("../../src/platform/deno/held_signals.ts", import.meta.url).href;
const HOLDING = `
  import { holdSignals } from ${JSON.stringify(MODULE)};
  const say = (line) => Deno.stdout.writeSync(new TextEncoder().encode(line));
  const signal = Deno.args[0];
  {
    using _held = holdSignals();
    if (signal === undefined) say("held\\n");
    else {
      // A listener that comes after palyra's own: a busy machine may bring the signal late.
      const came = Promise.withResolvers();
      Deno.addSignalListener(signal, came.resolve);
      say("held\\n");
      const open = setInterval(() => {}, 1_000);
      await came.promise;
      clearInterval(open);
      Deno.removeSignalListener(signal, came.resolve);
    }
  }
  say("went on\\n");
`;

Deno.test("a signal that was held off ends the process before its next step", async () => {
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(script, HOLDING);
    const ends: { output: string; signal: Deno.Signal | null; code: number }[] = [];
    while (ends.length < ROUNDS) {
      ends.push(...await Promise.all(Array.from({ length: AT_ONCE }, () => signalled(script))));
    }
    assert.equal(ends.filter(({ output }) => output === "held\n").length, ROUNDS);
    const signals = new Set(ends.map(({ signal, code }) => signal ?? code));
    assert.deepEqual([...signals], ["SIGTERM"]);
  } finally {
    await Deno.remove(script);
  }
});

Deno.test("without a signal the process goes on", async () => {
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(script, HOLDING);
    const { stdout, success } = await start(script).output();
    assert.ok(success);
    assert.equal(new TextDecoder().decode(stdout), "held\nwent on\n");
  } finally {
    await Deno.remove(script);
  }
});

async function signalled(
  script: string,
): Promise<{ output: string; signal: Deno.Signal | null; code: number }> {
  const child = start(script, "SIGTERM");
  const decoder = new TextDecoder();
  let output = "";
  for await (const chunk of child.stdout) {
    if (output === "") child.kill("SIGTERM");
    output += decoder.decode(chunk);
  }
  const { signal, code } = await child.status;
  return { output, signal, code };
}

function start(script: string, ...signals: readonly Deno.Signal[]): Deno.ChildProcess {
  const args = ["run", "-A", "--no-prompt", "--no-check", "--no-config", script, ...signals];
  return new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "piped" }).spawn();
}
