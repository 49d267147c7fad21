/** The adapter of the Secret Service against the real secret-tool and a real gnome-keyring; and all limits. */

import assert from "node:assert/strict";
import type { KeystoreCause } from "../../src/keystore/failure.ts";
import { linuxSecretService } from "../../src/keystore/linux_secret_service.ts";
import { macosKeychain } from "../../src/keystore/macos_keychain.ts";
import { ProvenKeystore } from "../../src/keystore/proven.ts";
import { windowsDpapi } from "../../src/keystore/windows_dpapi.ts";
import { testBlobBackend } from "../contracts/blob_backend.ts";
import {
  assertFailsBy,
  behave,
  BLOB,
  HOLDER,
  ITEM,
  makePowerShell,
  makeSecretTool,
  makeSecurity,
  platformWith,
} from "../support/keystore_tools.ts";
import { whyNoSecretService } from "../support/requirements.ts";
import {
  type SecretService,
  type ServiceMode,
  startSecretService,
} from "../support/secret_service.ts";
import { unlessSkipped } from "../support/skip.ts";

const test = unlessSkipped("no-secret-service", whyNoSecretService());
const ID = "1".repeat(32);
const SOON_MS = 3_000;
/** What a busy machine takes beside a limit. */
const SLACK_MS = 1_500;
const TRIES = 3;

testBlobBackend("linux_secret_service (gnome-keyring)", async () => {
  const service = await startSecretService("unlocked");
  return {
    backend: keystoreIn(service),
    again: () => keystoreIn(service),
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}, test);

test("A tool that hangs is ended when the limit of its adapter is over", async () => {
  using secretTool = makeSecretTool();
  using security = makeSecurity();
  using powerShell = makePowerShell();
  behave(security, { hang: true });
  const platform = platformWith({ HOME: secretTool.directory });
  const hanging = { command: secretTool.command("--fake-mode=hang") };
  const linux = linuxSecretService(platform, HOLDER, hanging);
  const macos = macosKeychain(platform, HOLDER, {
    command: security.command(),
    keychain: security.keychain,
  });
  const directory = `${powerShell.directory}/keystore`;
  Deno.mkdirSync(directory, { mode: 0o700 }); // so that only PowerShell is waited for
  const windows = windowsDpapi(platform, HOLDER, {
    directory,
    programs: {
      powershell: powerShell.command("--fake-mode=hang"),
      whoami: ["/nonexistent"],
      icacls: ["/nonexistent"],
      env: {},
    },
  });
  await Promise.all([
    assertEndsAfter(2_200, () => linux.read(ITEM), "secret-tool search"),
    assertEndsAfter(5_000, () => linux.store(ITEM, BLOB), "secret-tool store"),
    assertEndsAfter(5_000, () => linux.remove(ITEM), "secret-tool clear"),
    assertEndsAfter(10_000, () => macos.store(ITEM, BLOB), "security"),
    assertEndsAfter(20_000, () => windows.store(ITEM, BLOB), "powershell"),
  ]);
});

/** What each call meets in each state of a desktop. */
const STATES: readonly (readonly [ServiceMode, KeystoreCause, KeystoreCause])[] = [
  ["nobus", "no_bus", "no_bus"],
  ["noservice", "no_service", "no_service"],
  ["nokeyring", "not_here", "no_collection"],
];

for (const [mode, reading, preparing] of STATES) {
  test(`In the state ${mode} reading is ${reading}, preparing ${preparing}, within 3 s`, async () => {
    await using service = await startSecretService(mode);
    await soon(() => assertFailsBy(reading, () => keystoreIn(service).get(ID), "get"));
    await soon(() => assertFailsBy(preparing, () => keystoreIn(service).prepare(), "prepare"));
    await soon(() => assertFailsBy(reading, () => keystoreIn(service).delete(ID), "delete"));
  });
}

test("A keyring that was locked is locked, whatever is asked of it, and loses nothing", async () => {
  await using service = await startSecretService("unlocked");
  await keystoreIn(service).prepare();
  await keystoreIn(service).put(ID, BLOB);
  await service.lock();
  await assertLocked(service, "locked");
  await service.unlock();
  assert.equal(await keystoreIn(service).get(ID), BLOB);
  await service.kill(); // the next daemon has never had it open
  await assertLocked(service, "killed");
  await service.unlock();
  assert.equal(await keystoreIn(service).get(ID), BLOB);
  await keystoreIn(service).delete(ID);
});

test("With a dialog that nobody answers no call waits for it", async () => {
  await using service = await startSecretService("unlocked", { dialog: "waits" });
  await keystoreIn(service).prepare();
  await keystoreIn(service).put(ID, BLOB);
  await service.lock();
  await soon(() => assertFailsBy("locked", () => keystoreIn(service).get(ID)));
  await soon(() => assertFailsBy("locked", () => keystoreIn(service).delete(ID)));
});

test("A daemon that does not answer is a timeout, and one that is gone with its bus no bus", async () => {
  await using service = await startSecretService("unlocked");
  await keystoreIn(service).prepare();
  await keystoreIn(service).put(ID, BLOB);
  await service.stop();
  await soon(() => assertFailsBy("timeout", () => keystoreIn(service).get(ID)));
  await service.cont();
  assert.equal(await keystoreIn(service).get(ID), BLOB);
  await service.killBus();
  await soon(() => assertFailsBy("no_bus", () => keystoreIn(service).get(ID)));
});

test("In another keyring nothing is lost: it is not here", async () => {
  await using service = await startSecretService("unlocked");
  await keystoreIn(service).prepare();
  await keystoreIn(service).put(ID, BLOB);
  await service.wipe();
  await assertFailsBy("not_here", () => keystoreIn(service).get(ID));
  await assertFailsBy("not_here", () => keystoreIn(service).delete(ID));
});

test("Only where the canary reads is a missing blob gone", async () => {
  await using service = await startSecretService("unlocked");
  await keystoreIn(service).prepare();
  await keystoreIn(service).put(ID, BLOB);
  await service.tool(["clear", "application", "palyra", "id", ID]);
  assert.equal(await keystoreIn(service).get(ID), undefined);
});

test("Twenty at once keep their blobs apart", async () => {
  await using service = await startSecretService("unlocked");
  await keystoreIn(service).prepare();
  const ids = Array.from({ length: 20 }, (_, at) => at.toString(16).padStart(32, "0"));
  await Promise.all(ids.map((id) => keystoreIn(service).put(id, `PKV1.${id}`)));
  const found = await Promise.all(ids.map((id) => keystoreIn(service).get(id)));
  assert.deepEqual(found, ids.map((id) => `PKV1.${id}`));
  assert.equal(await service.items(), ids.length + 1);
});

async function assertLocked(service: SecretService, when: string): Promise<void> {
  const keystore = keystoreIn(service);
  await soon(() => assertFailsBy("locked", () => keystore.get(ID), `${when}: get`));
  await soon(() => assertFailsBy("locked", () => keystore.prepare(), `${when}: prepare`));
  await soon(() => assertFailsBy("locked", () => keystore.delete(ID), `${when}: delete`));
  const put = (): Promise<void> => keystore.put("2".repeat(32), BLOB);
  await assertFailsBy("locked", put, `${when}: put`);
}

async function assertEndsAfter(
  limitMs: number,
  act: () => Promise<unknown>,
  what: string,
): Promise<void> {
  const times = await timesOf(() => assertFailsBy("timeout", act, what), limitMs + SLACK_MS);
  assert.ok(times.every((took) => took >= limitMs - 50), `${what}: ${times} ms`);
  assert.ok(times.at(-1)! < limitMs + SLACK_MS, `${what}: ${times} ms`);
}

async function soon(act: () => Promise<unknown>): Promise<void> {
  const times = await timesOf(act, SOON_MS);
  assert.ok(times.at(-1)! < SOON_MS, `${times} ms`);
}

/** Does something until it takes less than a limit, a few times at most: on a busy machine one may be late. */
async function timesOf(act: () => Promise<unknown>, limitMs: number): Promise<number[]> {
  const times: number[] = [];
  while (times.length < TRIES && (times.at(-1) ?? Infinity) >= limitMs) {
    const began = performance.now();
    await act();
    times.push(Math.round(performance.now() - began));
  }
  return times;
}

function keystoreIn({ env }: SecretService): ProvenKeystore {
  return new ProvenKeystore(linuxSecretService(platformWith(env), HOLDER), "vault_key", false);
}
