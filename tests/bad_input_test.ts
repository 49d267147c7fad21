/** Bad inputs: each fails with the status of its cause, in one sentence, and changes nothing. */

import assert from "node:assert/strict";
import { COMMAND_LINE_ROWS } from "./support/bad_inputs/command_lines.ts";
import { CONFIG_ROWS } from "./support/bad_inputs/config.ts";
import { REFERENCE_ROWS } from "./support/bad_inputs/references.ts";
import { type BadInput, CODES, FAKE_SECRET } from "./support/bad_inputs/row.ts";
import { VALUE_ROWS } from "./support/bad_inputs/values.ts";
import {
  assertOneSentence,
  assertRefused,
  eachOf,
  type Machine,
  makeMachine,
} from "./support/cli_run.ts";
import { copyTree, differenceOf, pictureOf } from "./support/file_trees.ts";

const TABLES = {
  "names, scopes and references": REFERENCE_ROWS,
  "values and what is not there": VALUE_ROWS,
  "commands, flags and places": COMMAND_LINE_ROWS,
  "configs, fields and manifests": CONFIG_ROWS,
};

for (const [topic, rows] of Object.entries(TABLES)) {
  Deno.test(`Bad ${topic}: each fails with its own status and words, and changes nothing`, async () => {
    using used = await makeUsedMachine();
    await eachOf(rows, async (row) => {
      if (row.only !== "json") await assertFails(row, used, false);
      if (row.only !== "text") await assertFails(row, used, true);
    });
  });
}

Deno.test("The table of bad inputs holds at least 90 different causes", () => {
  const causes = Object.values(TABLES).flat().map(({ why }) => why);
  assert.equal(new Set(causes).size, causes.length);
  assert.ok(causes.length >= 90, `${causes.length}`);
});

Deno.test("A mistake in the global flags is told as JSON too, however JSON was asked for", async () => {
  using machine = makeMachine();
  for (const asked of [["--json"], ["--output-format", "json"], ["--output-format=ndjson"]]) {
    for (const wrong of [["--state-root"], ["--config="]]) {
      const args = [...asked, "secrets", "list", ...wrong];
      const { status, stderr } = await machine.run(args);
      assert.equal(status, 2);
      assertJsonError(stderr, "usage", args.join(" "));
    }
  }
});

Deno.test("An argument behind -- is no global flag, whatever it looks like", async () => {
  using machine = makeMachine();
  for (const word of ["--json", "--state-root", "--output-format=json", "-V", "--help"]) {
    assertRefused(await machine.run(["resolve", "--", word]), 2, word);
  }
});

Deno.test("Names and references of the greatest length, and every allowed character, are taken", async () => {
  using machine = makeMachine();
  const id = "Az09._-".padEnd(128, "x");
  const refs = [
    `global/${"n".repeat(128)}`,
    `principal:${id}/${"r".repeat(240 - 139)}`,
    "agent:a:b:c/0._-/a..b/c-",
    "channel:Chat.1:Acc_2/a",
    "skill:S/z",
    "session:_/9",
    "global/a",
  ];
  assert.equal(refs[1]!.length, 240);
  await eachOf(refs, async (ref) => {
    await machine.succeed(["secrets", "set", ref], { stdin: `value of ${ref}` });
    for (const form of [ref, `vault://${ref}`, `${ref}#1`]) {
      assert.equal((await machine.succeed(["resolve", form])).stdout, `value of ${ref}`, form);
    }
  });
  assert.equal((await machine.succeed(["resolve", "vault://a"])).stdout, "value of global/a");
  const list = JSON.parse((await machine.succeed(["secrets", "list", "--json"])).stdout);
  const found = list.secrets.map(({ ref }: { ref: string }) => ref);
  assert.deepEqual(found.sort(), [...refs].sort());
});

Deno.test("Values come back byte for byte: every byte, 1 MiB, and what looks like something else", async () => {
  using machine = makeMachine();
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  const everyByte = Uint8Array.from({ length: 256 }, (_, at) => at);
  const mebibyte = crypto.getRandomValues(new Uint8Array(65_536));
  const largest = new Uint8Array(1_048_576).map((_, at) => mebibyte[at % 65_536]!);
  largest[largest.length - 1] = 0x0a;
  const rows: readonly [string, Uint8Array, readonly string[], Uint8Array?][] = [
    ["every-byte", everyByte, []],
    ["largest-raw", largest, ["--raw"]],
    ["largest-and-line-end", new Uint8Array([...largest.fill(7, -1), 0x0d, 0x0a]), [], largest],
    ["one-byte", new Uint8Array([0]), []],
    ["dash", encode("-n --reveal"), []],
    ["reference", encode("vault://global/a"), []],
    ["equals", encode("A=B=C"), []],
    ["two-line-ends", encode("a\n\n"), [], encode("a\n")],
    ["line-end", encode("a\r\n"), [], encode("a")],
    ["carriage-return", encode("a\r"), []],
    ["raw-line-end", encode("a\r\n"), ["--raw"]],
    ["only-line-feed", encode("\n"), ["--raw"]],
    ["byte-order-mark", encode("\ufeffa"), []],
    ["invalid-text", new Uint8Array([0xff, 0xfe, 0xc3, 0x28]), []],
    ["beyond-ascii", encode("pässwörd \u{1f511}"), []],
  ];
  await eachOf(rows, async ([name, given, flags, wanted = given]) => {
    const ref = `global/${name}`;
    await machine.succeed(["secrets", "set", ref, ...flags], { stdin: given });
    assertSame((await machine.succeed(["resolve", ref])).bytes, wanted, name);
    assertSame((await machine.succeed(["secrets", "get", ref, "--reveal"])).bytes, wanted, name);
    const json = JSON.parse((await machine.succeed(["resolve", ref, "--json"])).stdout);
    const text: string | undefined = json.values[ref];
    const bytes = text === undefined ? Uint8Array.fromBase64(json.base64[ref]) : encode(text);
    assertSame(bytes, wanted, `${name} as JSON`);
    Deno.writeFileSync(`${machine.home}/${name}`, given);
    const again = ["secrets", "set", ref, "--from-file", name, "--json", ...flags];
    assert.equal(JSON.parse((await machine.succeed(again)).stdout).changed, false, name);
  });
});

Deno.test("A relative state root is taken from the working directory, with and without a slash at its end", async () => {
  using machine = makeMachine();
  const set = ["--state-root", "own/state/", "secrets", "set", "global/a"];
  await machine.succeed(set, { stdin: "value" });
  const { stdout } = await machine.succeed(["resolve", "global/a", "--state-root=./own/state"]);
  assert.equal(stdout, "value");
  const path = `${machine.home}/own/state`;
  assert.equal(
    (await machine.succeed(["resolve", "global/a", "--state-root", path])).stdout,
    "value",
  );
});

Deno.test("The values of flags are taken at their bounds", async () => {
  using machine = makeMachine();
  const rows = [
    ["--generate", "--bytes", "8"],
    ["--generate", "--bytes", "65536"],
    ["--generate", "--expires-in", "1s"],
    ["--generate", "--expires-in", "2000000d"],
    ["--generate", "--if-version", "0"],
    ["--generate", "--if-absent", "--if-version=0"],
  ];
  await eachOf([...rows.entries()], async ([at, flags]) => {
    await machine.succeed(["secrets", "set", `global/n${at}`, ...flags]);
  });
  const lengths = [0, 1].map(async (at) =>
    (await machine.succeed(["resolve", `global/n${at}`])).bytes.length
  );
  assert.deepEqual(await Promise.all(lengths), [11, 87_382]);
});

/** A machine whose vault holds `global/known` in three versions. */
async function makeUsedMachine(): Promise<Machine> {
  const machine = makeMachine();
  for (const stdin of ["one", "two", "three"]) {
    await machine.succeed(["secrets", "set", "global/known"], { stdin });
  }
  return machine;
}

async function assertFails(row: BadInput, used: Machine, json: boolean): Promise<void> {
  using machine = makeMachine();
  if (row.on === "used") copyTree(used.stateRoot, machine.stateRoot);
  row.before?.(machine.home);
  const before = pictureOf(machine.directory);
  const result = await machine.run(json ? ["--json", ...row.args] : row.args, {
    stdin: row.stdin,
    env: row.env,
    through: row.shell === undefined ? undefined : ["/bin/sh", "-c", row.shell, "sh"],
  });
  const what = `${row.why}${json ? " (--json)" : ""}`;
  const { stderr } = result;
  assert.equal(result.status, row.status, `${what}: exit status; stderr: ${stderr}`);
  assert.equal(result.stdout, "", `${what}: standard output`);
  assert.ok(!stderr.includes(FAKE_SECRET), `${what}: an odd argument was repeated`);
  if (json) assertJsonError(stderr, CODES[row.status]!, what);
  else assertOneSentence(stderr, what);
  const matches = typeof row.message === "string"
    ? stderr.includes(row.message)
    : row.message.test(stderr);
  assert.ok(matches, `${what}: ${stderr} does not say ${row.message}`);
  assert.equal(differenceOf(before, pictureOf(machine.directory)), undefined, what);
}

function assertJsonError(stderr: string, code: string, what: string): void {
  const lines = stderr.split("\n");
  assert.equal(lines.pop(), "", what);
  const last = JSON.parse(lines.pop()!);
  assert.equal(last.schema_version, 1, what);
  assert.equal(last.error.code, code, what);
  assertOneSentence(lines.map((line) => `${line}\n`).join(""), what);
  assert.equal(lines[0], `palyra: ${last.error.message}`, what);
  if (lines[1] !== undefined) assert.equal(lines[1], `hint: ${last.error.hint}`, what);
}

function assertSame(found: Uint8Array, wanted: Uint8Array, what: string): void {
  const same = found.length === wanted.length && found.every((byte, at) => byte === wanted[at]);
  assert.ok(same, `${what}: ${found.length} bytes came back instead of ${wanted.length}`);
}
