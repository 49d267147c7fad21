/** The Secret Service of the tests, in each state, as the real `secret-tool` meets it. */

import assert from "node:assert/strict";
import { assertNoTrace, textCanary } from "./canary.ts";
import { type Ended, runProcess } from "./process.ts";
import { type SecretService, SEED, startSecretService } from "./secret_service.ts";
import { whyNoSecretService } from "./requirements.ts";
import { unlessSkipped } from "./skip.ts";

const onKeyring = unlessSkipped("no-secret-service", whyNoSecretService());

const PALYRA = ["application", "palyra"];
const ITEM = [...PALYRA, "vault", "v1", "kind", "vault_key", "id", "g1"];
const CALLS: readonly (readonly string[])[] = [
  ["store", "--label=palyra g1", ...ITEM],
  ["lookup", ...ITEM],
  ["search", "--all", ...ITEM],
  ["clear", ...ITEM],
];
const LOCKED = "Cannot get secret of a locked object";
const NO_STORE = "Cannot create an item in a locked collection";
const DATES = /^(created|modified) = \d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/gm;
const SCHEMA = /^schema = org\.freedesktop\.Secret\.Generic\n/gm;

/** What each call says: status, standard output and standard error. */
type Row = readonly (readonly [number, string, string])[];

/** The answers to store, lookup, search and clear of one item, in this order. */
async function askAll(service: SecretService): Promise<Row> {
  const row: [number, string, string][] = [];
  for (const call of CALLS) row.push(said(await service.tool(call, "one")));
  return row;
}

/** Without dates, and without a line that appears once the daemon has read its own file again. */
function said({ status, out, err }: Ended): [number, string, string] {
  return [status, out.replaceAll(DATES, "$1 = …").replaceAll(SCHEMA, ""), err];
}

/** The same failure for every call. */
function all(text: string): Row {
  return CALLS.map(() => [1, "", `secret-tool: ${text}\n`]);
}

/** A call that is given up after a while. */
async function callFor(
  service: SecretService,
  timeoutMs: number,
  args: readonly string[],
): Promise<Ended> {
  return await runProcess({
    argv: ["/usr/bin/secret-tool", ...args],
    env: service.env,
    stdin: "x",
    timeoutMs,
  });
}

async function assertHangs(service: SecretService, args: readonly string[]): Promise<void> {
  assert.equal((await callFor(service, 300, args)).timedOut, true, args.join(" "));
}

async function keep(service: SecretService, value: string, attributes = ITEM): Promise<void> {
  const stored = await service.tool(["store", "--label=palyra g1", ...attributes], value);
  assert.deepEqual(said(stored), [0, "", ""]);
}

async function secretOf(service: SecretService): Promise<string> {
  return (await service.tool(["lookup", ...ITEM])).out;
}

onKeyring("an open keyring: the rows `ok` and `not found`", async () => {
  await using service = await startSecretService("unlocked");
  const block = "[/2]\nlabel = palyra g1\nsecret = one\ncreated = …\nmodified = …\n";
  const told = "attribute.application = palyra\nattribute.vault = v1\n" +
    "attribute.id = g1\nattribute.kind = vault_key\n";
  assert.deepEqual(await askAll(service), [[0, "", ""], [0, "one", ""], [0, block, told], [
    0,
    "",
    "",
  ]]);
  for (const [call, answer] of [["lookup", 1], ["search", 0], ["clear", 1]] as const) {
    assert.deepEqual(said(await service.tool([call, ...ITEM])), [answer, "", ""], call);
  }
});

onKeyring("a locked keyring: the row `locked, no display`", async () => {
  await using service = await startSecretService("locked");
  const block = "[/2]\nlabel = seeded\ncreated = …\nmodified = …\n";
  const told = `secret-tool: ${LOCKED}\nattribute.application = palyra\nattribute.kind = seed\n`;
  assert.deepEqual(said(await service.tool(["search", "--all", ...SEED])), [0, block, told]);
  assert.deepEqual(said(await service.tool(["search", "--all", "--unlock", ...SEED])), [
    0,
    block,
    told,
  ]);
  assert.deepEqual(said(await service.tool(["lookup", ...SEED])), [1, "", ""]);
  assert.deepEqual(said(await service.tool(["clear", ...SEED])), [1, "", ""]);
  assert.equal(await service.items(), 1);
  assert.deepEqual(await askAll(service), [
    [1, "", `secret-tool: ${NO_STORE}\n`],
    [1, "", ""],
    [0, "", ""],
    [1, "", ""],
  ]);
});

onKeyring("a locked keyring takes the item that a test wants in it", async () => {
  await using service = await startSecretService("locked", { seed: ITEM });
  assert.deepEqual([await service.items(ITEM), await service.items(SEED)], [1, 0]);
});

onKeyring("a dialog that nobody answers: the row `locked, a display within reach`", async () => {
  await using service = await startSecretService("locked", { seed: ITEM, dialog: "waits" });
  const [search, clear] = [["search", "--all", ...ITEM], ["clear", ...ITEM]];
  assert.match((await service.tool(search)).err, new RegExp(`^secret-tool: ${LOCKED}\n`));
  assert.deepEqual(said(await service.tool(clear)), [1, "", ""]);
  await assertHangs(service, ["lookup", ...ITEM]);
  await assertHangs(service, ["store", "--label=x", ...PALYRA, "id", "g2"]);
  await assertHangs(service, ["search", "--all", "--unlock", ...ITEM]);
  assert.equal(await service.items(), 1, "what was given up has left the service alive");
});

onKeyring("no keyring: the row `service, no keyring yet, no display`", async () => {
  await using service = await startSecretService("nokeyring");
  const missing = "Object does not exist at path ?/org/freedesktop/secrets/collection/login?";
  assert.deepEqual(await askAll(service), [
    [1, "", `secret-tool: ${missing}\n`],
    [1, "", ""],
    [0, "", ""],
    [1, "", ""],
  ]);
});

onKeyring("no service: the row `a bus, no service`", async () => {
  await using service = await startSecretService("noservice");
  const text = "The name org.freedesktop.secrets was not provided by any .service files";
  assert.deepEqual(await askAll(service), all(text));
  await assert.rejects(service.items(), /Cannot count the items: .*not provided/);
});

onKeyring("no bus: the rows without DBUS_SESSION_BUS_ADDRESS and with a useless one", async () => {
  await using service = await startSecretService("nobus");
  assert.deepEqual(service.running(), []);
  assert.equal("DBUS_SESSION_BUS_ADDRESS" in service.env, false);
  assert.deepEqual(await askAll(service), all("Cannot autolaunch D-Bus without X11 $DISPLAY"));
  const rows: [Record<string, string>, RegExp][] = [
    [{ DISPLAY: ":99" }, /Failed to execute child process .dbus-launch./],
    [{ DBUS_SESSION_BUS_ADDRESS: "" }, /The given address is empty/],
    [{ DBUS_SESSION_BUS_ADDRESS: "garbage" }, /does not contain a colon \(:\)/],
    [{ DBUS_SESSION_BUS_ADDRESS: "pigeon:x=y" }, /Unknown or unsupported transport/],
    [
      { DBUS_SESSION_BUS_ADDRESS: `unix:path=${service.directory}/none` },
      /Could not connect: No such file or directory/,
    ],
  ];
  for (const [more, expected] of rows) {
    for (const call of CALLS) {
      const ended = await runProcess({
        argv: ["/usr/bin/secret-tool", ...call],
        env: { ...service.env, ...more },
        stdin: "",
      });
      assert.deepEqual([ended.status, ended.out], [1, ""]);
      assert.match(ended.err, expected);
    }
  }
});

onKeyring("lock() and unlock() change what can be read, and keep what is stored", async () => {
  await using service = await startSecretService("unlocked");
  await keep(service, "kept");
  for (let round = 0; round < 3; round++) {
    await service.lock();
    assert.equal(await secretOf(service), "");
    assert.equal(await service.items(), 1);
    await service.unlock();
    assert.equal(await secretOf(service), "kept");
  }
  assert.equal(service.running().length, 2, "the bus and one daemon");
});

onKeyring(
  "kill(): the bus starts another daemon, the row `locked since the daemon started`",
  async () => {
    await using service = await startSecretService("unlocked");
    await keep(service, "kept");
    await service.kill();
    assert.equal(service.running().length, 1, "the bus only");
    const block = "[/2]\nlabel = \ncreated = \nmodified = \n";
    const [status, out, err] = said(await service.tool(["search", "--all", ...ITEM]));
    assert.deepEqual([status, out], [0, block]);
    assert.match(
      err,
      new RegExp(`^secret-tool: ${LOCKED}\n(attribute.gkr:compat:hashed:.*\n){4}$`),
    );
    assert.deepEqual(await askAll(service), [
      [1, "", `secret-tool: ${NO_STORE}\n`],
      [1, "", ""],
      [0, block, err],
      [1, "", ""],
    ]);
    assert.equal(await service.items([...PALYRA, "vault", "other"]), 0);
    await service.unlock();
    assert.equal(await secretOf(service), "kept");
  },
);

onKeyring("unlock() needs no daemon before it", async () => {
  await using service = await startSecretService("unlocked");
  await keep(service, "kept");
  await service.kill();
  await service.unlock();
  assert.equal(await secretOf(service), "kept");
  await assert.rejects(async () => {
    await service.kill();
    await service.stop();
  }, /Cannot send SIGSTOP: no daemon/);
});

onKeyring("killBus() leaves nothing that answers, at an address that leads nowhere", async () => {
  await using service = await startSecretService("unlocked");
  await service.killBus();
  assert.deepEqual(service.running(), []);
  assert.deepEqual(await askAll(service), all("Could not connect: Connection refused"));
});

onKeyring("stop() lets every call hang, and cont() answers again", async () => {
  await using service = await startSecretService("unlocked");
  await keep(service, "kept");
  await service.stop();
  for (const call of CALLS) await assertHangs(service, call);
  await service.cont();
  assert.equal(await service.items(), 1);
});

onKeyring("a call that hangs is answered when the daemon goes on", async () => {
  await using service = await startSecretService("unlocked");
  await keep(service, "kept");
  await service.stop();
  const asked = secretOf(service);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await service.cont();
  assert.equal(await asked, "kept");
});

onKeyring("items() counts by attributes", async () => {
  await using service = await startSecretService("unlocked");
  assert.equal(await service.items(), 0);
  for (const id of ["a", "b"]) await keep(service, id, [...PALYRA, "id", id]);
  await keep(service, "c", ["application", "other", "id", "a"]);
  const counts = [PALYRA, [...PALYRA, "id", "a"], ["id", "a"], ["id", "z"]];
  const counted = await Promise.all(counts.map((attributes) => service.items(attributes)));
  assert.deepEqual(counted, [2, 1, 2, 0]);
});

onKeyring("dump() tells what is stored, and hides what is locked", async () => {
  await using service = await startSecretService("unlocked");
  const [inside, label] = [textCanary("the value"), textCanary("the label")];
  const name = new TextDecoder().decode(label.value);
  await service.tool(["store", `--label=${name}`, ...ITEM], new TextDecoder().decode(inside.value));
  const open = await service.dump();
  assert.throws(() => assertNoTrace([inside], open, "an open keyring"), /holds the value/);
  assert.throws(() => assertNoTrace([label], open, "an open keyring"), /holds the label/);
  await service.lock();
  const locked = await service.dump();
  assertNoTrace([inside], locked, "a locked keyring");
  assert.match(new TextDecoder("latin1").decode(locked), /^GnomeKeyring/, "the file is in it");
});

onKeyring("wipe() leaves an open keyring without items, locked before or not", async () => {
  await using service = await startSecretService("unlocked");
  for (const before of ["open", "locked"]) {
    await keep(service, "kept");
    if (before === "locked") await service.lock();
    await service.wipe();
    assert.equal(await service.items(), 0);
    assert.equal(await secretOf(service), "");
  }
  await service.kill();
  await service.wipe(); // where no daemon is
  await keep(service, "kept");
});

onKeyring("nothing of a service is left after disposal", async () => {
  for (const mode of ["unlocked", "locked", "nokeyring", "noservice"] as const) {
    const service = await startSecretService(mode, { dialog: "waits" });
    if (mode === "locked") await assertHangs(service, ["lookup", ...SEED]); // leaves a dialog
    if (mode === "unlocked") {
      await service.lock();
      await service.kill();
      await service.tool(["search", "--all", ...ITEM]); // the bus starts a daemon
      await service.stop();
    }
    const ids = service.running();
    assert.ok(ids.length >= 1, mode);
    await service[Symbol.asyncDispose]();
    assert.deepEqual(ids.filter(isAlive), [], mode);
    assert.throws(() => Deno.statSync(service.directory), Deno.errors.NotFound);
    await service[Symbol.asyncDispose](); // once more does no harm
  }
});

onKeyring("two services know nothing of each other", async () => {
  await using one = await startSecretService("unlocked");
  await using other = await startSecretService("unlocked");
  await keep(one, "of one");
  assert.deepEqual([await one.items(), await other.items()], [1, 0]);
  await one.killBus();
  assert.equal(await other.items(), 0);
});

onKeyring("a missing program fails, and the packages are named", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  try {
    for (const name of ["dbus-daemon", "dbus-send", "secret-tool"]) {
      Deno.symlinkSync(`/usr/bin/${name}`, `${directory}/${name}`);
    }
    const expected = /^Error: gnome-keyring-daemon not found in .*: install dbus dbus-bin dbus-/;
    await assert.rejects(startSecretService("nobus", { programs: directory }), expected);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

function isAlive(id: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${id}/stat`);
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}
