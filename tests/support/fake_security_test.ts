/** The stand-in for macOS `security`, held to what is known of the real tool, as a program. */

import assert from "node:assert/strict";
import type { Item, State } from "./fake_security_items.ts";
import { OS_STATUS } from "./fake_security_statuses.ts";
import { type Ended, runProcess } from "./process.ts";

const PROGRAM = new URL("fake_security.ts", import.meta.url).pathname;
const TIMEOUT_MS = 60_000;
/** Of a call that is to hang. */
const HANGS_MS = 1_500;
const NAMED = ["-s", "palyra.vault", "-a", "g1"];
const ADD = ["add-generic-password", ...NAMED];
const FIND = ["find-generic-password", ...NAMED];
const READ = [...FIND, "-w"];
const DELETE = ["delete-generic-password", ...NAMED];
const MISSING = "security: SecKeychainSearchCopyNext: " +
  "The specified item could not be found in the keychain.\n";
const QUIET = [0, "", ""];

/** A stand-in with a state of its own. */
interface Fake extends Disposable {
  readonly log: string;
  readonly keychain: string;
  run(words: readonly string[], stdin?: string | Uint8Array, timeoutMs?: number): Promise<Ended>;
  /** Runs lines, each ended by a newline. */
  lines(...lines: readonly string[]): Promise<Ended>;
  /** Changes how it behaves. */
  set(changes: Partial<State>): void;
  items(): Item[];
}

function makeFake(state: Partial<State> = {}): Fake {
  const directory = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  const [file, log] = [`${directory}/state`, `${directory}/log`];
  const read = (): Partial<State> => JSON.parse(Deno.readTextFileSync(file));
  const run: Fake["run"] = (words, stdin, timeoutMs = TIMEOUT_MS) =>
    runProcess({
      argv: [
        ...[Deno.execPath(), "run", "-A", "--no-config", "--no-lock", "--no-prompt", "--quiet"],
        ...[PROGRAM, `--fake-state=${file}`, `--fake-log=${log}`, ...words],
      ],
      env: { HOME: directory, LC_ALL: "C", DENO_NO_UPDATE_CHECK: "1" },
      stdin,
      timeoutMs,
    });
  Deno.writeTextFileSync(file, JSON.stringify(state));
  return {
    log,
    keychain: file,
    run,
    lines: (...lines) => run(["-i"], lines.map((line) => `${line}\n`).join("")),
    set: (changes) => Deno.writeTextFileSync(file, JSON.stringify({ ...read(), ...changes })),
    items: () => read().items ?? [],
    [Symbol.dispose]: () => Deno.removeSync(directory, { recursive: true }),
  };
}

function told({ status, out, err }: Ended): [number, string, string] {
  return [status, out, err];
}

function item(changes: Partial<Item> = {}): Item {
  const name = { keychain: "/k1", service: "palyra.vault", account: "g1" };
  return { ...name, label: "palyra g1", data: hex("one"), ...changes };
}

function hex(text: string): string {
  return new TextEncoder().encode(text).toHex();
}

function attributes({ keychain, label, account, service }: Item): string {
  return `keychain: "${keychain}"\nversion: 512\nclass: "genp"\nattributes:\n` +
    `    0x00000007 <blob>="${label}"\n    "acct"<blob>="${account}"\n    "svce"<blob>="${service}"\n`;
}

/** A line that adds an item, of so many bytes, with the value as its last word. */
function lineOf(length: number): { line: string; value: string } {
  const start = `${ADD.join(" ")} -w `;
  const value = "v".repeat(length - start.length);
  return { line: start + value, value };
}

const DUPLICATE = "security: SecKeychainItemCreateFromContent (<default>): " +
  "The specified item already exists in the keychain.\n";
const RETURNED_DUPLICATE = "add-generic-password: returned -25299\n";

Deno.test("-i: a line of 4,094 bytes runs whole, and its status is the command's", async () => {
  using fake = makeFake();
  const { line, value } = lineOf(4094);
  assert.deepEqual(told(await fake.lines(line)), QUIET);
  assert.equal(fake.items()[0]!.data, hex(value));
  assert.deepEqual(told(await fake.lines(line)), [45, "", DUPLICATE + RETURNED_DUPLICATE]);
});

Deno.test("-i: a line of 4,095 bytes runs whole, but its status is 0 whatever becomes of it", async () => {
  using fake = makeFake();
  const { line, value } = lineOf(4095);
  assert.deepEqual(told(await fake.lines(line)), QUIET);
  assert.equal(fake.items()[0]!.data, hex(value));
  assert.deepEqual(told(await fake.lines(line)), [0, "", DUPLICATE + RETURNED_DUPLICATE]);
});

Deno.test("-i: of a longer line the head runs cut, and the tail is a command that is repeated", async () => {
  using fake = makeFake();
  const { line } = lineOf(4095);
  const err = 'security: unknown command "tail"\ntail: returned 1\n';
  assert.deepEqual(told(await fake.lines(`${line}tail`)), [1, "", err]);
  assert.equal(fake.items()[0]!.data, hex(lineOf(4095).value));
});

Deno.test("-i: a tail that is a closing quote only asks for help, with status 0", async () => {
  using fake = makeFake();
  const start = `${ADD.join(" ")} -w "`;
  const value = "v".repeat(4095 - start.length);
  const { status, out, err } = await fake.lines(`${start}${value}"`);
  assert.deepEqual([status, err], [0, ""]);
  assert.match(out, /^ {4}help\n/);
  assert.equal(fake.items()[0]!.data, hex(value));
});

Deno.test("-i: what has no newline at its end is not run, with status 0", async () => {
  using fake = makeFake();
  const line = `${ADD.join(" ")} -w one`;
  assert.deepEqual(told(await fake.run(["-i"], line)), QUIET);
  assert.deepEqual(told(await fake.run(["-i"], `${FIND.join(" ")}\n${line}`)), [
    44,
    "",
    `${MISSING}find-generic-password: returned -25300\n`,
  ]);
  assert.deepEqual(fake.items(), []);
  assert.deepEqual(told(await fake.run(["-i"], "")), QUIET);
});

Deno.test("-i: the status is the last line's, and an empty line's is 0", async () => {
  using fake = makeFake();
  const find = FIND.join(" ");
  const statusOf = async (...lines: string[]): Promise<number> =>
    (await fake.lines(...lines)).status;
  assert.equal(await statusOf(find, ""), 0);
  assert.equal(await statusOf(find, " \t"), 0);
  assert.equal(await statusOf(find, "help"), 0);
  assert.equal(await statusOf("help", find), 44);
  assert.equal(await statusOf(find, "frobnicate"), 1);
});

Deno.test("-i: words are split as by the real tool; -q keeps it from telling what was returned", async () => {
  using fake = makeFake();
  const label = `-l "two \\"words\\"" -j 'it'"'"'s`;
  const line = `${ADD.join("\v")} ${label}`;
  assert.deepEqual(told(await fake.lines(line)), [2, "", usage("add-generic-password", 2)]);
  const good = `${ADD.join("\t")} -l "two \\"words\\"" -w o\\ne\\  '/k\\'1'`;
  assert.deepEqual(told(await fake.lines(good)), QUIET);
  const changes = { keychain: "/k'1", label: 'two "words"', data: hex("one ") };
  assert.deepEqual(fake.items(), [item(changes)]);
  assert.deepEqual(told(await fake.run(["-qi"], `${FIND.join(" ")} -l\0x\n`)), [
    2,
    "",
    usage("find-generic-password"),
  ]);
});

/** What the tool says of a wrong use, and with a number what the interactive mode adds. */
function usage(command: string, returned?: number): string {
  const more = returned === undefined ? "" : `${command}: returned ${returned}\n`;
  return `Usage: ${command} [...]\n${more}`;
}

Deno.test("commands: the first that begins with the word; an unknown one is repeated", async () => {
  using fake = makeFake({ items: [item()] });
  const words: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[""], 0, /^ {4}help\n/],
    [["h"], 0, /^ {4}help\n/],
    [["def"], 0, /^ {4}"\/.*"\n$/],
    [["d"], 0, /^ {4}"\/.*"\n$/],
    [["find", ...NAMED], 0, /"svce"/],
    [["l"], 2, /^$/],
  ];
  for (const [argv, status, out] of words) {
    const ended = await fake.run(argv);
    assert.equal(ended.status, status, argv.join(" "));
    assert.match(ended.out, out, argv.join(" "));
  }
  for (const word of ["frobnicate", "find-generic-passwords", "FIND", "s3cr3t.tail"]) {
    const err = `security: unknown command "${word}"\n`;
    assert.deepEqual(told(await fake.run([word])), [1, "", err]);
  }
  assert.deepEqual(told(await fake.run([])), [2, "", usage("security")]);
  assert.deepEqual(told(await fake.run(["-Z"])), [2, "", usage("security")]);
});

Deno.test("usage is status 2: unknown options, lacking values, nothing to go by", async () => {
  using fake = makeFake({ items: [item()] });
  const wrong: readonly (readonly string[])[] = [
    ["add-generic-password"],
    ["add-generic-password", "-s", "x"],
    ["add-generic-password", "-s", "", "-a", "x"],
    [...ADD, "-Z"],
    [...ADD, "-l"],
    [...ADD, "-w", "x", ""],
    [...ADD, "-w", "x", "/k1", "/k2"],
    [...FIND, "-Z"],
    ["find-generic-password", "-s"],
    ["delete-generic-password"],
    ["delete-generic-password", "-s", ""],
    ["delete-generic-password", "/k1"],
    ["default-keychain", "-d", "nobody"],
  ];
  for (const words of wrong) {
    assert.deepEqual(told(await fake.run(words)), [2, "", usage(words[0]!)], words.join(" "));
  }
  const { status, err } = await fake.run([...ADD, "-X", "xyz"]);
  assert.equal(status, 2);
  assert.match(err, /-X must specify valid hex digits/);
  assert.deepEqual(fake.items(), [item()]);
});

Deno.test("add: the label is the service unless it is given, and without -w the value is empty", async () => {
  using fake = makeFake({ defaultKeychain: "/login" });
  assert.deepEqual(told(await fake.run(ADD)), QUIET);
  assert.deepEqual(fake.items(), [item({ keychain: "/login", label: "palyra.vault", data: "" })]);
  assert.deepEqual(told(await fake.run(READ)), [0, "\n", ""]);
  assert.deepEqual(told(await fake.run([...ADD, "-w", "", "-l", "x", "/k1"])), QUIET);
  assert.deepEqual(fake.items()[1], item({ label: "x", data: "" }));
});

Deno.test("add: a bare -w asks, and fails; one with a word behind it takes that for the value", async () => {
  using fake = makeFake();
  const asks = "password data for new item: ";
  assert.deepEqual(told(await fake.run([...ADD, "-w"], "typed\ntyped\n")), [1, "", asks]);
  const returned = "add-generic-password: returned 1\n";
  assert.deepEqual(told(await fake.lines(`${ADD.join(" ")} -w`)), [1, "", asks + returned]);
  assert.deepEqual(fake.items(), []);
  assert.deepEqual(told(await fake.run([...ADD, "-w", "/k1"])), QUIET);
  assert.equal(fake.items()[0]!.data, hex("/k1"));
});

Deno.test("add: what is there is a duplicate, in its own keychain only", async () => {
  using fake = makeFake({ items: [item()] });
  const err = DUPLICATE.replace("<default>", "/k1");
  assert.deepEqual(told(await fake.run([...ADD, "-w", "two", "/k1"])), [45, "", err]);
  assert.deepEqual(told(await fake.run([...ADD, "-w", "two", "/k2"])), QUIET);
  assert.deepEqual(fake.items().map(({ keychain, data }) => [keychain, data]), [
    ["/k1", hex("one")],
    ["/k2", hex("two")],
  ]);
});

Deno.test("add -U: updates; but when that is refused it says duplicate", async () => {
  using fake = makeFake({ items: [item()] });
  const update = [...ADD, "-U", "-w", "two", "/k1"];
  assert.deepEqual(told(await fake.run(update)), QUIET);
  assert.deepEqual(fake.items(), [item({ data: hex("two") })]);
  const refusals = [["locked", "User interaction is not allowed."], [
    "deny",
    "User canceled the operation.",
  ]];
  for (const [how, why] of refusals) {
    fake.set({ locked: false, deny: false, [how!]: true });
    const { status, err } = await fake.run([...ADD, "-U", "-w", "three", "/k1"]);
    assert.equal(status, 45, how);
    const first = `security: SecKeychainItemModifyContent: ${why}\n`;
    assert.equal(err, first + DUPLICATE.replace("<default>", "/k1"));
  }
  fake.set({ locked: false, deny: false });
  assert.equal((await fake.run([...READ, "/k1"])).out, "two\n");
  assert.deepEqual(told(await fake.run([...ADD, "-U", "-w", "new", "/k2"])), QUIET);
});

Deno.test("find: attributes without -w, the value alone with it, and both apart with -g", async () => {
  using fake = makeFake({ items: [item()] });
  assert.deepEqual(told(await fake.run(FIND)), [0, attributes(item()), ""]);
  assert.deepEqual(told(await fake.run(READ)), [0, "one\n", ""]);
  assert.deepEqual(told(await fake.run([...FIND, "-g"])), [
    0,
    attributes(item()),
    'password: "one"\n',
  ]);
  const byLabel = ["find-generic-password", "-l", "palyra g1", "-w"];
  assert.deepEqual(told(await fake.run(byLabel)), [0, "one\n", ""]);
  assert.deepEqual(told(await fake.run(["find-generic-password", "-wa", "g1"])), [0, "one\n", ""]);
});

Deno.test("find -w: bytes that are not all printable come as hexadecimal, always with a newline", async () => {
  using fake = makeFake();
  const values: readonly (readonly [string, string])[] = [
    ["x", "x"],
    [" ~", " ~"],
    ["deadbeef", "deadbeef"],
    ["\x7f", "7f"],
    ["a\tb", "610962"],
    ["\n", "0a"],
    ["é", "c3a9"],
  ];
  for (const [value, shown] of values) {
    fake.set({ items: [item({ data: hex(value) })] });
    assert.deepEqual(told(await fake.run(READ)), [0, `${shown}\n`, ""]);
  }
  fake.set({ items: [] });
  const odd = new Uint8Array([...new TextEncoder().encode(`${ADD.join(" ")} -w `), 0xe9, 0x0a]);
  assert.deepEqual(told(await fake.run(["-i"], odd)), QUIET);
  assert.deepEqual(told(await fake.run(READ)), [0, "e9\n", ""]);
  assert.deepEqual(told(await fake.run([...ADD, "-X", "ABC", "/k2"])), QUIET);
  assert.deepEqual(told(await fake.run([...READ, "/k2"])), [0, "0abc\n", ""]);
});

Deno.test("what is not there, and a search that fails, are 44 with the same text", async () => {
  using fake = makeFake();
  const calls = [FIND, READ, DELETE];
  const all = async (): Promise<unknown[]> =>
    await Promise.all(calls.map(async (words) => told(await fake.run(words))));
  const nothing = [44, "", MISSING];
  assert.deepEqual(await all(), [nothing, nothing, nothing]);
  fake.set({ items: [item()], searchFails: true });
  assert.deepEqual(await all(), [nothing, nothing, nothing]);
  assert.equal(fake.items().length, 1);
});

Deno.test("locked: found by attributes, 36 without a word for the value, 36 for the rest", async () => {
  using fake = makeFake({ items: [item()], locked: true });
  const why = "User interaction is not allowed.\n";
  assert.deepEqual(told(await fake.run(FIND)), [0, attributes(item()), ""]);
  assert.deepEqual(told(await fake.run(READ)), [36, "", ""]);
  assert.deepEqual(told(await fake.run([...ADD, "-w", "two", "/k2"])), [
    36,
    "",
    `security: SecKeychainItemCreateFromContent (/k2): ${why}`,
  ]);
  const untrue = "password has been deleted.\n";
  assert.deepEqual(told(await fake.run(DELETE)), [36, attributes(item()), untrue]);
  assert.deepEqual(told(await fake.run(["show-keychain-info", "/k1"])), [
    36,
    "",
    `security: SecKeychainCopySettings /k1: ${why}`,
  ]);
  assert.deepEqual(fake.items(), [item()]);
  assert.deepEqual(told(await fake.run(["unlock-keychain", "/k1"])), QUIET);
  assert.deepEqual(told(await fake.run(READ)), [0, "one\n", ""]);
  const open = [0, "", 'Keychain "/k1" no-timeout\n'];
  assert.deepEqual(told(await fake.run(["show-keychain-info", "/k1"])), open);
  assert.deepEqual(told(await fake.run(["lock-keychain", "/k1"])), QUIET);
  assert.equal((await fake.run(READ)).status, 36);
});

Deno.test("denied: 128 without a word for the value, and the attributes all the same", async () => {
  using fake = makeFake({ items: [item()], deny: true });
  assert.deepEqual(told(await fake.run(READ)), [128, "", ""]);
  assert.deepEqual(told(await fake.run([...FIND, "-g"])), [128, attributes(item()), ""]);
  assert.deepEqual(told(await fake.run(FIND)), [0, attributes(item()), ""]);
});

Deno.test("delete: takes the first match only, and says so", async () => {
  const items = [item(), item({ keychain: "/k2" }), item({ account: "g2" })];
  using fake = makeFake({ items });
  const deleted = [0, attributes(items[0]!), "password has been deleted.\n"];
  assert.deepEqual(
    told(await fake.run(["delete-generic-password", "-s", "palyra.vault"])),
    deleted,
  );
  assert.deepEqual(fake.items(), items.slice(1));
});

Deno.test("a keychain that is named is the only one; without a name all are searched", async () => {
  using fake = makeFake({ items: [item(), item({ keychain: "/k2", data: hex("two") })] });
  assert.equal((await fake.run([...READ, "/k2"])).out, "two\n");
  assert.equal((await fake.run(READ)).out, "one\n");
  assert.deepEqual(told(await fake.run([...READ, "/k3"])), [44, "", MISSING]);
  assert.deepEqual(told(await fake.run([...DELETE, "/k3"])), [44, "", MISSING]);
  assert.equal((await fake.run([...DELETE, "/k2"])).status, 0);
  assert.deepEqual(fake.items(), [item()]);
});

Deno.test("a keychain that cannot be opened: found and deleted elsewhere, 1 for adding", async () => {
  using fake = makeFake({ items: [item()], unopenable: ["/closed"] });
  assert.deepEqual(told(await fake.run([...READ, "/closed"])), [0, "one\n", ""]);
  assert.equal((await fake.run([...ADD, "-w", "two", "/closed"])).status, 1);
  assert.deepEqual(fake.items(), [item()]);
  assert.equal((await fake.run([...DELETE, "/closed"])).status, 0);
  assert.deepEqual(fake.items(), []);
});

Deno.test("the default keychain: its path in quotes, 37 when there is none", async () => {
  using fake = makeFake();
  const asked = ["default-keychain", "-d", "user"];
  assert.deepEqual(told(await fake.run(asked)), [0, `    "${fake.keychain}"\n`, ""]);
  fake.set({ defaultKeychain: "/Users/x/my keys" });
  assert.deepEqual(told(await fake.run(asked)), [0, '    "/Users/x/my keys"\n', ""]);
  fake.set({ defaultKeychain: "" });
  const why = "A default keychain could not be found.\n";
  assert.deepEqual(told(await fake.run(asked)), [
    37,
    "",
    `security: SecKeychainCopyDomainDefault user: ${why}`,
  ]);
  assert.equal((await fake.run([...ADD, "-w", "x"])).status, 37);
  assert.deepEqual(told(await fake.run([...ADD, "-w", "x", "/k1"])), QUIET);
});

Deno.test("hang: what needs the value or changes a keychain never ends, and holds nobody up", async () => {
  using fake = makeFake({ items: [item()], hang: true });
  const calls = [[...ADD, "-w", "x", "/k2"], READ, DELETE];
  const waiting = [
    ...calls.map((words) => fake.run(words, undefined, HANGS_MS)),
    fake.run(["-i"], `${ADD.join(" ")} -w x\n`, HANGS_MS),
  ];
  assert.deepEqual(told(await fake.run(FIND)), [0, attributes(item()), ""]);
  for (const { timedOut } of await Promise.all(waiting)) assert.equal(timedOut, true);
  assert.deepEqual(fake.items(), [item()]);
});

/** The exit statuses that are known, and what they are made of. */
const STATUSES: readonly (readonly [number, number])[] = [
  [44, -25300],
  [45, -25299],
  [36, -25308],
  [29, -25315],
  [51, -25293],
  [128, -128],
  [101, -25243],
  [100, -25244],
  [30, -34018],
  [50, -25294],
  [49, -25295],
  [37, -25307],
  [53, -25291],
  [28, -25316],
  [52, -25292],
  [42, -25302],
  [206, -50],
  [148, -108],
];

Deno.test("failWith: each command ends with the low byte of any status, and changes nothing", async () => {
  assert.deepEqual(
    STATUSES.map(([, status]) => status).toSorted(),
    Object.values(OS_STATUS).map(Number).toSorted(),
  );
  const calls = [[...ADD, "-w", "x", "/k2"], [...ADD, "-U", "-w", "x", "/k1"], READ, DELETE];
  const others = [["default-keychain", "-d", "user"], ["show-keychain-info", "/k1"]];
  await Promise.all(STATUSES.map(async ([status, osStatus]) => {
    using fake = makeFake({ items: [item()] });
    const names = [...calls, ...others].map(([name]) => [name, osStatus] as const);
    fake.set({ failWith: Object.fromEntries(names) });
    for (const words of [...calls, ...others]) {
      const ended = await fake.run(words);
      assert.equal(ended.status, status, words.join(" "));
      const isSilent = words === READ && status !== 44;
      assert.equal(ended.err === "", isSilent, ended.err);
      assert.ok(!ended.err.includes("UNKNOWN"), ended.err);
      assert.ok(words === DELETE || ended.out === "", ended.out);
    }
    const { err } = await fake.lines(READ.join(" "));
    assert.ok(err.endsWith(`find-generic-password: returned ${osStatus}\n`), err);
    assert.deepEqual(fake.items(), [item()]);
  }));
});

Deno.test("calls at the same time lose nothing, and always see a whole state", async () => {
  using fake = makeFake();
  const ids = Array.from({ length: 12 }, (_, at) => `g${String(at).padStart(2, "0")}`);
  const call = (id: string): string => `add-generic-password -s x -a ${id} -w ${id} /k1`;
  const reads = ids.map(() => fake.run(FIND));
  const adds = await Promise.all(ids.map((id) => fake.lines(call(id))));
  assert.deepEqual(adds.map(told), ids.map(() => QUIET));
  assert.ok((await Promise.all(reads)).every(({ status }) => status === 44));
  assert.deepEqual(fake.items().map(({ account }) => account).toSorted(), ids);
});

Deno.test("every call leaves a line of what it was given; only -i reads standard input", async () => {
  using fake = makeFake();
  await fake.lines("help", "");
  await fake.run(READ, "unread");
  const calls = Deno.readTextFileSync(fake.log).trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  assert.deepEqual(calls.map(({ argv, stdin }) => [argv, stdin]), [[["-i"], "help\n\n"], [
    READ,
    "",
  ]]);
  assert.ok(calls.every(({ env }) => env.LC_ALL === "C" && !("USER" in env)));
});
