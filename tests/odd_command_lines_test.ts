/** Odd command lines, streams and state roots: each has its own words, and none is a bug. */

import assert from "node:assert/strict";
import { assertOneSentence, assertRefused, makeMachine } from "./support/cli_run.ts";

Deno.test("names of the runtime's own objects are names like any other, and no flags", async () => {
  using machine = makeMachine();
  for (const name of ["constructor", "tostring", "valueof"]) {
    await machine.succeed(["secrets", "set", "global", name], { stdin: name });
    assert.equal(
      (await machine.succeed(["secrets", "get", "global", name, "--reveal"])).stdout,
      name,
    );
  }
  assertRefused(
    await machine.run(["resolve", "constructor", "global/constructor"]),
    2,
    "a bare word",
  );
  assertRefused(await machine.run(["toString"]), 2, "no command");
  assertRefused(
    await machine.run(["secrets", "get", "global/constructor", "--constructor"]),
    2,
    "no flag",
  );
});

Deno.test("what stands behind a flag with a value is never taken for a global flag", async () => {
  using machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/a"], { stdin: "value" });
  const result = await machine.run(["resolve", "global/a", "--out", "-v", "global/b"]);
  assert.equal(result.status, 2);
  assert.deepEqual([...Deno.readDirSync(machine.home)].map(({ name }) => name), []);
});

Deno.test("a dropped command, too many arguments and bytes that are not UTF-8 are refused", async () => {
  using machine = makeMachine();
  assertRefused(await machine.run(["--", "resolve", "global/a"]), 2, "nothing before --");
  const many = Array.from({ length: 10_001 }, () => "env:HOME");
  assertRefused(await machine.run(["resolve", ...many]), 2, "too many");
  const through = ["/bin/sh", "-c", `exec "$@" --out "$(printf 'k\\377')"`, "sh"];
  assertRefused(await machine.run(["resolve", "env:HOME"], { through }), 2, "not UTF-8");
});

Deno.test("state roots in odd spellings work, or are refused as what they are", async () => {
  using machine = makeMachine();
  const root = `/${machine.stateRoot}`; // begins with two slashes
  const env = { PALYRA_STATE_ROOT: root };
  await machine.succeed(["secrets", "set", "global/a"], { stdin: "value", env });
  assert.equal((await machine.succeed(["resolve", "global/a"], { env })).stdout, "value");
  Deno.symlinkSync(machine.stateRoot, `${machine.directory}/link`);
  for (const spelling of ["link", "link/", "link/.", "link/./"]) {
    const linked = { PALYRA_STATE_ROOT: `${machine.directory}/${spelling}` };
    assertRefused(await machine.run(["resolve", "global/a"], { env: linked }), 6, spelling);
  }
});

Deno.test("input that cannot be read and output that cannot be written are told, not thrown", async () => {
  using machine = makeMachine();
  const shell = (line: string): readonly string[] => ["/bin/sh", "-c", line, "sh"];
  const set = ["secrets", "set", "global/a"];
  assertRefused(await machine.run(set, { through: shell('exec "$@" </tmp') }), 2, "a directory");
  const closed = await machine.run(set, { through: shell('exec "$@" 0>"$HOME/out"') });
  assert.ok(closed.status !== 0 && closed.status !== 1, `${closed.status} ${closed.stderr}`);
  assertRefused(
    await machine.run(["--version"], { through: shell('exec "$@" >/dev/full') }),
    5,
    "full",
  );
  const strange = await machine.run([...set, "--from-file", "/x\n\x1b[31m"]);
  assert.equal(strange.status, 2);
  assertOneSentence(strange.stderr, "a path with control characters");
});
