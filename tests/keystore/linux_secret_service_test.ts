/** The adapter of the Secret Service: under the contract, and against all that secret-tool can say. */

import assert from "node:assert/strict";
import { linuxSecretService } from "../../src/keystore/linux_secret_service.ts";
import type { KeystoreCause } from "../../src/keystore/failure.ts";
import type { KeystoreItems } from "../../src/keystore/keystore.ts";
import { ProvenKeystore } from "../../src/keystore/proven.ts";
import type { Platform } from "../../src/platform/platform.ts";
import { testBlobBackend } from "../contracts/blob_backend.ts";
import {
  answering,
  assertClean,
  assertFailsBy,
  BLOB,
  HOLDER,
  impatient,
  ITEM,
  makeSecretTool,
  patient,
  platformWith,
  type Spoken,
  type StandIn,
  stored,
  WHISPER,
} from "../support/keystore_tools.ts";

const PASSED = [
  "DBUS_SESSION_BUS_ADDRESS",
  "XDG_RUNTIME_DIR",
  "HOME",
  "DISPLAY",
  "WAYLAND_DISPLAY",
  "LC_ALL",
];
const CANARY = { kind: "canary" } as const;
const ATTRIBUTES = ["application", "palyra", "vault", HOLDER.id, "kind", "vault_key", "id"];
/** In place of the limits of the adapter, which a slow test waits for. */
const IMPATIENT_MS = 1_000;
/** Where other calls have to end within it. */
const LESS_IMPATIENT_MS = 8_000;

for (const mode of ["ok", "keepassxc"]) {
  testBlobBackend(`linux_secret_service (stand-in, ${mode})`, () => {
    const tool = makeSecretTool();
    // A second put opens a dialog of KeePassXC.
    const platform = mode === "ok"
      ? platformOf(tool)
      : impatient(platformOf(tool), LESS_IMPATIENT_MS);
    const command = tool.command(`--fake-mode=${mode}`);
    const again = (): ProvenKeystore =>
      new ProvenKeystore(linuxSecretService(platform, HOLDER, { command }), "vault_key", false);
    return Promise.resolve({
      backend: again(),
      again,
      [Symbol.asyncDispose]: () => Promise.resolve(tool[Symbol.dispose]()),
    });
  });
}

Deno.test("secret-tool gets full attributes, the blob by standard input, and no stranger's variables", async () => {
  using tool = makeSecretTool();
  const items = itemsOf(tool);
  await items.store(CANARY, "PCN1.palyra");
  assert.equal(await stored(items), BLOB);
  await items.unlock!(ITEM);
  await items.remove(ITEM);
  assert.equal(await items.read(ITEM), undefined);
  const calls = tool.calls();
  assertClean(calls, PASSED);
  const id = ATTRIBUTES.concat("fedcba9876543210fedcba9876543210");
  const canary = ["application", "palyra", "vault", HOLDER.id, "kind", "canary"];
  assert.deepEqual(calls.map(({ argv }) => argv), [
    ["store", "--label=palyra canary", ...canary],
    ["store", "--label=palyra fedcba9876543210fedcba9876543210", ...id],
    ["search", "--all", ...id],
    ["lookup", ...id],
    ["clear", ...id],
    ["search", "--all", ...id],
  ]);
  assert.deepEqual(calls.map(({ stdin }) => stdin), ["PCN1.palyra", BLOB, "", "", "", ""]);
  for (const { env } of calls) assert.equal(env["LC_ALL"], "C");
});

Deno.test("Variables that are not set are not given to secret-tool either", async () => {
  const { platform, requests } = answering(() => ({}), platformWith({ HOME: "/h" }));
  await linuxSecretService(platform, HOLDER).read(ITEM);
  assert.deepEqual(requests[0]!.env, { HOME: "/h", LC_ALL: "C" });
  assert.equal(requests[0]!.argv[0], "/usr/bin/secret-tool");
  assert.equal(requests[0]!.stdin, undefined);
});

Deno.test("Every call has its limit; only the one that asks a person waits for a minute", async () => {
  const { platform, requests } = answering(() => ({}));
  for (const [, act] of actsOn(linuxSecretService(platform, HOLDER))) await act();
  assert.deepEqual(requests.map(({ timeoutMs }) => timeoutMs), [5_000, 2_200, 5_000, 60_000]);
  assert.ok(requests.every(({ maxBytes }) => maxBytes === 65_536));
});

Deno.test("Vaults and identities under one id are not the same holder", async () => {
  using tool = makeSecretTool();
  const vault = itemsOf(tool);
  const identity = linuxSecretService(platformOf(tool), { ...HOLDER, kind: "identity" }, {
    command: tool.command(),
  });
  await vault.store(CANARY, "one");
  await identity.store(CANARY, "two");
  await vault.remove(CANARY);
  assert.equal(await vault.read(CANARY), undefined);
  assert.equal(await identity.read(CANARY), "two");
});

/** What the real tool says (secret-tool 0.20.5, LC_ALL=C), and what it means. */
const MESSAGES: readonly (readonly [KeystoreCause, string])[] = [
  ["no_bus", "Cannot autolaunch D-Bus without X11 $DISPLAY"],
  ["no_bus", 'Failed to execute child process "dbus-launch" (No such file or directory)'],
  ["no_bus", "Could not connect: No such file or directory"],
  ["no_bus", "The given address is empty"],
  ["no_bus", 'Address element "x" does not contain a colon (:)'],
  ["no_bus", 'Unknown or unsupported transport "x" for address "x:"'],
  ["no_service", "The name org.freedesktop.secrets was not provided by any .service files"],
  ["no_service", "GDBus.Error:org.freedesktop.DBus.Error.ServiceUnknown: x"],
  ["no_collection", 'Object does not exist at path "/org/freedesktop/secrets/collection/login"'],
  ["locked", "Cannot create an item in a locked collection"],
  ["locked", "Cannot get secret of a locked object"],
  ["disk", "Couldn't create item: An error occurred on the device"],
  ["corrupt", "password is too long"],
  ["corrupt", "password not valid UTF-8"],
  ["unknown", "The frobnicator refused"],
];

Deno.test("Every message of secret-tool becomes its cause, whatever the call, and is not repeated", async () => {
  for (const [cause, message] of MESSAGES) {
    for (const status of cause === "unknown" ? [1, 2, 139] : [0, 1, 2]) {
      const spoken = { status, err: `secret-tool: ${message} ${WHISPER} ${BLOB}\n` };
      for (const [verb, act] of callsTo(() => spoken)) {
        const error = await assertFailsBy(cause, act, `${verb}: ${status}: ${message}`);
        assert.deepEqual(error.details, {
          backend: "linux_secret_service",
          cause,
          tool: "secret-tool",
          verb,
          status,
        });
        assert.doesNotMatch(error.message + error.hint, /frobnicator|too long|collection/);
      }
    }
  }
});

Deno.test("A silent status is a failure of store and search, and none of lookup and clear", async () => {
  for (const [verb, act] of callsTo(() => ({ status: 1 }))) {
    if (verb === "store" || verb === "search") await assertFailsBy("unknown", act, verb);
    else await act();
  }
  for (const status of [2, 127, 134, 139]) {
    for (const [verb, act] of callsTo(() => ({ status }))) {
      await assertFailsBy("unknown", act, `${verb}: ${status}`);
    }
  }
});

Deno.test("A tool that was ended for its time or its output is told apart, without a status", async () => {
  const ends = [["timeout", "timeout"], ["too much output", "unknown"]] as const;
  for (const [failure, cause] of ends) {
    const said = { status: 137, failure, err: `locked object ${WHISPER}`, out: BLOB };
    for (const [verb, act] of callsTo(() => said)) {
      const { details } = await assertFailsBy(cause, act, verb);
      assert.ok(!("status" in details!), verb);
    }
  }
});

const FOUND = `[/org/freedesktop/secrets/collection/login/1]\nlabel = palyra x\nsecret = ${BLOB}\n`;
const DATES = "created = 2026-01-02 03:04:05\nmodified = 2026-01-02 03:04:05\n";

Deno.test("The answer of search is one block with one secret, nothing, or not to be trusted", async () => {
  const read = (out: string | Uint8Array, err = ""): Promise<string | undefined> =>
    linuxSecretService(answering(() => ({ out, err })).platform, HOLDER).read(ITEM);
  assert.equal(await read(""), undefined);
  assert.equal(await read(FOUND + DATES, "attribute.kind = vault_key\n"), BLOB);
  assert.equal(await read(`[1]\nsecret = ${BLOB}\nschema = org.x\n`), BLOB);
  assert.equal(await read("[1]\nlabel = x\nsecret = \n"), "");
  const noSecret = FOUND.replace(/secret = .*\n/, "");
  await assertFailsBy("locked", () => read(noSecret + DATES), "without a word on standard error");
  const wrong = {
    "two items": FOUND + DATES + FOUND + DATES,
    "two items, one of them locked": FOUND + noSecret,
    "two secrets": `${FOUND}secret = x\n`,
    "a secret of several lines": FOUND.replace(BLOB, `${BLOB}\nsecret = more`),
    "no block": `secret = ${BLOB}\n`,
    "words": `${WHISPER}\n`,
  };
  for (const [what, out] of Object.entries(wrong)) {
    await assertFailsBy("corrupt", () => read(out), what);
  }
  await assertFailsBy("corrupt", () => read(new Uint8Array([0x5b, 0xff, 0x5d, 0x0a])), "no UTF-8");
});

Deno.test("Without the program the cause is no_tool, and nothing is started", async () => {
  const { platform, requests } = answering(() => ({}));
  const processes = { ...platform.processes, find: () => undefined };
  for (const [verb, act] of actsOn(linuxSecretService({ ...platform, processes }, HOLDER))) {
    const { hint } = await assertFailsBy("no_tool", act, verb);
    assert.match(hint!, /libsecret-tools/);
  }
  assert.equal(requests.length, 0);
});

Deno.test("The program is looked for in three directories that only root changes, never in PATH", async () => {
  const asked: unknown[] = [];
  const { platform } = answering(() => ({}), platformWith({ PATH: "/tmp" }));
  const find = (...words: unknown[]): string => {
    asked.push(words);
    return "/usr/local/bin/secret-tool";
  };
  await linuxSecretService({ ...platform, processes: { ...platform.processes, find } }, HOLDER)
    .read(ITEM);
  assert.deepEqual(asked, [
    ["secret-tool", "/usr/bin:/usr/local/bin:/run/current-system/sw/bin"],
  ]);
});

Deno.test("A tool that hangs is ended, and told as that", async () => {
  const rows = [["hang", "search"], ["hang", "clear"], ["hang-store", "store"]] as const;
  await Promise.all(rows.map(async ([mode, what]) => {
    using tool = makeSecretTool();
    const command = tool.command(`--fake-mode=${mode}`);
    const platform = impatient(platformOf(tool), IMPATIENT_MS);
    const items = linuxSecretService(platform, HOLDER, { command });
    await assertFailsBy("timeout", () => ACTS[what](items), `${mode}: ${what}`);
  }));
});

Deno.test("What the stand-in does wrong is noticed: noise, a full disk, a crash, two items", async () => {
  const rows: readonly (readonly [string, KeystoreCause, keyof typeof ACTS])[] = [
    ["noise", "unknown", "store"],
    ["noise", "unknown", "search"],
    ["full", "disk", "store"],
    ["full", "disk", "clear"],
    ["signal", "unknown", "store"],
    ["signal", "unknown", "clear"],
    ["two", "corrupt", "search"],
  ];
  for (const [mode, cause, what] of rows) {
    using tool = makeSecretTool();
    if (what !== "store") await itemsOf(tool).store(ITEM, BLOB);
    await assertFailsBy(cause, () => ACTS[what](itemsOf(tool, mode)), `${mode}: ${what}`);
    assertClean(tool.calls(), PASSED);
  }
});

Deno.test("A value that was cut is refused although the tool exits 0", async () => {
  using tool = makeSecretTool();
  await assertFailsBy("corrupt", () => itemsOf(tool, "cut", "--fake-cut=20").store(ITEM, BLOB));
});

Deno.test("Overwriting in KeePassXC would open a dialog: nothing is ever stored twice", async () => {
  using tool = makeSecretTool();
  const keystore = keystoreOf(tool, "keepassxc");
  await keystore.prepare();
  await keystore.prepare();
  await keystore.put("1".repeat(32), BLOB);
  assert.equal(await keystore.get("1".repeat(32)), BLOB);
  const stores = tool.calls().filter(({ argv }) => argv[0] === "store");
  assert.equal(stores.length, 2, "the canary, and the blob");
});

/** What the port asks of the tool, by the tool's own word. */
const ACTS = {
  store: (items: KeystoreItems) => items.store(ITEM, BLOB),
  search: (items: KeystoreItems) => items.read(ITEM),
  clear: (items: KeystoreItems) => items.remove(ITEM),
  lookup: (items: KeystoreItems) => items.unlock!(ITEM),
} as const;

function actsOn(items: KeystoreItems): [string, () => Promise<unknown>][] {
  return Object.entries(ACTS).map(([verb, act]) => [verb, () => act(items)]);
}

/** Each call, answered by words alone. */
function callsTo(answer: () => Spoken): [string, () => Promise<unknown>][] {
  return actsOn(linuxSecretService(answering(answer).platform, HOLDER));
}

function platformOf(tool: StandIn): Platform {
  return patient(platformWith({
    HOME: tool.directory,
    XDG_RUNTIME_DIR: tool.directory,
    DBUS_SESSION_BUS_ADDRESS: "unix:path=/nonexistent",
    DISPLAY: ":77",
    WAYLAND_DISPLAY: "wayland-77",
  }));
}

function itemsOf(tool: StandIn, mode = "ok", ...own: string[]): KeystoreItems {
  const command = tool.command(`--fake-mode=${mode}`, ...own);
  return linuxSecretService(platformOf(tool), HOLDER, { command });
}

function keystoreOf(tool: StandIn, mode: string): ProvenKeystore {
  return new ProvenKeystore(itemsOf(tool, mode), "vault_key", false);
}
