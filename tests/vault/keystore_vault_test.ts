/** A vault whose key a keystore keeps: made, read, rotated, moved, and in the face of failures. */

import assert from "node:assert/strict";
import type { Platform } from "../../src/platform/platform.ts";
import type { BackendKind, BackendPreference } from "../../src/vault/backend.ts";
import { ensureVault, requireUsable, type WritableVault } from "../../src/vault/create_vault.ts";
import { migrateVault } from "../../src/vault/migrate_vault.ts";
import { rotateKek } from "../../src/vault/rotate_kek.ts";
import { openVault, readMarker, type Vault, vaultPaths } from "../../src/vault/vault.ts";
import { assertFails } from "../support/failures.ts";
import { pathsBelow } from "../support/file_trees.ts";
import { openQuickService, type QuickService } from "../support/quick_secret_tool.ts";
import { ensureFileIdentity, noBindings, put, take } from "../support/vaults.ts";

const KEYSTORE = "linux_secret_service";
const REF = "global/a";
const LOCKED = "Cannot create an item in a locked collection";
/** The key and the canary. */
const OWN_ITEMS = 2;

Deno.test("auto takes the keystore that works, and says nothing of a fallback", async () => {
  using place = await makePlace();
  using made = await place.make("auto");
  assert.deepEqual([made.backend, made.created, made.fallback], [KEYSTORE, true, undefined]);
  assert.equal(readMarker(place.platform, place.paths), KEYSTORE);
  assert.equal(place.service.items().size, OWN_ITEMS);
  await put(made.vault, REF, "value");
  assert.equal(await take(made.vault, REF), "value");
  assert.equal(blobs(made.vault), `live ${KEYSTORE}`);
});

Deno.test("auto takes the encrypted file where the keystore does not work, says why, and leaves nothing there", async () => {
  const ways: Readonly<Record<string, readonly [Said, RegExp]>> = {
    locked: [() => ({ status: 1, err: LOCKED }), /^it is locked$/],
    altered: [
      (verb) => verb === "search" ? { out: "[/1]\nsecret = x\n" } : undefined,
      /does not delete/,
    ],
    forgetful: [(verb) => verb === "store" ? {} : undefined, /is not what was stored/],
  };
  for (const [what, [said, why]] of Object.entries(ways)) {
    using place = await makePlace();
    interruptWith(place.service, said);
    using made = await place.make("auto");
    assert.equal(made.backend, "encrypted_file", what);
    assert.equal(made.fallback?.from, KEYSTORE);
    assert.match(made.fallback!.why, why);
    assert.equal(blobs(made.vault), "live encrypted_file", what);
    assert.equal(place.service.items().size, 0);
  }
});

Deno.test("A keystore asked for by name that cannot be used is refused, and never replaced", async () => {
  using place = await makePlace();
  const { platform, paths } = place;
  interruptWith(place.service, () => ({ status: 1, err: LOCKED }));
  await assertFails("unavailable", /is locked/, () => requireUsable(platform, paths, KEYSTORE));
  await assertFails("unavailable", /is locked/, () => place.make(KEYSTORE));
  await assertFails(
    "unavailable",
    /no such keystore/,
    () => requireUsable(platform, paths, "macos_keychain"),
  );
  for (const preference of ["auto", "encrypted_file"] as const) {
    await requireUsable(platform, paths, preference);
  }
  interruptWith(place.service, () => undefined);
  await requireUsable(platform, paths, KEYSTORE);
  assert.equal(place.service.items().size, 0, "asking stores nothing");
});

Deno.test("Another backend than the one in force is a precondition", async () => {
  using place = await makePlace();
  (await place.make(KEYSTORE))[Symbol.dispose]();
  await assertFails("precondition", /pinned to linux/, () => place.make("encrypted_file"));
  using again = await place.make(KEYSTORE);
  assert.equal(again.created, false);
});

Deno.test("Many values cost one call of the keystore", async () => {
  using place = await makePlace();
  {
    using made = await place.make(KEYSTORE);
    for (let at = 0; at < 10; at++) await put(made.vault, `session:s${at}/a`, `value ${at}`);
  }
  using vault = await place.open();
  place.service.calls.length = 0;
  for (let at = 0; at < 10; at++) {
    assert.equal(await take(vault, `session:s${at}/a`), `value ${at}`);
  }
  assert.deepEqual(place.service.calls, ["search"]);
});

Deno.test("A rotation puts a new item in the place of the old one, and keeps the canary", async () => {
  using place = await makePlace();
  using made = await place.make(KEYSTORE);
  await put(made.vault, REF, "value");
  const before = keyItems(place.service);
  await rotateKek(made.vault);
  assert.equal(place.service.items().size, OWN_ITEMS);
  assert.notDeepEqual(keyItems(place.service), before);
  using again = await place.open();
  assert.equal(await take(again, REF), "value");
});

Deno.test("A move takes the key along, leaves nothing behind, and a second one changes nothing", async () => {
  using place = await makePlace();
  using made = await place.make("encrypted_file");
  await put(made.vault, REF, "value");
  for (const to of [KEYSTORE, "encrypted_file", KEYSTORE] as const) {
    const from: BackendKind = to === KEYSTORE ? "encrypted_file" : KEYSTORE;
    const moved = await migrateVault(made.vault, to, () => {});
    assert.deepEqual(moved, { backend: to, previous: from, changed: true });
    assert.equal(readMarker(place.platform, place.paths), to);
    assert.equal(blobs(made.vault), `live ${to}`);
    assert.equal(place.service.items().size, to === KEYSTORE ? OWN_ITEMS : 0);
    const again = await migrateVault(made.vault, to, () => assert.fail("nothing is left"));
    assert.deepEqual(again, { backend: to, previous: to, changed: false });
    using opened = await place.open();
    assert.equal(await take(opened, REF), "value");
  }
});

Deno.test("A move that is not allowed, or that the keystore does not bear, changes nothing", async () => {
  using place = await makePlace();
  using made = await place.make("encrypted_file");
  await put(made.vault, REF, "value");
  const refuse = (): void => {
    throw new Error("not yet");
  };
  await assert.rejects(migrateVault(made.vault, KEYSTORE, refuse), /not yet/);
  interruptWith(place.service, () => ({ status: 1, err: LOCKED }));
  await assertFails("unavailable", /is locked/, () => migrateVault(made.vault, KEYSTORE, ignore));
  interruptWith(place.service, () => undefined);
  assert.equal(blobs(made.vault), "live encrypted_file");
  assert.equal(readMarker(place.platform, place.paths), "encrypted_file");
  assert.equal(place.service.items().size, 0);
  using opened = await place.open();
  assert.equal(await take(opened, REF), "value");
});

Deno.test("A key that comes back altered does not come into force", async () => {
  using place = await makePlace();
  using made = await place.make("encrypted_file");
  await put(made.vault, REF, "value");
  interruptWith(place.service, (verb, attributes) => {
    const isKey = verb === "search" && attributes.includes("vault_key");
    return isKey ? { out: "[/1]\nsecret = PKV1.another\n" } : undefined;
  });
  await assertFails(
    "unavailable",
    /^Cannot keep the vault key in linux_secret_service: it does not come back$/,
    () => migrateVault(made.vault, KEYSTORE, ignore),
  );
  assert.equal(await take(made.vault, REF), "value");
  interruptWith(place.service, () => undefined);
  (await place.make("auto"))[Symbol.dispose](); // the next writer
  assert.equal(blobs(made.vault), "live encrypted_file");
  assert.equal(place.service.items().size, 0);
});

Deno.test("What a keystore does not let go stays on the list, fails no command, and goes with a later one", async () => {
  using place = await makePlace();
  using made = await place.make(KEYSTORE);
  await put(made.vault, REF, "value");
  interruptWith(place.service, (verb) => verb === "clear" ? { status: 1 } : undefined);
  await rotateKek(made.vault);
  await migrateVault(made.vault, "encrypted_file", ignore);
  assert.equal(
    blobs(made.vault),
    `deleting ${KEYSTORE}, deleting ${KEYSTORE}, live encrypted_file`,
  );
  place.service.calls.length = 0;
  (await place.make("auto"))[Symbol.dispose]();
  const tried = place.service.calls.filter((verb) => verb === "clear").length;
  assert.equal(tried, 1, "one failure is enough to know");
  interruptWith(place.service, () => undefined);
  (await place.make("auto"))[Symbol.dispose]();
  assert.equal(blobs(made.vault), "live encrypted_file");
  assert.equal(place.service.items().size, 0);
  assert.equal(await take(made.vault, REF), "value");
});

Deno.test("Killed between the last deletion and the database, the next writer finishes it", async () => {
  using place = await makePlace();
  using made = await place.make(KEYSTORE);
  await put(made.vault, REF, "value");
  interruptWith(place.service, (verb) => verb === "clear" ? { status: 1 } : undefined);
  await migrateVault(made.vault, "encrypted_file", ignore);
  interruptWith(place.service, () => undefined);
  for (const key of place.service.items().keys()) place.service.set(key, undefined);
  (await place.make("auto"))[Symbol.dispose]();
  assert.equal(blobs(made.vault), "live encrypted_file");
});

Deno.test("In another keyring nothing that is still needed is forgotten", async () => {
  using place = await makePlace();
  using made = await place.make(KEYSTORE);
  await put(made.vault, REF, "value");
  interruptWith(place.service, (verb) => verb === "clear" ? { status: 1 } : undefined);
  await rotateKek(made.vault);
  const kept = place.service.items();
  for (const key of kept.keys()) place.service.set(key, undefined);
  interruptWith(place.service, () => undefined);
  (await place.make("auto"))[Symbol.dispose](); // the other keyring is empty
  assert.equal(blobs(made.vault), `deleting ${KEYSTORE}, live ${KEYSTORE}`);
  using stranger = await place.open();
  const { details } = await assertFails("unavailable", /does not hold/, () => take(stranger, REF));
  assert.equal(details!["cause"], "not_here");
  for (const [key, text] of kept) place.service.set(key, text);
  (await place.make("auto"))[Symbol.dispose]();
  assert.equal(blobs(made.vault), `live ${KEYSTORE}`);
  using opened = await place.open();
  assert.equal(await take(opened, REF), "value");
});

Deno.test("A key that is gone while the canary reads is integrity, and no new one is made", async () => {
  using place = await makePlace();
  {
    using made = await place.make(KEYSTORE);
    await put(made.vault, REF, "value");
  }
  const [key] = keyItems(place.service);
  place.service.set(key!, undefined);
  using vault = await place.open();
  await assertFails("integrity", /./, () => take(vault, REF));
  await assertFails("integrity", /./, () => put(vault, "global/b", "value"));
  await assertFails("integrity", /./, () => rotateKek(vault));
  await assertFails("integrity", /./, () => migrateVault(vault, "encrypted_file", ignore));
  assert.equal(place.service.items().size, 1);
  assert.equal(blobs(vault), `live ${KEYSTORE}`);
});

Deno.test("A marker that was lost or is an older one follows the database", async () => {
  using place = await makePlace();
  (await place.make(KEYSTORE))[Symbol.dispose]();
  const { platform, paths } = place;
  for (const text of ["encrypted_file\n", "macos_keychain\n", undefined]) {
    if (text === undefined) platform.files.remove(paths.marker);
    else platform.files.replace(paths.marker, new TextEncoder().encode(text));
    (await place.make("auto"))[Symbol.dispose]();
    assert.equal(readMarker(platform, paths), KEYSTORE, text);
  }
});

Deno.test("No value and no key of the vault is in the keystore, and none of its texts in the vault", async () => {
  using place = await makePlace();
  using made = await place.make(KEYSTORE);
  await put(made.vault, REF, "v4lue-that-is-nowhere");
  const [key] = keyItems(place.service);
  const blob = place.service.items().get(key!)!;
  assert.ok(![...place.service.items().values()].join().includes("v4lue"));
  const files = pathsBelow(place.paths.directory).map((path) => `${place.paths.directory}/${path}`);
  for (const path of files) {
    const text = new TextDecoder("latin1").decode(Deno.readFileSync(path));
    assert.ok(!text.includes("v4lue") && !text.includes(blob.slice(20, 60)), path);
  }
});

type Said = (
  verb: string,
  attributes: string,
) => { status?: number; out?: string; err?: string } | undefined;

/** A state root with an identity, and the Secret Service beside it. */
interface Place extends Disposable {
  readonly service: QuickService;
  readonly platform: Platform;
  readonly paths: ReturnType<typeof vaultPaths>;
  /** Opens the vault as a writing command does. */
  make(preference: BackendPreference): Promise<WritableVault & Disposable>;
  /** Opens the vault as a reading command does. */
  open(): Promise<Vault>;
}

async function makePlace(): Promise<Place> {
  const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "palyra-test-" }));
  Deno.mkdirSync(`${root}/keyring`);
  const service = openQuickService(`${root}/keyring`);
  const { platform } = service;
  const paths = vaultPaths(`${root}/state`);
  platform.directories.ensure(`${root}/state`);
  const keks = await ensureFileIdentity(platform, `${root}/state/identity`);
  const context = { keks, bindings: noBindings };
  return {
    service,
    platform,
    paths,
    make: async (preference) => {
      const made = await ensureVault(platform, paths, { ...context, preference });
      return { ...made, [Symbol.dispose]: () => made.vault[Symbol.dispose]() };
    },
    open: async () => (await openVault(platform, paths, context))!,
    [Symbol.dispose]: () => Deno.removeSync(root, { recursive: true }),
  };
}

function interruptWith(service: QuickService, said: Said): void {
  service.interrupt = (verb, attributes) => Promise.resolve(said(verb, attributes) ?? false);
}

/** State and backend of every blob, in the order in which they go. */
function blobs({ database }: Vault): string {
  return database.all("SELECT state, backend FROM blobs ORDER BY state, backend")
    .map(({ state, backend }) => `${state} ${backend}`).join(", ");
}

function keyItems(service: QuickService): string[] {
  return [...service.items().keys()].filter((key) => key.includes("kind vault_key"));
}

function ignore(): void {}
