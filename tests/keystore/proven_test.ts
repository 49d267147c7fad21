/** What a keystore says is proven beside its canary, whatever the tool below it claims. */

import assert from "node:assert/strict";
import { type KeystoreCause, keystoreFailure } from "../../src/keystore/failure.ts";
import type { ItemName, KeystoreItems } from "../../src/keystore/keystore.ts";
import { linuxSecretService } from "../../src/keystore/linux_secret_service.ts";
import { openKeystore } from "../../src/keystore/open_keystore.ts";
import { ProvenKeystore } from "../../src/keystore/proven.ts";
import { testBlobBackend } from "../contracts/blob_backend.ts";
import {
  assertFailsBy,
  BLOB,
  HOLDER,
  makeSecretTool,
  patient,
  platformWith,
  type StandIn,
} from "../support/keystore_tools.ts";

const ID = "1".repeat(32);
const OTHER = "2".repeat(32);
const CANARY = "canary";

testBlobBackend("proven keystore in memory", () => {
  const items = memoryItems();
  return Promise.resolve({
    backend: keystoreOver(items),
    again: () => keystoreOver(items),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

Deno.test("What is not found is gone only while the canary reads", async () => {
  const items = memoryItems();
  const keystore = keystoreOver(items);
  await assertFailsBy("not_here", () => keystore.get(ID), "before it was prepared");
  await keystore.prepare();
  assert.equal(await keystore.get(ID), undefined);
  items.texts.delete(CANARY);
  await assertFailsBy("not_here", () => keystore.get(ID), "another keyring");
  for (const cut of ["", "PCN1.pal"]) { // left by who was killed while the tool read
    items.texts.set(CANARY, cut);
    assert.equal(await keystore.get(ID), undefined, "it stands where only ours does");
    await keystore.prepare();
    assert.equal(items.texts.get(CANARY), "PCN1.palyra");
  }
  items.texts.delete(CANARY);
  items.texts.set(ID, BLOB);
  assert.equal(await keystore.get(ID), BLOB, "what is found needs no proof");
});

Deno.test("A keystore that comes between the look for the item and that for the canary has not lost it", async () => {
  const items = memoryItems();
  const keystore = keystoreOver(items);
  await keystore.prepare();
  await keystore.put(ID, BLOB);
  let looks = 0;
  const late = {
    ...items,
    read: (name: ItemName) => looks++ === 0 ? Promise.resolve(undefined) : items.read(name),
  };
  assert.equal(await keystoreOver(late).get(ID), BLOB);
  looks = 0;
  const keeping = { ...late, remove: () => Promise.resolve() };
  await assertFailsBy("kept", () => keystoreOver(keeping).delete(ID));
});

Deno.test("A canary that cannot be read says why, and the blob is never called lost", async () => {
  const causes: KeystoreCause[] = ["locked", "timeout", "denied", "no_bus", "no_service"];
  for (const cause of [...causes, "unknown"] as const) {
    const items = memoryItems();
    await keystoreOver(items).prepare();
    const failing = failingOn(items, "read", CANARY, cause);
    await assertFailsBy(cause, () => keystoreOver(failing).get(ID), cause);
    await assertFailsBy(cause, () => keystoreOver(failing).delete(ID), cause);
    await assertFailsBy(cause, () => keystoreOver(failing).prepare(), cause);
    await assertFailsBy(cause, () => keystoreOver(failing).look(), cause);
  }
});

Deno.test("Deleting is done when a look finds nothing beside a canary that reads", async () => {
  const items = memoryItems();
  const keystore = keystoreOver(items);
  await keystore.prepare();
  await keystore.put(ID, BLOB);
  const keeping = { ...items, remove: () => Promise.resolve() };
  await assertFailsBy("kept", () => keystoreOver(keeping).delete(ID));
  await assertFailsBy("kept", () => keystoreOver(keeping).retire());
  assert.equal(await keystore.get(ID), BLOB);
  await keystore.delete(ID);
  await keystore.put(ID, BLOB);
  const locked = failingOn(items, "read", ID, "locked");
  await assertFailsBy("locked", () => keystoreOver(locked).delete(ID));
  items.texts.delete(CANARY);
  items.texts.delete(ID);
  await assertFailsBy("not_here", () => keystore.delete(ID), "in another keyring");
});

Deno.test("Preparing stores one canary, reads it back, and trusts nothing but its text", async () => {
  const items = memoryItems();
  await keystoreOver(items).prepare();
  await keystoreOver(items).prepare();
  assert.deepEqual(items.calls, [
    "read canary",
    "store canary",
    "read canary",
    "read canary",
  ]);
  assert.equal(items.texts.get(CANARY), "PCN1.palyra");
  const altered = memoryItems((text) => text.replace("palyra", "pal"));
  await assertFailsBy("corrupt", () => keystoreOver(altered).prepare(), "cut");
  const dropped = { ...memoryItems(), store: () => Promise.resolve() };
  await assertFailsBy("corrupt", () => keystoreOver(dropped).prepare(), "dropped");
});

Deno.test("Looking stores nothing", async () => {
  const items = memoryItems();
  assert.equal(await keystoreOver(items).look(), false);
  assert.deepEqual(items.calls, ["read canary"]);
  await keystoreOver(items).prepare();
  assert.equal(await keystoreOver(items).look(), true);
});

Deno.test("A text that would not fit every keystore reaches no tool", async () => {
  const items = memoryItems();
  for (const text of ["x".repeat(1_025), "x".repeat(3_501), "", "a b", "a\n", "ä", "\0"]) {
    await assert.rejects(keystoreOver(items).put(ID, text), RangeError);
  }
  assert.deepEqual(items.calls, []);
});

Deno.test("Reading a blob asks the tool once, and does not look at the canary", async () => {
  const items = memoryItems();
  const keystore = keystoreOver(items);
  await keystore.prepare();
  await keystore.put(ID, BLOB);
  items.calls.length = 0;
  await keystore.get(ID);
  assert.deepEqual(items.calls, [`read ${ID}`]);
});

Deno.test("A person unlocks at most once a read, and only where one may be asked", async () => {
  for (const mayUnlock of [true, false]) {
    const items = memoryItems();
    await keystoreOver(items).prepare();
    await keystoreOver(items).put(ID, BLOB);
    items.calls.length = 0;
    let asked = 0;
    const locked = failingOn(items, "read", ID, "locked", () => asked === 0);
    const unlock = (): Promise<void> => Promise.resolve(void asked++);
    const keystore = new ProvenKeystore({ ...locked, unlock }, "vault_key", mayUnlock);
    if (mayUnlock) assert.equal(await keystore.get(ID), BLOB);
    else await assertFailsBy("locked", () => keystore.get(ID));
    assert.equal(asked, mayUnlock ? 1 : 0);
  }
});

Deno.test("What stays locked after the dialog is locked, and no other failure opens one", async () => {
  const items = memoryItems();
  let asked = 0;
  const unlock = (): Promise<void> => Promise.resolve(void asked++);
  const locked = { ...failingOn(items, "read", ID, "locked"), unlock };
  await assertFailsBy("locked", () => new ProvenKeystore(locked, "vault_key", true).get(ID));
  assert.equal(asked, 1);
  for (const cause of ["denied", "timeout", "no_bus", "unknown"] as const) {
    const failing = { ...failingOn(items, "read", ID, cause), unlock };
    await assertFailsBy(cause, () => new ProvenKeystore(failing, "vault_key", true).get(ID));
  }
  assert.equal(asked, 1);
});

Deno.test("secret-tool: a locked item is unlocked by one lookup and read; never without a person", async () => {
  using tool = makeSecretTool();
  await openIn(tool, "ok").prepare();
  await openIn(tool, "ok").put(ID, BLOB);
  await assertFailsBy("locked", () => openIn(tool, "locked-once").get(ID));
  assert.equal(lookups(tool), 0);
  assert.equal(await openIn(tool, "locked-once", true).get(ID), BLOB);
  assert.equal(lookups(tool), 1);
});

Deno.test("secret-tool: a value that comes back altered differs, and is the caller's to refuse", async () => {
  using tool = makeSecretTool();
  const keystore = openIn(tool, "altered");
  await assertFailsBy("corrupt", () => keystore.prepare(), "the canary already");
  await keystore.put(ID, BLOB);
  assert.notEqual(await keystore.get(ID), BLOB);
});

Deno.test("secret-tool: a value that is cut in silence comes back shorter", async () => {
  using tool = makeSecretTool();
  const cutting = openIn(tool, "ok", false, "--fake-cut=30");
  await cutting.prepare();
  await assertFailsBy("corrupt", () => cutting.put(ID, BLOB), "it says so, and exits 0");
  assert.equal(await cutting.get(ID), BLOB.slice(0, 30));
});

Deno.test("secret-tool: what clear does not delete is kept, whether it says so or not", async () => {
  for (const mode of ["undeletable", "undeletable-silent"]) {
    using tool = makeSecretTool();
    await openIn(tool, "ok").prepare();
    await openIn(tool, "ok").put(ID, BLOB);
    await assertFailsBy("kept", () => openIn(tool, mode).delete(ID), mode);
    await assertFailsBy("kept", () => openIn(tool, mode).retire(), mode);
    assert.equal(await openIn(tool, "ok").get(ID), BLOB);
    await openIn(tool, "ok").delete(ID);
  }
});

Deno.test("secret-tool: items of the vault's key and of the identity's are not the same", async () => {
  using tool = makeSecretTool();
  const items = linuxSecretService(platformOf(tool), HOLDER, { command: tool.command() });
  const vault = new ProvenKeystore(items, "vault_key", false);
  const identity = new ProvenKeystore(items, "store_key", false);
  await vault.prepare();
  await vault.put(ID, BLOB);
  assert.equal(await identity.get(ID), undefined);
  await identity.put(OTHER, "PSK1.x");
  await vault.delete(OTHER);
  assert.equal(await identity.get(OTHER), "PSK1.x");
});

Deno.test("The keystore of another system is unsupported, and starts nothing", async () => {
  const systems = {
    linux: "linux_secret_service",
    darwin: "macos_keychain",
    windows: "windows_dpapi",
  } as const;
  const purpose = { holder: HOLDER, item: "vault_key", directory: "/d", mayUnlock: false } as const;
  for (const [os, own] of Object.entries(systems)) {
    const platform = platformWith({}, os as keyof typeof systems);
    for (const kind of Object.values(systems)) {
      const open = (): Promise<unknown> => openKeystore(platform, kind, purpose);
      if (kind === own) await open();
      else await assertFailsBy("unsupported", open, `${kind} on ${os}`);
    }
  }
});

Deno.test("Every cause has words for people, and names no tool's own", () => {
  const causes: KeystoreCause[] = [
    "unsupported",
    "no_tool",
    "no_bus",
    "no_service",
    "no_collection",
    "locked",
    "timeout",
    "policy",
    "disk",
    "denied",
    "not_here",
    "kept",
    "lost_key",
    "corrupt",
  ];
  for (const kind of ["linux_secret_service", "macos_keychain", "windows_dpapi"] as const) {
    for (const cause of causes) {
      const { message, hint } = keystoreFailure(kind, cause);
      assert.match(message, new RegExp(`^Cannot use ${kind}: [^.\\n]+$`), cause);
      const isOfOneSystem = cause === "locked" && kind === "windows_dpapi";
      assert.ok(hint !== undefined || isOfOneSystem || cause === "no_tool", `${kind}: ${cause}`);
    }
  }
});

/** Items in a map, and what was asked of them. */
interface MemoryItems extends KeystoreItems {
  readonly texts: Map<string, string>;
  readonly calls: string[];
}

function memoryItems(keep: (text: string) => string = (text) => text): MemoryItems {
  const texts = new Map<string, string>();
  const calls: string[] = [];
  return {
    kind: "linux_secret_service",
    texts,
    calls,
    store(name, text): Promise<void> {
      calls.push(`store ${keyOf(name)}`);
      texts.set(keyOf(name), keep(text));
      return Promise.resolve();
    },
    read(name): Promise<string | undefined> {
      calls.push(`read ${keyOf(name)}`);
      return Promise.resolve(texts.get(keyOf(name)));
    },
    remove(name): Promise<void> {
      calls.push(`remove ${keyOf(name)}`);
      texts.delete(keyOf(name));
      return Promise.resolve();
    },
  };
}

/** The items, but for one call on one of them while something is so. */
function failingOn(
  items: KeystoreItems,
  call: "read" | "store" | "remove",
  key: string,
  cause: KeystoreCause,
  isSo: () => boolean = () => true,
): KeystoreItems {
  const guard = (name: ItemName): void => {
    if (keyOf(name) === key && isSo()) throw keystoreFailure(items.kind, cause);
  };
  return {
    ...items,
    [call]: async (name: ItemName, text: string) => {
      guard(name);
      return await items[call](name, text);
    },
  };
}

function keyOf(name: ItemName): string {
  return name.kind === "canary" ? CANARY : name.id;
}

function keystoreOver(items: KeystoreItems): ProvenKeystore {
  return new ProvenKeystore(items, "vault_key", false);
}

function platformOf(tool: StandIn): ReturnType<typeof platformWith> {
  return patient(platformWith({ HOME: tool.directory }));
}

function openIn(
  tool: StandIn,
  mode: string,
  mayUnlock = false,
  ...own: readonly string[]
): ProvenKeystore {
  const command = tool.command(`--fake-mode=${mode}`, ...own);
  const items = linuxSecretService(platformOf(tool), HOLDER, { command });
  return new ProvenKeystore(items, "vault_key", mayUnlock);
}

function lookups(tool: StandIn): number {
  return tool.calls().filter(({ argv }) => argv[0] === "lookup").length;
}
