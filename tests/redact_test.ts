/** `palyra redact`: a filter without the values of references; nothing passes when one cannot be read. */

import assert from "node:assert/strict";
import { assertRefused, makeMachine } from "./support/cli_run.ts";

Deno.test("redact passes everything but the values", async () => {
  using machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/one"], { stdin: "value-one" });
  await machine.succeed(["secrets", "set", "global/key"], { stdin: "-----\nline one\nline two\n" });
  const args = ["redact", "global/one", "vault://global/key", "global/one"];
  const { stdout } = await machine.succeed(args, {
    stdin: "a value-one b\n\x1b[31mline two\x1b[0m\ndmFsdWUtb25l value-on",
  });
  assert.equal(stdout, "a <redacted> b\n\x1b[31m<redacted>\x1b[0m\n<redacted> value-on");
  const large = crypto.getRandomValues(new Uint8Array(65_536));
  const stdin = new Uint8Array(8_388_608).map((_, at) => large[at % large.length]! ^ (at >> 16));
  assert.deepEqual((await machine.succeed(args, { stdin })).bytes, stdin, "nothing is changed");
});

Deno.test("redact passes nothing when a value cannot be read or masked", async () => {
  using machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/short"], { stdin: "short" });
  const stdin = "input";
  assertRefused(await machine.run(["redact", "global/none"], { stdin }), 8, "no such secret");
  assertRefused(await machine.run(["redact", "global/short"], { stdin }), 2, "too short");
  assertRefused(await machine.run(["redact"], { stdin }), 2, "no reference");
});

Deno.test("redact: what is short is passed on after a moment", async () => {
  using machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/one"], { stdin: "value-one" });
  const child = await machine.spawn(["redact", "global/one"], { stdin: "" });
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("continue? val"));
  const reader = child.stdout.getReader();
  let shown = "";
  while (shown.length < 13) shown += new TextDecoder().decode((await reader.read()).value);
  assert.equal(shown, "continue? val");
  await writer.close();
  assert.ok((await reader.read()).done);
  await child.stderr.cancel();
  assert.equal((await child.status).code, 0);
});
