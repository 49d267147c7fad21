/** `secrets import`: everything is stored and read back before anything is taken from its source. */

import assert from "node:assert/strict";
import { assertRefused, type CliResult, type Machine, makeMachine } from "../support/cli_run.ts";
import { giveTo } from "../support/config_clone.ts";
import { DIALECTS } from "../../src/importing/dotenv.ts";

async function values(machine: Machine, ...names: string[]): Promise<Record<string, string>> {
  const args = ["resolve", "--json", ...names.map((name) => `${name}=global/${name}`)];
  return JSON.parse((await machine.succeed(args)).stdout).values;
}

function write(machine: Machine, name: string, text: string, mode = 0o640): string {
  const path = `${machine.home}/${name}`;
  Deno.writeTextFileSync(path, text);
  Deno.chmodSync(path, mode);
  giveTo(machine, path);
  return path;
}

async function run(machine: Machine, ...args: string[]): Promise<CliResult> {
  return await machine.run(["secrets", "import", ...args]);
}

const TEXT =
  "# kept\r\nexport API_KEY='sk-1 $x'  # this one\r\n\r\nMULTI=\"l1\nl2\"\nPLAIN=abc def\n" +
  "EMPTY=\nREF=vault://global/other\n";

for (const dialect of [undefined, ...DIALECTS]) {
  Deno.test(`dotenv, read as ${dialect ?? "all readers agree"}: stored, then scrubbed in place`, async () => {
    using machine = makeMachine("nobody");
    const text = dialect === "docker"
      ? "# kept\nAPI_KEY='sk-1 $x'  # this one\n\nPLAIN=abc def\nMULTI=l1\nREF=vault://global/other\n"
      : TEXT;
    const file = write(machine, ".env", text);
    const args = ["--from", "dotenv", file, "--scope", "global"];
    if (dialect !== undefined) args.push("--dialect", dialect);
    const planned = await run(machine, ...args, "--plan", "--json");
    assert.equal(planned.status, 0, planned.stderr);
    assert.throws(() => Deno.statSync(machine.stateRoot), Deno.errors.NotFound);
    const { status, stdout, stderr } = await run(machine, ...args, "--scrub", "--json");
    assert.equal(status, 0, stderr);
    const { items, scrubbed, left } = JSON.parse(stdout);
    assert.deepEqual(
      items.map(({ ref, changed }: Record<string, unknown>) => [ref, changed]).sort(),
      [
        ["global/api_key", true],
        ["global/multi", true],
        ["global/plain", true],
      ],
    );
    assert.equal(scrubbed, 3);
    assert.ok(left.some(({ key }: { key: string }) => key === "REF"));
    const isDocker = dialect === "docker";
    assert.deepEqual(await values(machine, "api_key", "multi", "plain"), {
      api_key: isDocker ? "'sk-1 $x'  # this one" : "sk-1 $x",
      multi: isDocker ? "l1" : "l1\nl2",
      plain: "abc def",
    });
    const after = Deno.readTextFileSync(file);
    assert.equal(
      after,
      isDocker
        ? "# kept\nAPI_KEY=vault://global/api_key\n\nPLAIN=vault://global/plain\n" +
          "MULTI=vault://global/multi\nREF=vault://global/other\n"
        : "# kept\r\nexport API_KEY=vault://global/api_key  # this one\r\n\r\n" +
          "MULTI=vault://global/multi\nPLAIN=vault://global/plain\nEMPTY=\nREF=vault://global/other\n",
    );
    assert.equal(Deno.statSync(file).mode! & 0o777, 0o640);
    const again = await run(machine, ...args, "--scrub", "--json");
    assert.deepEqual([again.status, JSON.parse(again.stdout).changed], [0, false], again.stderr);
    assert.equal(Deno.readTextFileSync(file), after);
  });
}

Deno.test("JSON: nested keys become names, texts alone are taken, and their places alone change", async () => {
  using machine = makeMachine();
  const text =
    `{ "Api": {"Key-1": "v\\u00fc \\"1\\"", "port": 80},\n  "list": ["first", null], "e": "" }\n`;
  const file = write(machine, "secrets.json", text);
  const args = ["--from", "json", file, "--scope", "global", "--scrub", "--json"];
  const { stdout, stderr, status } = await run(machine, ...args);
  assert.equal(status, 0, stderr);
  const { left } = JSON.parse(stdout);
  assert.deepEqual(left.map(({ key }: { key: string }) => key), ["Api/port", "list/1", "e"]);
  assert.deepEqual(await values(machine, "api/key-1", "list/0"), {
    "api/key-1": 'vü "1"',
    "list/0": "first",
  });
  assert.equal(
    Deno.readTextFileSync(file),
    `{ "Api": {"Key-1": "vault://global/api/key-1", "port": 80},\n` +
      `  "list": ["vault://global/list/0", null], "e": "" }\n`,
  );
  for (const bad of ["[1]", "{", '{"a":"1","a":"2"}', '"x"']) {
    const path = write(machine, "bad.json", bad);
    assertRefused(await run(machine, "--from", "json", path, "--scope", "global"), 2, bad);
  }
});

Deno.test("A part of a key of which no character can stay is not dropped in silence", async () => {
  using machine = makeMachine();
  const args = ["--scope", "global", "--from", "json"];
  for (const key of ["ä", "-", "ä/b", "b/ä", "b/._/c"]) {
    const file = write(machine, "odd.json", JSON.stringify({ "Web Site": { [key]: "v-1" } }));
    const refused = await run(machine, ...args, file);
    assertRefused(refused, 2, key);
    assert.ok(refused.stderr.includes(`Cannot import Web Site/${key}: no name`), refused.stderr);
  }
  const file = write(machine, "fine.json", JSON.stringify({ "https://x.org/": "v-2" }));
  assert.equal((await run(machine, ...args, file)).status, 0);
  assert.deepEqual(await values(machine, "https_/x.org"), { "https_/x.org": "v-2" });
});

Deno.test("Variables of this process, by name; they cannot be scrubbed", async () => {
  using machine = makeMachine();
  const env = { MY_TOKEN: "t-123", OTHER: "x" };
  const args = ["secrets", "import", "--from", "env", "--scope", "skill:x", "MY_TOKEN"];
  await machine.succeed(args, { env });
  const { stdout } = await machine.succeed(["secrets", "list", "--json"]);
  assert.deepEqual(JSON.parse(stdout).secrets.map(({ ref }: { ref: string }) => ref), [
    "skill:x/my_token",
  ]);
  assertRefused(await machine.run([...args, "--scrub"], { env }), 2, "scrub");
  assertRefused(await machine.run(args), 8, "not set");
  assertRefused(await machine.run(args.slice(0, -1), { env }), 2, "no name");
});

Deno.test("What readers find different variables in is refused by import and by run, with the line", async () => {
  using machine = makeMachine();
  const rows = ["K=\tx", "\tK=x", "export  K=x", "K=x\u00a0", "K=x\v", "K=x\ry", "K= \nL=2"];
  for (const row of rows) {
    const file = write(machine, "odd.env", `A=first-1\n\n${row}\n`);
    const refused = await run(machine, "--from", "dotenv", file, "--scope", "global", "--scrub");
    assertRefused(refused, 2, row);
    assert.match(refused.stderr, /how line 3 is read/, row);
    const ran = await machine.run(["run", "--env-file", file, "--", "true"]);
    assert.equal(ran.status, 125, row);
    assert.match(ran.stderr, /^palyra: Cannot read line 3 of the env file: /, row);
  }
  assert.throws(() => Deno.statSync(machine.stateRoot), Deno.errors.NotFound);
});

Deno.test("Only what is named is imported, and only that is scrubbed", async () => {
  using machine = makeMachine();
  const file = write(machine, ".env", "A=first-1\nB=second-2\n");
  const args = ["--from", "dotenv", file, "B", "--scope", "global", "--scrub"];
  assert.equal((await run(machine, ...args)).status, 0);
  assert.equal(Deno.readTextFileSync(file), "A=first-1\nB=vault://global/b\n");
  assertRefused(await run(machine, "--from", "dotenv", file, "C", "--scope", "global"), 8, "C");
});

Deno.test("Two keys for one name, and a name that holds another value, are errors; nothing is stored", async () => {
  using machine = makeMachine();
  const twice = write(machine, "twice.env", "A_B=1\nOTHER=2\na_b=3\n");
  const args = ["--scope", "global", "--scrub", "--from", "dotenv"];
  assertRefused(await run(machine, ...args, twice), 2, "two keys");
  await machine.succeed(["secrets", "set", "global/taken"], { stdin: "old" });
  const file = write(machine, ".env", "FRESH=1\nTAKEN=new\n");
  const before = Deno.readTextFileSync(file);
  assertRefused(await run(machine, ...args, file), 7, "taken");
  assert.equal(Deno.readTextFileSync(file), before);
  assertRefused(await machine.run(["resolve", "global/fresh"]), 8, "stored all the same");
  assert.equal((await run(machine, ...args, file, "--replace")).status, 0);
  assert.equal((await machine.succeed(["resolve", "global/taken"])).stdout, "new");
  assert.equal((await machine.succeed(["resolve", "global/taken#1"])).stdout, "old");
});

Deno.test("What cannot be replaced is refused before anything is stored", async () => {
  using machine = makeMachine("nobody");
  const readOnly = write(machine, "ro.env", "A=value-1\n", 0o400);
  const foreign = `${machine.home}/foreign.env`;
  Deno.writeTextFileSync(foreign, "A=value-1\n", { mode: 0o644 });
  for (const file of [readOnly, foreign]) {
    const args = ["--from", "dotenv", file, "--scope", "global"];
    assertRefused(await run(machine, ...args, "--scrub"), 6, file);
    assert.throws(() => Deno.statSync(machine.stateRoot), Deno.errors.NotFound);
  }
  const args = ["--from", "dotenv", foreign, "--scope", "global"];
  assert.equal((await run(machine, ...args)).status, 0); // to read it is enough
});

Deno.test("What expires does not take the place of the lasting copy", async () => {
  using machine = makeMachine();
  const file = write(machine, ".env", "A=lasting-1\n");
  const args = ["--from", "dotenv", file, "--scope", "session:s1"];
  for (const more of [["--scrub"], ["--scrub", "--plan"]]) {
    const refused = await run(machine, ...args, ...more);
    assertRefused(refused, 2, more.join(" "));
    assert.match(refused.stderr, /secrets of a session expire/);
  }
  assert.throws(() => Deno.statSync(machine.stateRoot), Deno.errors.NotFound);
  assert.equal(Deno.readTextFileSync(file), "A=lasting-1\n");
  assert.equal((await run(machine, ...args)).status, 0); // to store a copy there is fine
});

/** Waits until a file is there. */
async function until(path: string): Promise<void> {
  const end = Date.now() + 30_000;
  while (Date.now() < end) {
    try {
      return void Deno.statSync(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      await new Promise((done) => setTimeout(done, 1));
    }
  }
  throw new Error(`${path} does not come`);
}

Deno.test("A file that is written meanwhile is left as it is; everything is in the vault", async () => {
  using machine = makeMachine();
  const lines = Array.from({ length: 300 }, (_, at) => `KEY_${at}=value-of-${at}\n`);
  let kept = 0;
  for (let round = 0; round < 6 || (kept === 0 && round < 60); round++) {
    const file = write(machine, ".env", lines.join(""));
    const args = ["secrets", "import", "--from", "dotenv", file, "--scope", "global", "--scrub"];
    const child = await machine.spawn([...args, "--state-root", `${machine.home}/state${round}`]);
    // The file has been read when the vault is made, and is written when all of it is stored.
    await until(`${machine.home}/state${round}/vault/vault.db`);
    await new Promise((done) => setTimeout(done, round % 6 * 12));
    if (Deno.readTextFileSync(file).includes("vault://")) {
      await child.output();
      continue; // it was faster
    }
    Deno.writeTextFileSync(file, `${lines.join("")}ADDED=meanwhile\n`);
    const { code } = await child.output();
    const text = Deno.readTextFileSync(file);
    // Before it was read, or after: but what was added is never lost.
    assert.ok(text.includes("ADDED="), `round ${round}`);
    if (code === 7) {
      kept++;
      assert.ok(!text.includes("vault://"));
    }
  }
  assert.ok(kept > 0, "no round met the moment between");
});

Deno.test("No value is printed, whatever happens", async () => {
  using machine = makeMachine();
  const secret = "sk-never-printed-1";
  const file = write(machine, ".env", `A=${secret}\nB="${secret}\n`);
  const json = write(machine, "x.json", `{"a": "${secret}", }`);
  for (const [from, path] of [["dotenv", file], ["json", json], ["pass", machine.home]] as const) {
    const { stdout, stderr, status } = await run(
      machine,
      "--from",
      from,
      path,
      "--scope",
      "global",
      "-v",
    );
    assert.notEqual(status, 0);
    assert.ok(!`${stdout}${stderr}`.includes(secret));
  }
});
