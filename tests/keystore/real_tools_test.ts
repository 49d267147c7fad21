/**
 * The contract against the real keystore of the system that this runs on. It stores and deletes items,
 * so it wants to be told that the keystore is there for it:
 *
 * - macOS: `PALYRA_TEST_KEYCHAIN`, the path of a throw-away keychain that is unlocked
 * - Windows: `PALYRA_TEST_DPAPI=1`
 * - Linux: `PALYRA_TEST_KEYRING=1`, and a Secret Service in `DBUS_SESSION_BUS_ADDRESS`
 *
 * Nothing here may be of one system only: workflows run it on all three.
 */

import assert from "node:assert/strict";
import type { Holder, KeystoreItems } from "../../src/keystore/keystore.ts";
import { linuxSecretService } from "../../src/keystore/linux_secret_service.ts";
import { macosKeychain } from "../../src/keystore/macos_keychain.ts";
import { ProvenKeystore } from "../../src/keystore/proven.ts";
import { windowsDpapi } from "../../src/keystore/windows_dpapi.ts";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import { testBlobBackend } from "../contracts/blob_backend.ts";
import { unlessSkipped } from "../support/skip.ts";

/** Items of holders of their own, in the real keystore. */
interface RealKeystore {
  readonly kind: string;
  readonly lack: string | undefined;
  readonly itemsOf: (holder: Holder, directory: string) => KeystoreItems;
}

const keystore = keystoreHere();
const test = unlessSkipped("no-keystore-of-this-system", keystore.lack);

testBlobBackend(`${keystore.kind} (the real one)`, () => {
  const place = makePlace();
  const holder = newHolder();
  const again = (): ProvenKeystore =>
    new ProvenKeystore(keystore.itemsOf(holder, place.directory), "vault_key", false);
  const backend = again();
  async function dispose(): Promise<void> {
    await backend.retire();
    place.remove();
  }
  return Promise.resolve({ backend, again, [Symbol.asyncDispose]: dispose });
}, test);

test(`${keystore.kind} (the real one): holders do not see each other's items`, async () => {
  const place = makePlace();
  const [one, other] = [newHolder(), newHolder()].map((holder) =>
    new ProvenKeystore(keystore.itemsOf(holder, place.directory), "vault_key", false)
  );
  const id = "1".repeat(32);
  try {
    await one!.prepare();
    assert.equal(await other!.look(), false);
    await other!.prepare();
    await one!.put(id, "PKV1.one");
    assert.equal(await other!.get(id), undefined);
    await other!.delete(id);
    assert.equal(await one!.get(id), "PKV1.one");
    await one!.delete(id);
  } finally {
    await one!.retire();
    await other!.retire();
    place.remove();
  }
});

test(`${keystore.kind} (the real one): an item that was never prepared is not here`, async () => {
  const place = makePlace();
  try {
    const items = keystore.itemsOf(newHolder(), place.directory);
    const unprepared = new ProvenKeystore(items, "vault_key", false);
    assert.equal(await unprepared.look(), false);
    await assert.rejects(unprepared.get("1".repeat(32)), {
      code: "unavailable",
      details: { backend: keystore.kind, cause: "not_here" },
    });
  } finally {
    place.remove();
  }
});

test(`${keystore.kind} (the real one): eight at once keep apart`, async () => {
  const place = makePlace();
  const holder = newHolder();
  const open = (): ProvenKeystore =>
    new ProvenKeystore(keystore.itemsOf(holder, place.directory), "vault_key", false);
  await open().prepare();
  const ids = Array.from({ length: 8 }, (_, at) => String(at).repeat(32));
  try {
    await Promise.all(ids.map((id) => open().put(id, `PKV1.${id}`)));
    const found = await Promise.all(ids.map((id) => open().get(id)));
    assert.deepEqual(found, ids.map((id) => `PKV1.${id}`));
  } finally {
    for (const id of ids) await open().delete(id);
    await open().retire();
    place.remove();
  }
});

function keystoreHere(): RealKeystore {
  const { os, get } = denoPlatform.environment;
  if (os === "darwin") {
    const keychain = get("PALYRA_TEST_KEYCHAIN");
    return {
      kind: "macos_keychain",
      lack: keychain === undefined ? "PALYRA_TEST_KEYCHAIN names no keychain" : undefined,
      itemsOf: (holder) => macosKeychain(denoPlatform, holder, { keychain: keychain! }),
    };
  }
  if (os === "windows") {
    return {
      kind: "windows_dpapi",
      lack: get("PALYRA_TEST_DPAPI") === "1" ? undefined : "PALYRA_TEST_DPAPI is not 1",
      itemsOf: (holder, directory) => windowsDpapi(denoPlatform, holder, { directory }),
    };
  }
  return {
    kind: "linux_secret_service",
    lack: get("PALYRA_TEST_KEYRING") === "1" ? undefined : "PALYRA_TEST_KEYRING is not 1",
    itemsOf: (holder) => linuxSecretService(denoPlatform, holder),
  };
}

function newHolder(): Holder {
  return { kind: "vault", id: crypto.getRandomValues(new Uint8Array(16)).toHex() };
}

/** A directory for what the system does not keep itself. */
function makePlace(): { readonly directory: string; remove(): void } {
  const parent = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "palyra-test-" }));
  return {
    directory: `${parent}/keystore`,
    remove: () => Deno.removeSync(parent, { recursive: true }),
  };
}
