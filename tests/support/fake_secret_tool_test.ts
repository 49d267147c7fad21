/** The stand-in for `secret-tool`: held against the real one, and each of its ways to misbehave. */

import assert from "node:assert/strict";
import { type Ended, runProcess } from "./process.ts";
import { startSecretService } from "./secret_service.ts";
import { whyNoSecretService } from "./requirements.ts";
import { unlessSkipped } from "./skip.ts";

const onKeyring = unlessSkipped("no-secret-service", whyNoSecretService());

const PROGRAM = new URL("fake_secret_tool.ts", import.meta.url).pathname;
const PALYRA = ["application", "palyra"];
const ITEM = [...PALYRA, "vault", "v1", "kind", "vault_key", "id", "g1"];
const STORE = ["store", "--label=palyra g1", ...ITEM];
const SEARCH = ["search", "--all", ...ITEM];
const LOOKUP = ["lookup", ...ITEM];
const CLEAR = ["clear", ...ITEM];
/** Long for a call that ends, on a slow machine too. */
const TIMEOUT_MS = 30_000;
/** Short for one that does not. */
const HANGS_MS = 2_000;
const LOCKED = "secret-tool: Cannot get secret of a locked object\n";

/** A fake with items of its own. */
interface Fake extends Disposable {
  readonly log: string;
  run(args: readonly string[], stdin?: string | Uint8Array, ...own: string[]): Promise<Ended>;
  /** Whether a call has not ended after a while; then it is ended. */
  hangs(args: readonly string[], stdin: string): Promise<boolean>;
  /** The same items behind another mode. */
  as(mode: string): Fake;
}

function makeFake(mode = "ok"): Fake {
  const directory = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  const log = `${directory}/log`;
  const deno = [Deno.execPath(), "run", "-A", "--no-config", "--no-prompt", "--quiet", PROGRAM];
  const files = [`--fake-state=${directory}/state`, `--fake-log=${log}`];
  const call = (
    words: readonly string[],
    stdin: string | Uint8Array | undefined,
    timeoutMs: number,
  ): Promise<Ended> =>
    runProcess({
      argv: [...deno, ...files, ...words],
      env: { HOME: directory, LC_ALL: "C", DENO_NO_UPDATE_CHECK: "1" },
      stdin,
      timeoutMs,
    });
  const inMode = (mode: string): Fake => ({
    log,
    run: (args, stdin, ...own) => call([`--fake-mode=${mode}`, ...own, ...args], stdin, TIMEOUT_MS),
    hangs: async (args, stdin) =>
      (await call([`--fake-mode=${mode}`, ...args], stdin, HANGS_MS)).timedOut,
    as: inMode,
    [Symbol.dispose]: () => Deno.removeSync(directory, { recursive: true }),
  });
  return inMode(mode);
}

/** Status, standard output and standard error, without what depends on the hour or on a number. */
function said({ status, out, err }: Ended): [number, string, string] {
  const steady = out.replaceAll(/^(created|modified) = \d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/gm, "$1 = …")
    .replaceAll(/^\[\/\d+\]$/gm, "[/N]")
    .replaceAll(/^schema = org\.freedesktop\.Secret\.Generic\n/gm, ""); // after some time only
  return [status, steady, err];
}

async function sayings(fake: Fake, ...calls: readonly (readonly string[])[]): Promise<unknown[]> {
  const all: unknown[] = [];
  for (const call of calls) all.push(said(await fake.run(call, "one")));
  return all;
}

const QUIET = [0, "", ""];
const BLOCK = "[/N]\nlabel = palyra g1\nsecret = one\ncreated = …\nmodified = …\n";
const TOLD = "attribute.application = palyra\nattribute.vault = v1\nattribute.id = g1\n" +
  "attribute.kind = vault_key\n";

onKeyring("ok: every call says byte for byte what the real tool says", async () => {
  await using service = await startSecretService("unlocked");
  using fake = makeFake();
  const calls: readonly (readonly [readonly string[], (string | Uint8Array)?])[] = [
    [SEARCH],
    [LOOKUP],
    [CLEAR],
    [STORE, "one"],
    [SEARCH],
    [["search", ...PALYRA]],
    [["search", "--all", "--unlock", ...ITEM]],
    [LOOKUP],
    [["lookup", ...ITEM, "more", "words"]],
    [["store", "--label=again", ...ITEM], "two\n"],
    [SEARCH],
    [LOOKUP],
    [["store", "--label=canary", ...PALYRA, "vault", "v1", "kind", "canary"], ""],
    [["search", "--all", ...PALYRA, "vault", "v1", "kind", "canary"]],
    [["lookup", ...PALYRA, "kind", "canary"]],
    [CLEAR],
    [CLEAR],
    [["clear", ...PALYRA]],
    [["search", "--all", ...PALYRA]],
    [STORE, "x".repeat(8191)],
    [LOOKUP],
    [STORE, "x".repeat(8192)],
    [LOOKUP],
    [STORE, "y".repeat(8193)],
    [SEARCH],
    [STORE, new Uint8Array([0x61, 0xc3, 0xa9])],
    [LOOKUP],
    [["store", ...ITEM], "no label"],
    [["store", "--label=x", "odd"], "odd"],
    [["search", "--all"]],
    [["lookup", "odd"]],
    [["frobnicate"]],
    [["--version"]],
    [[]],
  ];
  for (const [call, stdin] of calls) {
    const real = await runProcess({
      argv: ["/usr/bin/secret-tool", ...call],
      env: service.env,
      stdin,
    });
    assert.deepEqual(said(await fake.run(call, stdin)), said(real), call.join(" "));
  }
});

Deno.test("every call leaves a line of what it was given", async () => {
  using fake = makeFake();
  await sayings(fake, STORE, SEARCH);
  const lines = Deno.readTextFileSync(fake.log).trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  assert.deepEqual(lines.map(({ argv, stdin }) => [argv, stdin]), [[STORE, "one"], [SEARCH, ""]]);
  assert.equal(lines[0].env.LC_ALL, "C");
});

Deno.test("parallel stores lose nothing", async () => {
  using fake = makeFake();
  const ids = Array.from({ length: 8 }, (_, i) => `g${i}`);
  const stores = ids.map((id) => fake.run(["store", "--label=x", ...PALYRA, "id", id], id));
  assert.deepEqual((await Promise.all(stores)).map(said), ids.map(() => QUIET));
  const { out } = await fake.run(["search", "--all", ...PALYRA]);
  assert.deepEqual([...out.matchAll(/^secret = (.*)$/gm)].map((match) => match[1]).sort(), ids);
});

Deno.test("hang: no call ends", async () => {
  using fake = makeFake("hang");
  const calls = [STORE, SEARCH, LOOKUP, CLEAR];
  const hang = await Promise.all(calls.map((call) => fake.hangs(call, "")));
  assert.deepEqual(hang, [true, true, true, true]);
});

Deno.test("hang-store: a store does not end, and stores nothing", async () => {
  using fake = makeFake("hang-store");
  assert.equal(await fake.hangs(STORE, "one"), true);
  assert.deepEqual(await sayings(fake, SEARCH, LOOKUP, CLEAR), [QUIET, [1, "", ""], [1, "", ""]]);
});

Deno.test("cut: a value is cut where the caller wants, with status 0", async () => {
  using fake = makeFake("cut");
  const long = [0, "", "secret-tool: password is too long\n"];
  assert.deepEqual(said(await fake.run(STORE, "x".repeat(9_000))), long);
  assert.equal((await fake.run(LOOKUP)).out.length, 8_192);
  assert.deepEqual(said(await fake.run(STORE, "123456", "--fake-cut=5")), long);
  assert.equal((await fake.run(LOOKUP)).out, "12345");
});

Deno.test("utf8: values that are no text are refused", async () => {
  using fake = makeFake("utf8");
  const refused = [1, "", "secret-tool: password not valid UTF-8\n"];
  assert.deepEqual(said(await fake.run(STORE, new Uint8Array([0x61, 0xff]))), refused);
  assert.deepEqual(await sayings(fake, SEARCH, STORE, LOOKUP), [QUIET, QUIET, [0, "one", ""]]);
});

Deno.test("signal: the work is done, and nobody hears of it", async () => {
  using fake = makeFake("signal");
  for (const call of [STORE, SEARCH]) {
    const { signal, out, err } = await fake.run(call, "one");
    assert.deepEqual([signal, out, err], ["SIGSEGV", "", ""]);
  }
  assert.equal((await fake.as("ok").run(LOOKUP)).out, "one");
});

Deno.test("keepassxc: other attributes and ids, and an overwrite that does not end", async () => {
  using fake = makeFake("keepassxc");
  assert.deepEqual(await sayings(fake, STORE, LOOKUP), [QUIET, [0, "one", ""]]);
  const { out, err } = await fake.run(SEARCH);
  const id = /^\[\/([0-9a-f]{32})\]\nlabel = palyra g1\nsecret = one\ncreated = /.exec(out)?.[1];
  assert.ok(id, out);
  const added = ["Title = palyra g1", "Path = /palyra g1", `Uuid = ${id}`];
  const empty = ["UserName = ", "URL = ", "Notes = "];
  assert.equal(err, TOLD + [...added, ...empty].map((line) => `attribute.${line}\n`).join(""));
  assert.equal(await fake.hangs(STORE, "two"), true);
  assert.deepEqual(await sayings(fake, LOOKUP, CLEAR, SEARCH), [[0, "one", ""], QUIET, QUIET]);
});

Deno.test("undeletable: clear says that it has done what it has not", async () => {
  for (const [mode, status] of [["undeletable", 0], ["undeletable-silent", 1]] as const) {
    using fake = makeFake(mode);
    const answers = await sayings(fake, STORE, CLEAR, SEARCH);
    assert.deepEqual(answers, [QUIET, [status, "", ""], [0, BLOCK, TOLD]], mode);
  }
});

Deno.test("locked-once: locked until somebody has answered the dialog of lookup", async () => {
  using fake = makeFake();
  await fake.run(STORE, "one");
  const locked = fake.as("locked-once");
  const hidden = BLOCK.replace("secret = one\n", "");
  assert.deepEqual(await sayings(locked, SEARCH, CLEAR, STORE), [
    [0, hidden, LOCKED + TOLD],
    [1, "", ""],
    [1, "", "secret-tool: Cannot create an item in a locked collection\n"],
  ]);
  assert.deepEqual(await sayings(locked, LOOKUP, SEARCH, STORE), [
    [0, "one", ""],
    [0, BLOCK, TOLD],
    QUIET,
  ]);
});

Deno.test("altered: what comes back looks like a blob, and is another one", async () => {
  using fake = makeFake("altered");
  assert.deepEqual(await sayings(fake, STORE, SEARCH, LOOKUP), [
    QUIET,
    [0, BLOCK.replace("one", "Ane"), TOLD],
    [0, "Ane", ""],
  ]);
});

Deno.test("noise: a failure without a known word, and with the secret in it", async () => {
  using fake = makeFake("noise");
  for (const call of [STORE, SEARCH, LOOKUP, CLEAR]) {
    const { status, out, err } = await fake.run(call, "one");
    assert.deepEqual([status, out], [1, ""]);
    const value = call === STORE ? "one" : "";
    assert.equal(err, `secret-tool: The frobnicator refused ${call[0]} ${value}\n`);
  }
});

Deno.test("two: search finds the item twice", async () => {
  using fake = makeFake("two");
  assert.deepEqual(await sayings(fake, STORE, SEARCH), [QUIET, [0, BLOCK + BLOCK, TOLD + TOLD]]);
});

Deno.test("full: nothing can be stored or deleted, and older items are intact", async () => {
  using fake = makeFake();
  await fake.run(STORE, "one");
  const full = fake.as("full");
  assert.deepEqual(await sayings(full, STORE, CLEAR, SEARCH, LOOKUP), [
    [1, "", "secret-tool: Couldn't create item: An error occurred on the device\n"],
    [1, "", "secret-tool: Couldn't delete collection: An error occurred on the device\n"],
    [0, BLOCK, TOLD],
    [0, "one", ""],
  ]);
});

Deno.test("a mode that does not exist is refused", async () => {
  using fake = makeFake("okay");
  const { status, err } = await fake.run(SEARCH);
  assert.equal(status, 1);
  assert.match(err, /Unknown mode: okay/);
});
