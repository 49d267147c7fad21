/** What protects the identity: every change of it, every loss of it, and who reads meanwhile. */

import assert from "node:assert/strict";
import { argon2id } from "../../src/crypto/argon2.ts";
import { SensitiveBytes } from "../../src/crypto/sensitive_bytes.ts";
import {
  collectIdentityLeftovers,
  ensureIdentity,
  openIdentity,
} from "../../src/identity/identity.ts";
import { formatReference, parseReference, sealStoreKey } from "../../src/identity/key_reference.ts";
import { changeProtection, protectorOf } from "../../src/identity/protection.ts";
import { type Protection, type ProtectorAccess, PROTECTORS } from "../../src/identity/protector.ts";
import type { Platform } from "../../src/platform/platform.ts";
import { assertFails } from "../support/failures.ts";
import { differenceOf, pictureOf } from "../support/file_trees.ts";
import { openQuickService, type QuickService } from "../support/quick_secret_tool.ts";
import { ENOUGH, type Readings } from "../support/identity_reader.ts";
import { bytes, NO_ACCESS } from "../support/vaults.ts";

const SALT = new Uint8Array(32);
const PASSPHRASE = "correct horse";
const READER = new URL("../support/identity_reader.ts", import.meta.url).pathname;
const READERS = 4;
/** Changes there and back; on a slow machine more, until every reader has read often enough. */
const [ROUNDS, MOST_ROUNDS] = [100, 2_000];
/** Exchanges of a reference, likewise. */
const [EXCHANGES, MOST_EXCHANGES] = [200, 20_000];
/** Longest that many references are refused: deriving by the costs that they name would take hours. */
const REFUSED_WITHIN_MS = 20_000;
const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/** The least that a reader derives with, so that hundreds of derivations take seconds. */
const CHEAP = { memoryKib: 8_192, passes: 1, parallelism: 1 } as const;

for (const from of PROTECTORS) {
  for (const to of PROTECTORS) {
    Deno.test(`From ${from} to ${to} the identity stays the same, and nothing is left behind`, async () => {
      await using place = await makePlace(from);
      const { platform, directory } = place;
      const { kid } = place;
      const changed = await changeTo(place, to);
      // Nobody can tell whether a passphrase is the one before.
      assert.equal(changed, from !== to || to === "passphrase");
      assert.equal(protectorOf(platform, directory), to);
      assert.equal(await kidOf(place), kid);
      assertTidy(place, to);
      assert.equal(await changeTo(place, to), to === "passphrase", "the second time");
      assert.equal(await kidOf(place), kid);
      assertTidy(place, to);
      const again = await ensureIdentity(platform, directory, {
        mayCreate: () => {},
        protection: { protector: "file" },
        access: accessWith(PASSPHRASE),
      });
      assert.equal((await again.kekFor(SALT)).kid, kid);
      assertTidy(place, to);
    });
  }
}

Deno.test("The protecting key is new with every change, and the store key never rests beside it", async () => {
  await using place = await makePlace("file");
  const storeKey = Deno.readFileSync(`${place.directory}/store.key`);
  const seen = new Set<string>();
  for (let round = 0; round < 3; round++) {
    await changeTo(place, "keystore");
    const reference = Deno.readTextFileSync(place.reference);
    const kept = [...place.service.items().values()];
    for (const text of [...kept, reference]) {
      assert.ok(!text.includes(storeKey.toBase64({ alphabet: "base64url", omitPadding: true })));
      assert.ok(!seen.has(text) || text === "PCN1.palyra", text);
      seen.add(text);
    }
    await changeTo(place, "file");
    assert.deepEqual(Deno.readFileSync(`${place.directory}/store.key`), storeKey);
  }
});

Deno.test("A wrong passphrase opens nothing, makes nothing and changes nothing", async () => {
  await using place = await makePlace("passphrase");
  const { platform, directory } = place;
  const before = pictureOf(place.root);
  for (const wrong of ["correct hors", "Correct horse", "correct horse ", "x", "\0"]) {
    const access = accessWith(wrong);
    const message = /^Cannot open the identity: wrong passphrase, or altered data$/;
    const ensured = (): Promise<unknown> =>
      ensureIdentity(platform, directory, {
        mayCreate: () => {},
        protection: { protector: "file" },
        access,
      }).then((authority) => authority.kekFor(SALT));
    const error = await assertFails("integrity", message, ensured);
    assert.ok(!Deno.inspect(error).includes(wrong) || wrong.length < 2, "it is not repeated");
    for (const to of PROTECTORS) {
      await assertFails(
        "integrity",
        message,
        () => changeProtection(platform, directory, protectionFor(to), access),
      );
    }
    assert.equal(differenceOf(before, pictureOf(place.root)), undefined, wrong);
  }
  assert.equal(await kidOf(place), place.kid);
});

Deno.test("Nobody is asked before a key is derived, and nobody where file modes protect", async () => {
  await using place = await makePlace("passphrase");
  let asked = 0;
  const access: ProtectorAccess = {
    mayUnlock: false,
    passphrase: () => {
      asked++;
      return Promise.resolve(bytes(PASSPHRASE));
    },
  };
  const authority = await openIdentity(place.platform, place.directory, access);
  assert.deepEqual([asked, authority!.isAtHand], [0, false]);
  await Promise.all([authority!.kekFor(SALT), authority!.kekFor(SALT)]);
  assert.equal(asked, 1);
  await changeTo(place, "file");
  const open = (await openIdentity(place.platform, place.directory, NO_ACCESS))!;
  assert.equal(open.isAtHand, true);
  assert.equal((await open.kekFor(SALT)).kid, place.kid);
});

Deno.test("A key that is lost, altered or another one's is integrity, and never made anew", async () => {
  await using place = await makePlace("keystore");
  const { service } = place;
  const [key, text] = [...service.items()].find(([name]) => name.includes("store_key"))!;
  const before = pictureOf(place.directory);
  const another = new Uint8Array(32).toBase64({ alphabet: "base64url", omitPadding: true });
  const wrong = [
    undefined,
    "PSK1",
    "PSK1.",
    `PSK2${text.slice(4)}`,
    text.slice(0, -1),
    `${text}A`,
    `PSK1.${another}`,
    "PCN1.palyra",
  ];
  for (const altered of wrong) {
    service.set(key, altered);
    for (const act of actsOn(place)) {
      await assertFails("integrity", /^Cannot open the identity: /, act);
    }
    assert.equal(differenceOf(before, pictureOf(place.directory)), undefined, altered);
    service.set(key, text);
  }
  service.set(key, undefined);
  service.set(key.replace(/ kind store_key.*/, " kind canary"), undefined);
  for (const act of actsOn(place)) {
    const { details } = await assertFails("unavailable", /does not hold the keys/, act);
    assert.equal(details!["cause"], "not_here");
  }
  assert.equal(differenceOf(before, pictureOf(place.directory)), undefined);
});

Deno.test("A keystore that fails is told as what it is, and changes nothing", async () => {
  await using place = await makePlace("keystore");
  const { service } = place;
  const failures = {
    no_bus: "Could not connect: No such file or directory",
    no_service: "The name org.freedesktop.secrets was not provided by any .service files",
    locked: "Cannot get secret of a locked object",
  };
  const before = pictureOf(place.root);
  for (const [cause, err] of Object.entries(failures)) {
    service.interrupt = () => Promise.resolve({ status: 1, err });
    for (const act of actsOn(place)) {
      const { details } = await assertFails("unavailable", /linux_secret_service/, act);
      assert.equal(details!["cause"], cause);
    }
    assert.equal(differenceOf(before, pictureOf(place.root)), undefined, cause);
  }
});

Deno.test("A person unlocks the keystore where that is allowed, and only there", async () => {
  await using place = await makePlace("keystore");
  const { service, platform, directory } = place;
  let isUnlocked = false;
  service.interrupt = (verb) => {
    if (verb === "lookup") isUnlocked = true;
    const err = "Cannot get secret of a locked object";
    return Promise.resolve(isUnlocked ? false : { status: 0, out: "[/1]\nlabel = x\n", err });
  };
  await assertFails("unavailable", /locked/, () => kidOf(place));
  const authority = await openIdentity(platform, directory, { ...NO_ACCESS, mayUnlock: true });
  assert.equal((await authority!.kekFor(SALT)).kid, place.kid);
});

Deno.test("A person unlocks the keystore for a new identity where that is allowed", async () => {
  for (const mayUnlock of [false, true]) {
    using root = makeRoot();
    const service = openQuickService(root.keyring);
    let isUnlocked = false;
    service.interrupt = (verb) => {
      if (verb === "lookup") isUnlocked = true;
      const err = "Cannot get secret of a locked object";
      return Promise.resolve(isUnlocked ? false : { status: 0, out: "[/1]\nlabel = x\n", err });
    };
    service.platform.directories.ensure(root.directory);
    const make = (): Promise<unknown> =>
      ensureIdentity(service.platform, root.directory, {
        mayCreate: () => {},
        protection: protectionFor("keystore"),
        access: { ...NO_ACCESS, mayUnlock },
      });
    if (mayUnlock) await make();
    else await assertFails("unavailable", /locked/, make);
    assert.equal(isUnlocked, mayUnlock);
  }
});

Deno.test("A keystore that cannot be used, or gives back another text, leaves the old protector in force", async () => {
  for (const from of ["file", "passphrase"] as const) {
    await using place = await makePlace(from);
    const { service } = place;
    const before = pictureOf(place.root);
    const locked = "Cannot create an item in a locked collection";
    service.interrupt = () => Promise.resolve({ status: 1, err: locked });
    await assertFails("unavailable", /locked/, () => changeTo(place, "keystore"));
    assert.equal(differenceOf(before, pictureOf(place.root)), undefined);
    service.interrupt = (verb, attributes) => {
      const isKey = verb === "search" && attributes.includes("store_key");
      return Promise.resolve(isKey ? { out: "[/1]\nsecret = PSK1.another\n" } : false);
    };
    await assertFails("unavailable", /does not come back/, () => changeTo(place, "keystore"));
    assert.equal(protectorOf(place.platform, place.directory), from);
    service.interrupt = () => Promise.resolve(false);
    assert.equal(await kidOf(place), place.kid);
    assert.equal(service.items().size, 2, "it is written down, and still there");
    await collectIdentityLeftovers(place.platform, place.directory, accessWith(PASSPHRASE));
    assertTidy(place, from);
  }
});

Deno.test("No character of a reference to a keystore can be changed, added or removed", async () => {
  await using place = await makePlace("keystore");
  const text = Deno.readTextFileSync(place.reference);
  const holder = /"holder":"([0-9a-f]+)"/.exec(text)!;
  const first = holder.index + '"holder":"'.length;
  for (const altered of alteredTexts(text)) {
    Deno.writeTextFileSync(place.reference, altered);
    // Another holder is another canary too: no different from another keyring.
    const isHolder = altered.length === text.length && differs(altered, text, first, 32);
    const thrown = await kidOf(place).then(() => undefined, (error: unknown) => error);
    const { code } = Object(thrown) as { code?: string };
    const allowed = isHolder ? ["integrity", "unavailable"] : ["integrity"];
    assert.ok(allowed.includes(code!), `${code}: ${altered}`);
    await assertNothingMade(place);
  }
  Deno.writeTextFileSync(place.reference, text);
  assert.equal(await kidOf(place), place.kid);
});

Deno.test("No character of a reference to a passphrase can be changed, added or removed", async () => {
  await using place = await makePlace("file");
  const text = await sealCheaply(place);
  assert.equal(await kidOf(place), place.kid);
  for (const altered of alteredTexts(text)) {
    Deno.writeTextFileSync(place.reference, altered);
    await assertFails("integrity", /^Cannot open /, () => kidOf(place));
  }
  await assertNothingMade(place);
  Deno.writeTextFileSync(place.reference, text);
  assert.equal(await kidOf(place), place.kid);
});

Deno.test("Costs out of bounds are refused at once, and nobody is asked", async () => {
  await using place = await makePlace("file");
  const text = await sealCheaply(place);
  const costs: Readonly<Record<string, readonly (string | number)[]>> = {
    memory_kib: [0, 1, 8_191, 1_048_577, 4_294_967_296, -8192, 8192.5, '"8192"', "8.192e3", "null"],
    passes: [0, 17, 1_000_000_000, -1, 1.5, '"1"', "1.0", "true"],
    parallelism: [0, 17, 16_777_216, -1, '"1"', "[1]"],
  };
  const began = Date.now();
  for (const [name, values] of Object.entries(costs)) {
    for (const value of values) {
      const altered = text.replace(new RegExp(`"${name}":\\d+`), `"${name}":${value}`);
      assert.notEqual(altered, text);
      Deno.writeTextFileSync(place.reference, altered);
      const open = async (): Promise<unknown> =>
        (await openIdentity(place.platform, place.directory, NO_ACCESS))!.kekFor(SALT);
      await assertFails("integrity", /is not what palyra wrote$/, open);
    }
  }
  assert.ok(Date.now() - began < REFUSED_WITHIN_MS, `${Date.now() - began} ms`);
});

Deno.test("A reference for another place, or with another one's sealed key, does not open", async () => {
  await using place = await makePlace("keystore");
  await using other = await makePlace("keystore");
  const [mine, theirs] = [place, other].map(({ reference }) =>
    JSON.parse(Deno.readTextFileSync(reference))
  );
  for (const [key, text] of other.service.items()) place.service.set(key, text);
  const mixed = [
    { ...mine, sealed: theirs.sealed },
    { ...mine, sealed: theirs.sealed, nonce: theirs.nonce },
    { ...mine, holder: theirs.holder, id: theirs.id },
  ];
  for (const reference of mixed) {
    Deno.writeTextFileSync(place.reference, `${JSON.stringify(reference)}\n`);
    await assertFails("integrity", /^Cannot open the identity: wrong key/, () => kidOf(place));
  }
  Deno.writeTextFileSync(place.reference, `${JSON.stringify(theirs)}\n`);
  await assertFails("integrity", /wrong key or altered data/, () => kidOf(place)); // the CA's record
});

Deno.test("Where both are there the reference is in force, and the key file goes with the next writer", async () => {
  for (const protector of ["keystore", "passphrase"] as const) {
    await using place = await makePlace(protector);
    const stale = `${place.directory}/store.key`;
    Deno.writeFileSync(stale, new Uint8Array(32).fill(9), { mode: 0o600 });
    assert.equal(await kidOf(place), place.kid);
    assert.equal(protectorOf(place.platform, place.directory), protector);
    assert.equal(
      await collectIdentityLeftovers(place.platform, place.directory, accessWith(PASSPHRASE)),
      1,
    );
    assertTidy(place, protector);
    assert.equal(
      await collectIdentityLeftovers(place.platform, place.directory, accessWith(PASSPHRASE)),
      0,
    );
  }
});

Deno.test("Pending keys are removed, all but the one in force; what is not let go stays written down", async () => {
  await using place = await makePlace("keystore");
  const { service, platform, directory } = place;
  const inForce = keptIn(place);
  const old = { backend: "linux_secret_service", holder: "a".repeat(32), id: "b".repeat(32) };
  putItems(service, old.holder, old.id);
  Deno.writeTextFileSync(place.pending, `${JSON.stringify([old, inForce])}\n`, { mode: 0o600 });
  service.interrupt = (verb) => Promise.resolve(verb === "clear" ? { status: 1 } : false);
  assert.equal(await collectIdentityLeftovers(platform, directory, accessWith(PASSPHRASE)), 0);
  assert.deepEqual(JSON.parse(Deno.readTextFileSync(place.pending)), [old]);
  assert.equal(service.items().size, 4);
  service.interrupt = () => Promise.resolve(false);
  assert.equal(await collectIdentityLeftovers(platform, directory, accessWith(PASSPHRASE)), 1);
  assertTidy(place, "keystore");
  assert.equal(await kidOf(place), place.kid);
});

Deno.test("Killed between any two steps of collecting, the next writer finishes it", async () => {
  await using place = await makePlace("file");
  const { service, platform, directory } = place;
  const [holder, id] = ["a".repeat(32), "b".repeat(32)];
  const old = { backend: "linux_secret_service", holder, id };
  for (const left of [["store_key", "canary"], ["canary"], []]) {
    putItems(service, holder, id);
    if (!left.includes("store_key")) service.set(keyItem(holder, id), undefined);
    if (!left.includes("canary")) service.set(canaryItem(holder), undefined);
    Deno.writeTextFileSync(place.pending, `${JSON.stringify([old])}\n`, { mode: 0o600 });
    assert.equal(
      await collectIdentityLeftovers(platform, directory, accessWith(PASSPHRASE)),
      1,
      left.join(),
    );
    assertTidy(place, "file");
  }
});

Deno.test("A list of pending keys that palyra has not written is refused, and stays", async () => {
  await using place = await makePlace("file");
  const good = { backend: "linux_secret_service", holder: "a".repeat(32), id: "b".repeat(32) };
  const wrong = [
    "",
    "[",
    "{}",
    "[1]",
    "[null]",
    JSON.stringify([{ ...good, id: "../x" }]),
    JSON.stringify([{ ...good, holder: "A".repeat(32) }]),
    JSON.stringify([{ ...good, backend: "encrypted_file" }]),
    JSON.stringify([{ holder: good.holder, id: good.id }]),
  ];
  for (const text of wrong) {
    Deno.writeTextFileSync(place.pending, text, { mode: 0o600 });
    await assertFails(
      "integrity",
      /store\.key\.pending: it is not what palyra wrote$/,
      () => collectIdentityLeftovers(place.platform, place.directory, accessWith(PASSPHRASE)),
    );
    assert.equal(Deno.readTextFileSync(place.pending), text);
  }
});

Deno.test("A key that the keystore does not let go stays written down through the next changes", async () => {
  for (const to of PROTECTORS) {
    await using place = await makePlace("keystore");
    const { service } = place;
    const old = keptIn(place);
    service.interrupt = (verb) => Promise.resolve(verb === "clear" ? { status: 1 } : false);
    await changeTo(place, "passphrase");
    assert.deepEqual(JSON.parse(Deno.readTextFileSync(place.pending)), [old]);
    await changeTo(place, "file");
    await changeTo(place, to);
    service.interrupt = () => Promise.resolve(false);
    await collectIdentityLeftovers(place.platform, place.directory, accessWith(PASSPHRASE));
    assert.equal(await kidOf(place), place.kid);
    assertTidy(place, to);
  }
});

Deno.test("Killed while the first key was made, the next one to make it leaves nothing in the keystore", async () => {
  using root = makeRoot();
  const service = openQuickService(root.keyring);
  const { platform } = service;
  platform.directories.ensure(root.directory);
  const [holder, id] = ["a".repeat(32), "b".repeat(32)];
  putItems(service, holder, id);
  const old = { backend: "linux_secret_service", holder, id };
  const pending = `${root.directory}/store.key.pending`;
  Deno.writeTextFileSync(pending, `${JSON.stringify([old])}\n`, { mode: 0o600 });
  await ensureIdentity(platform, root.directory, {
    mayCreate: () => {},
    protection: protectionFor("keystore"),
    access: NO_ACCESS,
  });
  await collectIdentityLeftovers(platform, root.directory, accessWith(PASSPHRASE));
  assert.equal(service.items().size, 2, "its key and its canary");
});

Deno.test("Who began to read before a change, and finds the old protector gone, looks again", async () => {
  for (const from of ["keystore", "passphrase"] as const) {
    for (const to of PROTECTORS) {
      await using place = await makePlace(from);
      const { service, platform, directory } = place;
      let isChanged = false;
      const change = async (): Promise<void> => {
        if (isChanged) return;
        isChanged = true;
        service.interrupt = () => Promise.resolve(false);
        await changeTo(place, "file");
        if (to !== "file") await changeTo(place, to);
      };
      const access: ProtectorAccess = {
        mayUnlock: false,
        passphrase: async () => {
          const old = bytes(isChanged ? PASSPHRASE : "wrong horse");
          await change();
          return old;
        },
      };
      const authority = await openIdentity(platform, directory, access);
      if (from === "keystore") {
        service.interrupt = async () => {
          await change();
          return false;
        };
      }
      assert.equal((await authority!.kekFor(SALT)).kid, place.kid, `${from} to ${to}`);
      assert.ok(isChanged);
    }
  }
});

Deno.test("Readers never fail during two hundred changes", async () => {
  await using place = await makePlace("file");
  const stop = `${place.root}/stop`;
  const readers = Array.from({ length: READERS }, () => startReader(place, stop));
  for (let round = 0; round < ROUNDS || (areWanted(readers) && round < MOST_ROUNDS); round++) {
    for (const to of ["keystore", "file"] as const) await changeTo(place, to);
  }
  Deno.writeTextFileSync(stop, "");
  await assertRead(place, readers);
  assertTidy(place, "file");
});

Deno.test("Readers never fail while the reference is exchanged for another one", async () => {
  await using place = await makePlace("keystore");
  const stop = `${place.root}/stop`;
  const readers = Array.from({ length: READERS }, () => startReader(place, stop));
  const reference = Deno.readFileSync(place.reference);
  let made = 0; // as a change to a passphrase does, only more often
  for (; made < EXCHANGES || (areWanted(readers) && made < MOST_EXCHANGES); made++) {
    place.platform.files.replace(place.reference, reference);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  Deno.writeTextFileSync(stop, "");
  await assertRead(place, readers);
});

Deno.test("A key file that was put back beside a reference that no longer opens is never removed", async () => {
  for (const protector of ["keystore", "passphrase"] as const) {
    await using place = await makePlace("file");
    const { platform, directory, service } = place;
    const key = `${directory}/store.key`;
    const backup = Deno.readFileSync(key);
    await changeTo(place, protector);
    Deno.writeFileSync(key, backup, { mode: 0o600 });
    for (const [name] of service.items()) {
      if (name.includes("store_key")) service.set(name, undefined);
    }
    const forgotten = accessWith("forgotten horse");
    const open = async (): Promise<unknown> =>
      (await openIdentity(platform, directory, forgotten))!.kekFor(SALT);
    await assertFails("integrity", /./, open);
    assert.equal(await collectIdentityLeftovers(platform, directory, forgotten), 0);
    assert.deepEqual(Deno.readFileSync(key), backup);
    const told = await open().catch(({ hint }) => hint);
    assert.match(String(told), /store\.key is there as well: if it came from a backup, remove /);
    Deno.removeSync(place.reference);
    assert.equal(await kidOf(place), place.kid);
  }
});

Deno.test("A key file that opens the records is never removed beside a reference that opens, but not them", async () => {
  for (const protector of ["keystore", "passphrase"] as const) {
    // A backup of one identity, copied over another one that is protected.
    await using place = await makePlace("file");
    await using other = await makePlace(protector);
    const { platform } = other.service;
    for (const name of ["store.key", "ca.sealed", "device.sealed"]) {
      Deno.copyFileSync(`${place.directory}/${name}`, `${other.directory}/${name}`);
    }
    const key = `${other.directory}/store.key`;
    const access = accessWith(PASSPHRASE);
    const opened = openIdentity(platform, other.directory, access)
      .then((authority) => authority!.kekFor(SALT));
    const error = await assertFails("integrity", /wrong key|altered/, () => opened);
    assert.match(String((error as { hint?: string }).hint), /remove .*store\.key\.ref/);
    await collectIdentityLeftovers(platform, other.directory, access);
    assert.ok(Deno.statSync(key).isFile);
    for (const to of PROTECTORS) {
      await assertFails(
        "integrity",
        /wrong key|altered/,
        () => changeProtection(platform, other.directory, protectionFor(to), access),
      );
      assert.ok(Deno.statSync(key).isFile, to);
    }
    Deno.removeSync(other.reference);
    const mended = await openIdentity(platform, other.directory, NO_ACCESS);
    assert.equal((await mended!.kekFor(SALT)).kid, place.kid);
  }
});

Deno.test("Twenty at once make one identity, whatever protects it", async () => {
  for (const protector of PROTECTORS) {
    using root = makeRoot();
    const service = openQuickService(root.keyring);
    const made = await Promise.all(
      Array.from({ length: 20 }, () =>
        ensureIdentity(service.platform, root.directory, {
          mayCreate: () => {},
          protection: protectionFor(protector),
          access: accessWith(PASSPHRASE),
        })),
    );
    const first = await made[0]!.kekFor(SALT);
    for (const authority of protector === "passphrase" ? made.slice(0, 4) : made) {
      assert.equal((await authority.kekFor(SALT)).kid, first.kid, protector);
    }
    await collectIdentityLeftovers(service.platform, root.directory, accessWith(PASSPHRASE));
    assert.equal(service.items().size, protector === "keystore" ? 2 : 0);
  }
});

Deno.test("Changes at once come one after the other, and the last one is in force", async () => {
  await using place = await makePlace("file");
  const wanted = Array.from({ length: 12 }, (_, at) => at % 2 === 0 ? "keystore" : "file" as const);
  await Promise.all(wanted.map((to) => changeTo(place, to as "keystore" | "file")));
  assert.equal(await kidOf(place), place.kid);
  assertTidy(place, protectorOf(place.platform, place.directory)!);
});

Deno.test("Without an identity there is nothing to protect, and none is made", async () => {
  using root = makeRoot();
  const { platform } = openQuickService(root.keyring);
  platform.directories.ensure(root.directory);
  for (const to of PROTECTORS) {
    await assertFails(
      "not_found",
      /^Cannot protect the identity: there is none in /,
      () => changeProtection(platform, root.directory, protectionFor(to), NO_ACCESS),
    );
  }
  assert.deepEqual(Object.keys(pictureOf(root.directory)), ["identity.lock"]);
});

/** An identity, and the keystore that may protect it. */
interface Place extends AsyncDisposable {
  readonly root: string;
  readonly directory: string;
  readonly reference: string;
  readonly pending: string;
  readonly service: QuickService;
  readonly platform: Platform;
  /** Tells whether it is still the same identity. */
  readonly kid: string;
}

async function makePlace(protector: Protection["protector"]): Promise<Place> {
  const { path, directory, keyring, [Symbol.dispose]: dispose } = makeRoot();
  const service = openQuickService(keyring);
  const { platform } = service;
  const authority = await ensureIdentity(platform, directory, {
    mayCreate: () => {},
    protection: protectionFor(protector),
    access: accessWith(PASSPHRASE),
  });
  const { kid } = await authority.kekFor(SALT);
  await collectIdentityLeftovers(platform, directory, accessWith(PASSPHRASE));
  return {
    root: path,
    directory,
    reference: `${directory}/store.key.ref`,
    pending: `${directory}/store.key.pending`,
    service,
    platform,
    kid,
    [Symbol.asyncDispose]: () => Promise.resolve(dispose()),
  };
}

function makeRoot(): Disposable & {
  readonly path: string;
  readonly directory: string;
  readonly keyring: string;
} {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "palyra-test-" }));
  const keyring = `${path}/keyring`;
  Deno.mkdirSync(keyring);
  const dispose = (): void => Deno.removeSync(path, { recursive: true });
  return { path, directory: `${path}/identity`, keyring, [Symbol.dispose]: dispose };
}

function protectionFor(protector: Protection["protector"]): Protection {
  if (protector === "file") return { protector };
  if (protector === "keystore") return { protector, backend: "linux_secret_service" };
  return { protector, newPassphrase: () => Promise.resolve(bytes(PASSPHRASE)) };
}

function accessWith(passphrase: string): ProtectorAccess {
  return { mayUnlock: false, passphrase: () => Promise.resolve(bytes(passphrase)) };
}

async function changeTo(
  { platform, directory }: Place,
  to: Protection["protector"],
): Promise<boolean> {
  return await changeProtection(platform, directory, protectionFor(to), accessWith(PASSPHRASE));
}

/** Opens the identity anew, and tells which one it is. */
async function kidOf({ platform, directory }: Place): Promise<string> {
  const authority = await openIdentity(platform, directory, accessWith(PASSPHRASE));
  if (authority === undefined) throw new Error("There is no identity");
  return (await authority.kekFor(SALT)).kid;
}

/** Ways to use an identity, none of which may make one. */
function actsOn(place: Place): (() => Promise<unknown>)[] {
  const { platform, directory } = place;
  const access = accessWith(PASSPHRASE);
  const ensure = async (): Promise<unknown> => {
    const options = { mayCreate: () => {}, protection: protectionFor("file"), access };
    return await (await ensureIdentity(platform, directory, options)).kekFor(SALT);
  };
  return [() => kidOf(place), ensure, () => changeTo(place, "file")];
}

/** Asserts that only what is in force is there. */
function assertTidy(place: Place, protector: Protection["protector"]): void {
  const key = protector === "file" ? "store.key" : "store.key.ref";
  const names = ["ca.sealed", "device.sealed", "identity.lock", key].sort();
  assert.deepEqual(Object.keys(pictureOf(place.directory)).sort(), names);
  assert.equal(place.service.items().size, protector === "keystore" ? 2 : 0, "items");
}

async function assertNothingMade(place: Place): Promise<void> {
  const names = Object.keys(pictureOf(place.directory)).sort();
  assert.deepEqual(names, ["ca.sealed", "device.sealed", "identity.lock", "store.key.ref"]);
  await Promise.resolve();
}

/** Seals the store key of an identity under a passphrase at the least cost; the text of the file. */
async function sealCheaply(place: Place): Promise<string> {
  const path = `${place.directory}/store.key`;
  using key = new SensitiveBytes(Deno.readFileSync(path));
  const salt = crypto.getRandomValues(new Uint8Array(16));
  using derived = new SensitiveBytes(
    await argon2id(new TextEncoder().encode(PASSPHRASE), salt, CHEAP),
  );
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await sealStoreKey(
    key,
    { protector: "passphrase", salt, cost: CHEAP },
    { key: derived, nonce },
  );
  const text = formatReference(sealed);
  parseReference(new TextEncoder().encode(text), place.reference);
  Deno.writeTextFileSync(place.reference, text, { mode: 0o600 });
  Deno.removeSync(path);
  return text;
}

/** Each character exchanged for its neighbours in the alphabet, for others, left out, or doubled. */
function alteredTexts(text: string): string[] {
  const changed = [...text].flatMap((character, at) => {
    const index = BASE64URL.indexOf(character);
    const neighbours = index === -1 ? "" : BASE64URL[index ^ 1]! + BASE64URL[(index + 4) % 64]!;
    const others = [...neighbours, "=", " ", '"', "é", "", character + character]
      .filter((other) => other !== character);
    return others.map((other) => text.slice(0, at) + other + text.slice(at + 1));
  });
  return [...new Set([...changed, `${text}\n`, ` ${text}`, `${text}{}`, "", "{}\n", "null\n"])]
    .filter((altered) => altered !== text);
}

/** Whether two texts of a length differ in this range only. */
function differs(a: string, b: string, first: number, length: number): boolean {
  const outside = (text: string): string => text.slice(0, first) + text.slice(first + length);
  return a !== b && outside(a) === outside(b);
}

interface Kept {
  readonly backend: string;
  readonly holder: string;
  readonly id: string;
}

/** The key in force, as the list of pending ones would name it. */
function keptIn(place: Place): Kept {
  const { backend, holder, id } = JSON.parse(Deno.readTextFileSync(place.reference));
  return { backend, holder, id };
}

function keyItem(holder: string, id: string): string {
  return `application palyra identity ${holder} kind store_key id ${id}`;
}

function canaryItem(holder: string): string {
  return `application palyra identity ${holder} kind canary`;
}

function putItems(service: QuickService, holder: string, id: string): void {
  service.set(keyItem(holder, id), "PSK1.x");
  service.set(canaryItem(holder), "PCN1.palyra");
}

/** A process that reads. */
interface Reader {
  /** It has read often enough, or has ended. */
  hasEnough: boolean;
  readonly told: Promise<Readings>;
}

function startReader(place: Place, stop: string): Reader {
  const args = ["run", "-A", "--no-prompt", "--quiet", READER];
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args, place.directory, `${place.root}/keyring`, stop],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const tell = async (): Promise<Readings> => {
    const said = child.stderr.text();
    let text = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      reader.hasEnough ||= text.startsWith("\n");
    }
    reader.hasEnough = true;
    assert.ok((await child.status).success, await said);
    return JSON.parse(text);
  };
  const reader = { hasEnough: false, told: Promise.try(tell) };
  return reader;
}

function areWanted(readers: readonly Reader[]): boolean {
  return !readers.every(({ hasEnough }) => hasEnough);
}

/** Asserts that every reader has read often enough, always the same, and never failed. */
async function assertRead({ kid }: Place, readers: readonly Reader[]): Promise<void> {
  for (const told of await Promise.all(readers.map(({ told }) => told))) {
    assert.deepEqual(told.failures, []);
    assert.deepEqual(told.kids, [kid]);
    assert.ok(told.reads >= ENOUGH, `${told.reads} reads`);
  }
}
