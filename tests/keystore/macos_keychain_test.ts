/** The adapter of the macOS Keychain: under the contract, and against all that security can do. */

import assert from "node:assert/strict";
import type { KeystoreCause } from "../../src/keystore/failure.ts";
import type { KeystoreItems } from "../../src/keystore/keystore.ts";
import { macosKeychain, type SecurityOptions } from "../../src/keystore/macos_keychain.ts";
import { ProvenKeystore } from "../../src/keystore/proven.ts";
import type { Platform } from "../../src/platform/platform.ts";
import { testBlobBackend } from "../contracts/blob_backend.ts";
import {
  answering,
  assertClean,
  assertFailsBy,
  assertSilent,
  behave,
  BLOB,
  HOLDER,
  impatient,
  ITEM,
  makeSecurity,
  patient,
  platformWith,
  type Spoken,
  type StandIn,
  stored,
  WHISPER,
} from "../support/keystore_tools.ts";

const PASSED = ["HOME", "USER", "LOGNAME", "TMPDIR", "LC_ALL"];
const ID = "1".repeat(32);
const ACCOUNT = `${HOLDER.id}.vault_key.fedcba9876543210fedcba9876543210`;
const KEYCHAIN = "/Users/x/Library/Keychains/login.keychain-db";
const LIMIT_MS = 10_000;
/** In place of the adapter's limit, which a slow test waits for. */
const IMPATIENT_MS = 1_000;
/** Bytes of a line of the interactive mode that the real tool still reads whole. */
const MAX_LINE = 4_094;

testBlobBackend("macos_keychain (stand-in)", () => {
  const tool = makeSecurity();
  const again = (): ProvenKeystore => keystoreOf(tool);
  return Promise.resolve({
    backend: again(),
    again,
    [Symbol.asyncDispose]: () => Promise.resolve(tool[Symbol.dispose]()),
  });
});

Deno.test("security gets the blob in one line on standard input, and no stranger's variables", async () => {
  using tool = makeSecurity();
  const items = itemsOf(tool);
  assert.equal(await stored(items), BLOB);
  await items.remove(ITEM);
  assert.equal(await items.read(ITEM), undefined);
  const calls = tool.calls();
  assertClean(calls, PASSED);
  const named = ["-s", "palyra.vault", "-a", ACCOUNT];
  assert.deepEqual(calls.map(({ argv }) => argv), [
    ["-i"],
    ["find-generic-password", ...named, "-w", tool.keychain],
    ["delete-generic-password", ...named, tool.keychain],
    ["find-generic-password", ...named, "-w", tool.keychain],
  ]);
  assert.equal(
    calls[0]!.stdin,
    `add-generic-password -s "palyra.vault" -a "${ACCOUNT}" -l "palyra ${ACCOUNT}" -w ${BLOB} ` +
      `"${tool.keychain}"\n`,
  );
  for (const { env } of calls) assert.equal(env["LC_ALL"], "C");
});

Deno.test("No word that is dangerous is ever given: -U, -A, -T, -X, -p, a bare -w in a line", async () => {
  const { platform, requests } = answering(() => ({ out: `${BLOB}\n` }));
  const items = macosKeychain(platform, HOLDER, { keychain: KEYCHAIN });
  for (const [, act] of actsOn(items)) await act();
  for (const { argv, stdin } of requests) {
    const line = new TextDecoder().decode(stdin ?? new Uint8Array());
    const words = [...argv, ...line.split(" ")];
    for (const word of ["-U", "-A", "-T", "-X", "-p", "-g", "-q"]) {
      assert.ok(!words.includes(word), word);
    }
    assert.equal(argv[0], "/usr/bin/security");
    assert.equal([...line.matchAll(/\n/g)].length, line === "" ? 0 : 1);
    assert.ok(line === "" || line.includes(`-w ${BLOB} "`));
  }
});

/** Exit statuses: the low byte of an OSStatus, and what it means. */
const STATUSES: readonly (readonly [number, KeystoreCause])[] = [
  [45, "duplicate"],
  [36, "locked"],
  [29, "locked"],
  [51, "denied"],
  [128, "denied"],
  [101, "denied"],
  [100, "denied"],
  [30, "denied"],
  [50, "no_collection"],
  [49, "no_collection"],
  [37, "no_collection"],
  [53, "no_service"],
  [28, "no_service"],
  [52, "disk"],
  [206, "unknown"],
  [148, "unknown"],
  [2, "unknown"],
  [1, "unknown"],
  [139, "unknown"],
];

Deno.test("Every exit status of security becomes its cause, whatever the call, and nothing is repeated", async () => {
  for (const [status, cause] of STATUSES) {
    const spoken = { status, out: `${BLOB}\n`, err: `unknown command "${BLOB}" ${WHISPER}` };
    for (const [verb, act] of callsTo(() => spoken)) {
      const error = await assertFailsBy(cause, act, `${verb}: ${status}`);
      assert.deepEqual(error.details, {
        backend: "macos_keychain",
        cause,
        tool: "security",
        verb,
        status,
      });
    }
  }
});

Deno.test("Standard error is wiped, for it may hold the secret, and status 0 with noise there is success", async () => {
  const err = new TextEncoder().encode(`password: "${BLOB}"`);
  const { platform } = answering(() => ({ out: `${BLOB}\n` }));
  const run: typeof platform.processes.run = async (request) => ({
    ...await platform.processes.run(request),
    stderr: err,
  });
  const items = macosKeychain({ ...platform, processes: { ...platform.processes, run } }, HOLDER, {
    keychain: KEYCHAIN,
  });
  assert.equal(await items.read(ITEM), BLOB);
  assert.ok(err.every((byte) => byte === 0));
});

Deno.test("44 is nothing found for reading and deleting, and a failure of adding", async () => {
  for (const [verb, act] of callsTo(() => ({ status: 44, err: WHISPER }))) {
    if (verb === "add-generic-password") await assertFailsBy("unknown", act, verb);
    else assert.equal(await act(), undefined);
  }
});

Deno.test("A tool that was ended for its time or its output is told apart, without a status", async () => {
  const ends = [["timeout", "timeout"], ["too much output", "unknown"]] as const;
  for (const [failure, cause] of ends) {
    for (const status of [0, 44, 137]) {
      for (const [verb, act] of callsTo(() => ({ status, failure, out: BLOB }))) {
        const { details } = await assertFailsBy(cause, act, verb);
        assert.ok(!("status" in details!), verb);
      }
    }
  }
});

Deno.test("Exactly one line feed is taken from a value; without one it is not whole", async () => {
  const read = (out: string | Uint8Array): Promise<string | undefined> =>
    macosKeychain(answering(() => ({ out })).platform, HOLDER, { keychain: KEYCHAIN }).read(ITEM);
  assert.equal(await read(`${BLOB}\n`), BLOB);
  assert.equal(await read(`${BLOB}\n\n`), `${BLOB}\n`);
  assert.equal(await read(`${BLOB}\r\n`), `${BLOB}\r`);
  for (const out of [BLOB, "", new Uint8Array([0xff, 0x0a])]) {
    await assertFailsBy("corrupt", () => read(out), String(out));
  }
});

Deno.test("A line of 4,094 bytes is stored whole; one more is refused before the tool is started", async () => {
  using tool = makeSecurity();
  const [fits, over] = [0, 1].map((more) => pathFor(MAX_LINE + more));
  const items = itemsOf(tool, { keychain: fits! });
  assert.equal(await stored(items), BLOB);
  assert.equal(new TextEncoder().encode(tool.calls()[0]!.stdin).length, MAX_LINE + 1);
  const before = tool.calls().length;
  await assert.rejects(itemsOf(tool, { keychain: over! }).store(ITEM, BLOB), (error) => {
    assertSilent(error, "too long a line");
    return (error as { code: unknown }).code === "unavailable";
  });
  assert.equal(tool.calls().length, before);
});

Deno.test("Bytes of a line are counted, not characters", async () => {
  const { platform, requests } = answering(() => ({}));
  const keychain = pathFor(MAX_LINE).slice(0, -1) + "é";
  await assert.rejects(
    macosKeychain(platform, HOLDER, { keychain }).store(ITEM, BLOB),
    { code: "unavailable" },
  );
  assert.equal(requests.length, 0);
});

Deno.test("The line that held the blob is wiped, also when the tool fails", async () => {
  for (const status of [0, 45]) {
    const given: Uint8Array[] = [];
    const { platform } = answering(() => ({ status }));
    const run: typeof platform.processes.run = async (request) => {
      given.push(request.stdin!);
      return await platform.processes.run(request);
    };
    const watched = { ...platform, processes: { ...platform.processes, run } };
    const items = macosKeychain(watched, HOLDER, { keychain: KEYCHAIN });
    await items.store(ITEM, BLOB).catch(() => {});
    assert.ok(given[0]!.length > 0 && given[0]!.every((byte) => byte === 0), String(status));
  }
});

Deno.test("A keychain's path may hold spaces, quotes, backslashes and other letters", async () => {
  const names = [
    "two words",
    `a "quoted" one`,
    "it's",
    "back\\slash",
    "\\",
    '"',
    "ключи",
    "-U",
    "$x;#",
  ];
  for (const name of names) {
    using tool = makeSecurity();
    const keychain = `${tool.directory}/${name}/login.keychain-db`;
    const items = itemsOf(tool, { keychain });
    assert.equal(await stored(items), BLOB, name);
    const found = JSON.parse(Deno.readTextFileSync(`${tool.directory}/state`)).items;
    assert.deepEqual(found.map((item: { keychain: string }) => item.keychain), [keychain]);
    await items.remove(ITEM);
    assert.equal(await items.read(ITEM), undefined, name);
  }
});

Deno.test("The default keychain is asked for once, and has to be a file that is there", async () => {
  using tool = makeSecurity();
  const path = `${tool.directory}/my "own" login.keychain-db`;
  behave(tool, { defaultKeychain: path });
  const items = macosKeychain(platformOf(tool), HOLDER, { command: tool.command() });
  await assertFailsBy("no_collection", () => items.read(ITEM), "no such file");
  Deno.writeTextFileSync(path, "");
  assert.equal(await stored(items), BLOB);
  const asked = tool.calls().filter(({ argv }) => argv[0] === "default-keychain");
  assert.deepEqual(asked.map(({ argv }) => argv), [
    ["default-keychain", "-d", "user"],
    ["default-keychain", "-d", "user"],
  ]);
  assert.ok(tool.calls().slice(2).every(({ argv }) => argv.at(-1) === path || argv[0] === "-i"));
  behave(tool, { defaultKeychain: "" });
  const none = macosKeychain(platformOf(tool), HOLDER, { command: tool.command() });
  await assertFailsBy("no_collection", () => none.store(ITEM, BLOB), "none");
});

Deno.test("What is no absolute path without control characters is no keychain", async () => {
  const answers = ['"relative"', '"/a\u0007b"', "/unquoted", '"/two"\n"/lines"', "", '"', WHISPER];
  for (const out of answers) {
    const { platform, requests } = answering(() => ({ out: `    ${out}\n` }));
    const there = { ...platform, userFiles: { ...platform.userFiles, exists: () => true } };
    const items = macosKeychain(there, HOLDER);
    await assertFailsBy("no_collection", () => items.store(ITEM, BLOB), out);
    assert.equal(requests.length, 1, out);
  }
});

Deno.test("A locked keychain is locked, not empty: reading, adding and deleting say so", async () => {
  using tool = makeSecurity();
  await keystoreOf(tool).prepare();
  await keystoreOf(tool).put(ID, BLOB);
  behave(tool, { locked: true });
  const keystore = keystoreOf(tool);
  await assertFailsBy("locked", () => keystore.get(ID));
  await assertFailsBy("locked", () => keystore.prepare());
  await assertFailsBy("locked", () => keystore.put("2".repeat(32), BLOB));
  await assertFailsBy("locked", () => keystore.delete(ID), "although it says that it has deleted");
  behave(tool, { locked: false });
  assert.equal(await keystore.get(ID), BLOB);
});

Deno.test("An access list that refuses is denied, not lost", async () => {
  using tool = makeSecurity();
  await keystoreOf(tool).prepare();
  await keystoreOf(tool).put(ID, BLOB);
  behave(tool, { deny: true });
  await assertFailsBy("denied", () => keystoreOf(tool).get(ID));
  await assertFailsBy("denied", () => keystoreOf(tool).prepare());
});

Deno.test("A search that fails as if nothing were there proves nothing", async () => {
  using tool = makeSecurity();
  const keystore = keystoreOf(tool);
  await keystore.prepare();
  await keystore.put(ID, BLOB);
  behave(tool, { searchFails: true });
  await assertFailsBy("not_here", () => keystore.get(ID));
  await assertFailsBy("not_here", () => keystore.delete(ID));
  behave(tool, { searchFails: false });
  assert.equal(await keystore.get(ID), BLOB);
});

Deno.test("A keychain that cannot be opened keeps nothing, and what another one holds is not touched", async () => {
  using tool = makeSecurity();
  const elsewhere = keystoreOf(tool);
  await elsewhere.prepare();
  const closed = `${tool.directory}/closed.keychain-db`;
  behave(tool, { unopenable: [closed] });
  const keystore = keystoreOf(tool, { keychain: closed });
  await assertFailsBy("unknown", () => keystore.put(ID, BLOB));
  assert.equal(await elsewhere.get(ID), undefined);
});

Deno.test("An item that is there already is a duplicate, and keeps its text", async () => {
  using tool = makeSecurity();
  const items = itemsOf(tool);
  await items.store(ITEM, "first");
  await assertFailsBy("duplicate", () => items.store(ITEM, BLOB));
  assert.equal(await items.read(ITEM), "first");
});

Deno.test("A dialog that nobody sees is ended, and told as that, whatever the call", async () => {
  const verbs = ["add-generic-password", "find-generic-password", "delete-generic-password"];
  await Promise.all(verbs.map(async (verb) => {
    using tool = makeSecurity();
    await itemsOf(tool).store(ITEM, BLOB);
    behave(tool, { hang: true });
    const options = { command: tool.command(), keychain: tool.keychain };
    const items = macosKeychain(impatient(platformOf(tool), IMPATIENT_MS), HOLDER, options);
    const act = actsOn(items).find(([name]) => name === verb)![1];
    await assertFailsBy("timeout", act, verb);
  }));
});

Deno.test("With a person allowed to answer, a call waits for a minute, and only then", async () => {
  for (const mayUnlock of [false, true]) {
    const { platform, requests } = answering(() => ({ out: `${BLOB}\n` }));
    const items = macosKeychain(platform, HOLDER, { keychain: KEYCHAIN, mayUnlock });
    for (const [, act] of actsOn(items)) await act();
    const limit = mayUnlock ? 60_000 : LIMIT_MS;
    assert.deepEqual(requests.map(({ timeoutMs }) => timeoutMs), [limit, limit, limit]);
    assert.equal(items.unlock, undefined);
  }
});

Deno.test("Without the program the cause is no_tool", async () => {
  const items = macosKeychain(platformWith({}), HOLDER, {
    command: ["/nonexistent/security"],
    keychain: KEYCHAIN,
  });
  for (const [verb, act] of actsOn(items)) await assertFailsBy("no_tool", act, verb);
});

function actsOn(items: KeystoreItems): [string, () => Promise<unknown>][] {
  return [
    ["add-generic-password", () => items.store(ITEM, BLOB)],
    ["find-generic-password", () => items.read(ITEM)],
    ["delete-generic-password", () => items.remove(ITEM)],
  ];
}

/** Each call, answered by words alone. */
function callsTo(answer: () => Spoken): [string, () => Promise<unknown>][] {
  const { platform } = answering(answer);
  return actsOn(macosKeychain(platform, HOLDER, { keychain: KEYCHAIN }));
}

/** A path with which the line that stores the blob has this many bytes. */
function pathFor(length: number): string {
  const rest = `add-generic-password -s "palyra.vault" -a "${ACCOUNT}" -l "palyra ${ACCOUNT}"` +
    ` -w ${BLOB} ""`;
  return `/${"k".repeat(length - rest.length - 1)}`;
}

function platformOf(tool: StandIn): Platform {
  return patient(platformWith({
    HOME: tool.directory,
    USER: "somebody",
    LOGNAME: "somebody",
    TMPDIR: tool.directory,
  }));
}

function itemsOf(
  tool: StandIn & { readonly keychain: string },
  options: SecurityOptions = {},
): KeystoreItems {
  const given = { command: tool.command(), keychain: tool.keychain, ...options };
  return macosKeychain(platformOf(tool), HOLDER, given);
}

function keystoreOf(
  tool: StandIn & { readonly keychain: string },
  options: SecurityOptions = {},
): ProvenKeystore {
  return new ProvenKeystore(itemsOf(tool, options), "vault_key", false);
}
