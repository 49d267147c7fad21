/** The stand-in for whoami.exe and icacls.exe: what they say, and each way to fail. */

import assert from "node:assert/strict";
import { runProcess } from "./process.ts";

const PROGRAM = new URL("fake_icacls.ts", import.meta.url).pathname;
const WHOAMI = ["/user", "/fo", "csv", "/nh"];
const RIGHTS = ["*S-1-5-21-1-2-3-1001:(OI)(CI)F", "*S-1-5-18:(OI)(CI)F"];
const GRANT = ["/inheritance:r", "/grant:r", ...RIGHTS, "/q"];
const HANGS_MS = 1_500;

/** Status and standard output. */
async function told(
  words: readonly string[],
  own: readonly string[] = [],
  timeoutMs?: number,
): Promise<[number | "hangs", string]> {
  const deno = [Deno.execPath(), "run", "-A", "--no-config", "--no-lock", "--no-prompt", "--quiet"];
  const argv = [...deno, PROGRAM, ...own, ...words];
  const env = { SystemRoot: "C:\\Windows", DENO_NO_UPDATE_CHECK: "1" };
  const { status, out, timedOut } = await runProcess({ argv, env, timeoutMs });
  return [timedOut ? "hangs" : status, out];
}

const DONE = "Successfully processed 1 files; Failed processing 0 files\r\n";
const FAILED = "Successfully processed 0 files; Failed processing 1 files\r\n";

Deno.test("whoami tells name and SID; icacls takes the rights of SIDs on a directory", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  assert.deepEqual(await told(WHOAMI), [
    0,
    '"host\\user","S-1-5-21-1004336348-1177238915-682003330-1001"\r\n',
  ]);
  assert.deepEqual(await told([directory, ...GRANT]), [0, DONE]);
  assert.deepEqual(await told([directory, ...GRANT.slice(0, -1)]), [0, DONE]);
  assert.deepEqual(await told([`${directory}/none`, ...GRANT]), [2, FAILED]);
  Deno.removeSync(directory);
});

Deno.test("other words are wrong: names for SIDs, other rights, no rights", async () => {
  const wrong = [
    [],
    ["/tmp"],
    ["/tmp", "/inheritance:r", "/grant:r"],
    ["/tmp", "/grant:r", ...RIGHTS],
    ["/tmp", "/inheritance:r", "/grant", ...RIGHTS],
    ["/tmp", "/inheritance:r", "/grant:r", "user:(OI)(CI)F"],
    ["/tmp", "/inheritance:r", "/grant:r", "S-1-5-18:(OI)(CI)F"],
    ["/tmp", "/inheritance:r", "/grant:r", "*S-1-5-18:F"],
  ];
  for (const words of wrong) assert.deepEqual(await told(words), [87, ""], words.join(" "));
  assert.deepEqual(await told(["/user", "/fo", "list"]), [1, ""]);
});

Deno.test("each fails by itself, and both can hang", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  const icacls = [directory, ...GRANT];
  assert.deepEqual(await told(WHOAMI, ["--fake-mode=whoamifail"]), [1, ""]);
  assert.deepEqual(await told(WHOAMI, ["--fake-mode=nosid"]), [0, '"host\\user"\r\n']);
  assert.equal((await told(WHOAMI, ["--fake-mode=icaclsfail"]))[0], 0);
  assert.deepEqual(await told(icacls, ["--fake-mode=icaclsfail"]), [5, FAILED]);
  assert.deepEqual(await told(icacls, ["--fake-mode=whoamifail"]), [0, DONE]);
  const hanging = [WHOAMI, icacls].map((words) => told(words, ["--fake-mode=hang"], HANGS_MS));
  assert.deepEqual(await Promise.all(hanging), [["hangs", ""], ["hangs", ""]]);
  Deno.removeSync(directory);
});

Deno.test("every call leaves a line of what it was given", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  const log = `${directory}/log`;
  await told(WHOAMI, [`--fake-log=${log}`]);
  await told([directory, ...GRANT], [`--fake-log=${log}`, "--fake-mode=icaclsfail"]);
  const lines = Deno.readTextFileSync(log).trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ argv, stdin }) => [argv, stdin]), [
    [WHOAMI, ""],
    [[directory, ...GRANT], ""],
  ]);
  assert.ok(lines.every(({ env }) => env.SystemRoot === "C:\\Windows" && !("USER" in env)));
  Deno.removeSync(directory, { recursive: true });
});
