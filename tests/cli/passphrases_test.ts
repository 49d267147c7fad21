/** Where the passphrase of an identity comes from, what it may be, and that it is never repeated. */

import assert from "node:assert/strict";
import { closeSync, constants, openSync, writeSync } from "node:fs";
import {
  assertRefused,
  type CliOptions,
  type CliResult,
  type Machine,
  makeMachine,
} from "../support/cli_run.ts";
import { ownWords } from "../support/cli_words.ts";
import { differenceOf, pathsBelow, pictureOf } from "../support/file_trees.ts";

const FIRST = "f1rst-passphrase-\u00e9\u2713";
const SECOND = "s3cond passphrase";
const SECRET = ["resolve", "global/a"];
const VALUE = "the value";
/** The longest passphrase, in bytes. */
const MOST = 1_024;

Deno.test("A passphrase from a file protects an identity from its first day", async () => {
  using place = await makeProtected();
  const { machine, first, second } = place;
  assert.equal((await read(machine, ["--passphrase-file", first])).stdout, VALUE);
  assertRefused(await read(machine, ["--passphrase-file", second]), 9, "a wrong one");
  assertRefused(await read(machine, []), 12, "none");
  assertRefused(await read(machine, ["--no-input"]), 12, "--no-input");
  const status = JSON.parse(
    (await machine.succeed(["vault", "status", "--passphrase-file", first, "--json"])).stdout,
  );
  assert.equal(status.protect, "passphrase");
  assert.equal(pathsBelow(machine.stateRoot).includes("identity/store.key"), false);
});

Deno.test("The file comes before the credential, and the credential before the prompt", async () => {
  using place = await makeProtected();
  const { machine, first, second, directory } = place;
  const credentials = `${directory}/credentials`;
  Deno.mkdirSync(credentials);
  const env = { CREDENTIALS_DIRECTORY: credentials };
  assertRefused(await read(machine, [], { env }), 12, "no such credential");
  Deno.copyFileSync(second, `${credentials}/palyra.passphrase`);
  assertRefused(await read(machine, [], { env }), 9, "a wrong credential");
  assert.equal((await read(machine, ["--passphrase-file", first], { env })).stdout, VALUE);
  Deno.copyFileSync(first, `${credentials}/palyra.passphrase`);
  assert.equal((await read(machine, [], { env })).stdout, VALUE);
  assert.equal((await read(machine, ["--no-input"], { env })).stdout, VALUE);
  assertRefused(await read(machine, ["--passphrase-file", second], { env }), 9, "the file wins");
  assertRefused(
    await read(machine, ["--passphrase-file", `${directory}/none`], { env }),
    2,
    "none",
  );
  const { shown } = await typed(machine, SECRET, [], env);
  assert.match(shown, /the value/, "nobody is asked");
});

Deno.test("A credentials directory that is relative, empty or elsewhere is none", async () => {
  using place = await makeProtected();
  const { machine, first } = place;
  Deno.mkdirSync(`${machine.home}/relative`);
  Deno.copyFileSync(first, `${machine.home}/relative/palyra.passphrase`);
  for (const value of ["relative", "./relative", "", "/nonexistent"]) {
    const env = { CREDENTIALS_DIRECTORY: value };
    assertRefused(await read(machine, [], { env }), 12, `"${value}"`);
  }
});

Deno.test("A descriptor gives the passphrase, and each is read once", async () => {
  using place = await makeProtected();
  const { machine, first, second } = place;
  const flags = ["--passphrase-file", "/dev/fd/3"];
  const through = (...files: string[]): readonly string[] => [
    "/bin/sh",
    "-c",
    `exec "$@" ${files.map((file, at) => `${at + 3}<'${file}'`).join(" ")}`,
    "sh",
  ];
  assert.equal((await read(machine, flags, { through: through(first) })).stdout, VALUE);
  assertRefused(await read(machine, flags, { through: through(second) }), 9, "a wrong one");
  const pipe = ["/bin/sh", "-c", 'cat "$0" | "$@"', first];
  const stdin = ["--passphrase-file", "/dev/fd/0"];
  assert.equal((await read(machine, stdin, { through: pipe })).stdout, VALUE);
  const change = ["vault", "protect", "passphrase", ...flags, "--new-passphrase-file", "/dev/fd/4"];
  await machine.succeed(change, { through: through(first, second) });
  assert.equal((await read(machine, ["--passphrase-file", second])).stdout, VALUE);
  // Needed for the vault and for what is changed: a pipe gives its bytes only once.
  const piped = ["/bin/sh", "-c", 'cat "$0" | "$@"', second];
  await machine.succeed(["vault", "protect", "file", ...stdin], { through: piped });
  assert.equal((await read(machine, [])).stdout, VALUE);
});

Deno.test("A descriptor that nobody has opened gives no passphrase", async () => {
  using place = await makeProtected();
  for (const descriptor of [99, 3]) { // the runtime has a use of its own for the lower ones
    const flags = ["--passphrase-file", `/dev/fd/${descriptor}`];
    assertRefused(await read(place.machine, flags), 2, `descriptor ${descriptor}`);
  }
});

Deno.test("An old passphrase is exchanged for a new one, and opens nothing any more", async () => {
  using place = await makeProtected();
  const { machine, first, second } = place;
  const reference = `${machine.stateRoot}/identity/store.key.ref`;
  const before = Deno.readTextFileSync(reference);
  const flags = ["--passphrase-file", first, "--new-passphrase-file", second];
  const protect = ["vault", "protect", "passphrase"];
  const { stdout } = await machine.succeed([...protect, ...flags, "--json"]);
  assert.deepEqual(JSON.parse(stdout), { schema_version: 1, protect: "passphrase", changed: true });
  assert.notEqual(Deno.readTextFileSync(reference), before);
  assertRefused(await read(machine, ["--passphrase-file", first]), 9, "the old one");
  assert.equal((await read(machine, ["--passphrase-file", second])).stdout, VALUE);
  const after = pictureOf(machine.stateRoot);
  assertRefused(await machine.run([...protect, ...flags]), 9, "with the old one");
  const alone = [...protect, "--passphrase-file", second];
  assertRefused(await machine.run(alone), 12, "nothing says what the new one is");
  assertRefused(await machine.run(["vault", "protect", "file", ...flags]), 2, "no new one wanted");
  assert.equal(differenceOf(after, pictureOf(machine.stateRoot)), undefined);
});

Deno.test("While a new passphrase is waited for, nobody else waits for a lock", async () => {
  using place = await makeProtected();
  const { machine, first, second } = place;
  const flags = ["--passphrase-file", first];
  const pipe = `${place.directory}/pipe`;
  assert.ok(new Deno.Command("/usr/bin/mkfifo", { args: [pipe] }).outputSync().success);
  const slow = [...flags, "--new-passphrase-file", pipe];
  const changing = machine.run(["vault", "protect", "passphrase", ...slow]);
  const writer = await openedForReading(pipe);
  try {
    await machine.succeed(["secrets", "set", "skill:new/a", ...flags], { stdin: "new scope" });
    await machine.succeed(["vault", "rotate", "kek", ...flags]);
    writeSync(writer, Deno.readFileSync(second));
  } finally {
    closeSync(writer);
  }
  const { status, stderr } = await changing;
  assert.equal(status, 0, stderr);
  assert.equal((await read(machine, ["--passphrase-file", second])).stdout, VALUE);
});

Deno.test("Commands that open no value ask for no passphrase, and read none", async () => {
  using place = await makeProtected();
  const { machine } = place;
  const missing = ["--passphrase-file", "/nonexistent/passphrase"];
  const commands = [["secrets", "list", "global"], ["secrets", "history", "global/a"]];
  for (const command of commands) {
    await machine.succeed(command);
    await machine.succeed([...command, ...missing]);
  }
});

Deno.test("A passphrase has 1 to 1,024 bytes, a new one 8 at least; one line end is dropped", async () => {
  using machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/a"], { stdin: VALUE });
  const file = `${machine.home}/passphrase`;
  const protect = ["vault", "protect", "passphrase", "--passphrase-file", file];
  const refused: readonly (readonly [string, RegExp])[] = [
    ["", /it is empty/],
    ["\n", /it is empty/],
    ["\r\n", /it is empty/],
    ["1234567", /fewer than 8 bytes/],
    ["1234567\n", /fewer than 8 bytes/],
    ["x".repeat(MOST + 1), /too long/],
    ["x".repeat(MOST + 1) + "\n", /too long/],
    ["x".repeat(100_000), /larger|too long/],
  ];
  const before = pictureOf(`${machine.stateRoot}/identity`);
  for (const [text, why] of refused) {
    Deno.writeTextFileSync(file, text);
    const result = await machine.run(protect);
    assertRefused(result, 2, `${text.length} bytes`);
    assert.match(result.stderr, why);
  }
  assert.equal(differenceOf(before, pictureOf(`${machine.stateRoot}/identity`)), undefined);
  const longest = "x".repeat(MOST);
  const same: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ["12345678\n", ["12345678", "12345678\r\n"], ["12345678\n\n", " 12345678", "1234567"]],
    [`${longest}\r\n`, [longest, `${longest}\n`], [longest.slice(1)]],
  ];
  for (const [text, equal, different] of same) {
    Deno.writeTextFileSync(file, text);
    await machine.succeed(protect);
    for (const [others, status] of [[equal, 0], [different, 9]] as const) {
      for (const other of others) {
        Deno.writeTextFileSync(file, other);
        const result = await read(machine, ["--passphrase-file", file]);
        assert.equal(result.status, status, JSON.stringify(other.slice(0, 12)));
      }
    }
    Deno.writeTextFileSync(file, text);
    await machine.succeed(["vault", "protect", "file", "--passphrase-file", file]);
  }
});

Deno.test("What is no file gives no passphrase", async () => {
  using place = await makeProtected();
  const { machine, directory } = place;
  for (const path of [directory, `${directory}/none`, "", "/dev/null"]) {
    const { status } = await read(machine, ["--passphrase-file", path]);
    assert.equal(status, 2, path);
  }
});

Deno.test("A person types a new passphrase twice, and one in force once; neither is shown", async () => {
  using machine = makeMachine();
  const init = ["init", "--protect", "passphrase"];
  const made = await typed(machine, init, [[/New passphrase.*: $/, FIRST], [/again: $/, FIRST]]);
  assert.match(made.shown, /status=0/);
  const set = await typed(machine, ["secrets", "set", "global/a", "--generate"], [
    [/Passphrase of the identity.*: $/, FIRST],
  ]);
  assert.match(set.shown, /status=0/, set.shown);
  const wrong = await typed(machine, SECRET, [[/Passphrase of the identity.*: $/, SECOND]]);
  assert.match(wrong.shown, /wrong passphrase[^]*status=9/);
  const changed = await typed(machine, ["vault", "protect", "passphrase"], [
    [/Passphrase of the identity.*: $/, FIRST],
    [/New passphrase.*: $/, SECOND],
    [/again: $/, SECOND],
  ]);
  assert.match(changed.shown, /is protected by a passphrase now[^]*status=0/);
  for (const { shown } of [made, set, wrong, changed]) assertUnsaid(shown);
});

Deno.test("Entries that differ, are too short or are given up make no identity", async () => {
  const entries: readonly (readonly [readonly Entry[], number, RegExp])[] = [
    [[[/New passphrase.*: $/, FIRST], [/again: $/, SECOND]], 2, /the two entries differ/],
    [[[/New passphrase.*: $/, "short"], [/again: $/, "short"]], 2, /fewer than 8/],
    [[[/New passphrase.*: $/, ""]], 2, /nothing was entered/],
    [[[/New passphrase.*: $/, "\x04"]], 2, /nothing was entered/],
    [[[/New passphrase.*: $/, "\x03"]], 130, /New passphrase/],
  ];
  for (const [typing, status, why] of entries) {
    using machine = makeMachine();
    const { shown } = await typed(machine, ["init", "--protect", "passphrase"], typing);
    assert.match(shown, why);
    assert.match(shown, new RegExp(`status=${status}\\b`), shown);
    assert.ok(!pathsBelow(machine.stateRoot).some((path) => path.endsWith(".ref")), shown);
    assertUnsaid(shown);
  }
});

Deno.test("A typed passphrase is no longer than one from a file may be", async () => {
  using machine = makeMachine();
  const long = "x".repeat(MOST + 1);
  const typing: readonly Entry[] = [[/New passphrase.*: $/, long]];
  const { shown } = await typed(machine, ["init", "--protect", "passphrase"], typing);
  assert.match(shown, /too long[^]*status=2/);
});

Deno.test("Who gives no new passphrase is told by which flag", async () => {
  using place = await makeProtected();
  const flags = ["--passphrase-file", place.first];
  const result = await place.machine.run(["vault", "protect", "passphrase", ...flags]);
  assertRefused(result, 12, "no new one");
  assert.match(result.stderr, /--new-passphrase-file/);
});

Deno.test("With --no-input nobody is asked on a terminal either", async () => {
  using place = await makeProtected();
  const { shown } = await typed(place.machine, [...SECRET, "--no-input"], []);
  assert.match(shown, /its passphrase is needed[^]*status=12/);
  const init = await typed(place.machine, ["vault", "protect", "passphrase", "--no-input"], []);
  assert.match(init.shown, /status=12/);
});

Deno.test("A passphrase is in no output, no file of the state, no argument and no variable", async () => {
  using place = await makeProtected();
  const { machine, first, second } = place;
  const commands = [
    [...SECRET, "--passphrase-file", first],
    [...SECRET, "--passphrase-file", first, "--json", "-v"],
    [...SECRET, "--passphrase-file", second, "--json", "-v"],
    ["vault", "status", "--passphrase-file", first, "--json"],
    ["doctor", "--passphrase-file", first, "--json"],
    [
      "vault",
      "protect",
      "passphrase",
      "--passphrase-file",
      first,
      "--new-passphrase-file",
      second,
      "-v",
    ],
  ];
  for (const command of commands) {
    const { stdout, stderr } = await machine.run(command);
    assertUnsaid(stdout + stderr);
  }
  for (const path of pathsBelow(machine.stateRoot)) {
    if (Deno.lstatSync(`${machine.stateRoot}/${path}`).isDirectory) continue;
    assertUnsaid(new TextDecoder().decode(Deno.readFileSync(`${machine.stateRoot}/${path}`)));
  }
});

Deno.test("A passphrase as an argument or a variable is not known of", async () => {
  using place = await makeProtected();
  const { machine } = place;
  const env = {
    PALYRA_PASSPHRASE: FIRST,
    PALYRA_PASSPHRASE_FILE: place.first,
    PASSPHRASE: FIRST,
  };
  assertRefused(await read(machine, [], { env }), 12, "a variable");
  const { status, stdout, stderr } = await read(machine, [`--passphrase=${FIRST}`]);
  assert.equal(status, 2);
  assertUnsaid(stdout + stderr);
});

/** A machine whose identity the first passphrase protects, with one secret, and both passphrases as files. */
interface Protected extends Disposable {
  readonly machine: Machine;
  readonly directory: string;
  readonly first: string;
  readonly second: string;
}

async function makeProtected(): Promise<Protected> {
  const machine = makeMachine();
  const { directory } = machine;
  const [first, second] = [`${directory}/first`, `${directory}/second`] as const;
  Deno.writeTextFileSync(first, `${FIRST}\n`);
  Deno.writeTextFileSync(second, SECOND);
  try {
    const flags = ["--passphrase-file", first];
    await machine.succeed(["init", "--protect", "passphrase", ...flags]);
    await machine.succeed(["secrets", "set", "global/a", ...flags], { stdin: VALUE });
  } catch (error) {
    machine[Symbol.dispose]();
    throw error;
  }
  return { machine, directory, first, second, [Symbol.dispose]: () => machine[Symbol.dispose]() };
}

async function read(
  machine: Machine,
  flags: readonly string[],
  options?: CliOptions,
): Promise<CliResult> {
  return await machine.run([...SECRET, ...flags], options);
}

/** A prompt that is waited for, and what is typed then. */
type Entry = readonly [RegExp, string];

const PATIENCE_MS = 20_000;
const LOOK_EVERY_MS = 20;

/** Runs a command on a terminal of its own, and types; all that the terminal showed. */
async function typed(
  machine: Machine,
  args: readonly string[],
  entries: readonly Entry[],
  more: Readonly<Record<string, string>> = {},
): Promise<{ readonly shown: string }> {
  const { words, env } = await ownWords();
  const line = [...words, ...args].map((word) => `'${word}'`).join(" ");
  const child = new Deno.Command("/usr/bin/script", {
    args: ["-q", "-e", "-c", `${line}; echo status=$?`, "/dev/null"],
    cwd: machine.home,
    env: { ...env, ...machine.env, SHELL: "/bin/sh", ...more },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let shown = "";
  const decoder = new TextDecoder();
  const write = (chunk: Uint8Array): void => void (shown += decoder.decode(chunk, STREAM));
  const reading = child.stdout.pipeTo(new WritableStream({ write }));
  const writer = child.stdin.getWriter();
  let from = 0;
  for (const [prompt, text] of entries) {
    const end = Date.now() + PATIENCE_MS;
    while (!prompt.test(shown.slice(from))) {
      if (Date.now() > end) break; // the assertions of the test tell what was shown instead
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    from = shown.length;
    await writer.write(new TextEncoder().encode(`${text}\r`));
  }
  await child.status;
  await writer.close().catch(() => {});
  await reading;
  return { shown };
}

/** The other end of a pipe, as soon as somebody reads from it; only then can it be opened so. */
async function openedForReading(pipe: string): Promise<number> {
  for (const end = Date.now() + PATIENCE_MS;;) {
    try {
      return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }
}

const STREAM = { stream: true };

function assertUnsaid(text: string): void {
  for (const secret of [FIRST, SECOND, "f1rst-pass", "s3cond pass"]) {
    assert.ok(!text.includes(secret), text);
  }
}
