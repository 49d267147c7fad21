/** The identity: made once, sealed, and never made anew. */

import assert from "node:assert/strict";
import { PalyraError } from "../../src/errors.ts";
import { SensitiveBytes } from "../../src/crypto/sensitive_bytes.ts";
import { readDevice } from "../../src/identity/device.ts";
import { collectIdentityLeftovers, openIdentity } from "../../src/identity/identity.ts";
import { openIdentityStore } from "../../src/identity/store.ts";
import { makeUlid, ULID } from "../../src/identity/ulid.ts";
import { denoPlatform as platform } from "../../src/platform/deno/platform.ts";
import { assertFails } from "../support/failures.ts";
import { ensureFileIdentity, NO_ACCESS } from "../support/vaults.ts";

async function withIdentity(body: (directory: string) => Promise<void>): Promise<void> {
  const parent = Deno.makeTempDirSync();
  try {
    const directory = `${parent}/identity`;
    await ensureFileIdentity(platform, directory);
    await body(directory);
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
}

const SALT = new Uint8Array(32).fill(7);

Deno.test("an identity is made once and opens the same again", async () => {
  await withIdentity(async (directory) => {
    const first = await (await openIdentity(platform, directory, NO_ACCESS))!.kekFor(SALT);
    const again = await ensureFileIdentity(platform, directory);
    assert.equal((await again.kekFor(SALT)).kid, first.kid);
    assert.notEqual((await again.kekFor(new Uint8Array(32))).kid, first.kid);
    using store = await openIdentityStore(platform, directory, NO_ACCESS);
    const device = await readDevice(store!);
    assert.match(device!.deviceId, ULID);
    assert.equal(device!.publicKey.length, 43);
  });
});

Deno.test("sixteen first openings side by side make one identity", async () => {
  const parent = Deno.makeTempDirSync();
  const open = (): Promise<string> =>
    ensureFileIdentity(platform, `${parent}/identity`).then(async (authority) =>
      (await authority.kekFor(SALT)).kid
    );
  const kids = await Promise.all(Array.from({ length: 16 }, open));
  assert.equal(new Set(kids).size, 1);
  Deno.removeSync(parent, { recursive: true });
});

Deno.test("a record under another name does not open", async () => {
  await withIdentity(async (directory) => {
    using store = (await openIdentityStore(platform, directory, NO_ACCESS))!;
    await store.add("one", new SensitiveBytes(new Uint8Array([1])));
    Deno.renameSync(`${directory}/one.sealed`, `${directory}/two.sealed`);
    await assertFails("integrity", /two\.sealed/, () => store.get("two"));
    assert.equal(await store.get("one"), undefined);
  });
});

Deno.test("every altered byte of a record is noticed", async () => {
  await withIdentity(async (directory) => {
    const path = `${directory}/ca.sealed`;
    const bytes = Deno.readFileSync(path);
    for (let at = 0; at < bytes.length; at++) {
      const altered = bytes.slice();
      altered[at]! ^= 1;
      Deno.writeFileSync(path, altered);
      await assertFails(
        "integrity",
        /ca\.sealed/,
        () => openIdentity(platform, directory, NO_ACCESS),
      );
    }
    Deno.writeFileSync(path, bytes);
    assert.ok(await openIdentity(platform, directory, NO_ACCESS));
  });
});

Deno.test("a part of an identity that is missing is never made anew", async () => {
  for (const name of ["store.key", "ca.sealed"]) {
    await withIdentity(async (directory) => {
      Deno.removeSync(`${directory}/${name}`);
      const create = (): Promise<unknown> => ensureFileIdentity(platform, directory);
      await assertFails("integrity", /missing/, create);
      assert.throws(() => Deno.lstatSync(`${directory}/${name}`), Deno.errors.NotFound);
    });
  }
});

Deno.test("a first run that was killed half-way is completed with the same keys", async () => {
  await withIdentity(async (directory) => {
    const { kid } = await (await openIdentity(platform, directory, NO_ACCESS))!.kekFor(SALT);
    Deno.removeSync(`${directory}/device.sealed`); // the last thing that a first run makes
    assert.equal(await openIdentity(platform, directory, NO_ACCESS), undefined);
    const refuse = (): never => {
      throw new PalyraError("denied", "Not here");
    };
    await assertFails("denied", /Not here/, () => ensureFileIdentity(platform, directory, refuse));
    const completed = await ensureFileIdentity(platform, directory);
    assert.equal((await completed.kekFor(SALT)).kid, kid);
  });
});

Deno.test("temporary files of killed writers are removed unless somebody is at work", async () => {
  await withIdentity(async (directory) => {
    const stray = `${directory}/.${crypto.randomUUID()}.tmp`;
    Deno.writeTextFileSync(stray, "x");
    {
      using _lock = platform.locks.tryAcquire(`${directory}/identity.lock`);
      assert.equal(await collectIdentityLeftovers(platform, directory, NO_ACCESS), 0);
    }
    assert.equal(await collectIdentityLeftovers(platform, directory, NO_ACCESS), 1);
    assert.throws(() => Deno.lstatSync(stray), Deno.errors.NotFound);
  });
});

Deno.test("ULIDs sort by time and hold it exactly", () => {
  const random = new Uint8Array(10).fill(255);
  assert.equal(makeUlid(0, new Uint8Array(10)), "0".repeat(26));
  assert.equal(makeUlid(1_469_918_176_385, new Uint8Array(10)).slice(0, 10), "01ARYZ6S41");
  assert.equal(makeUlid(2 ** 48 - 1, random), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
});

Deno.test("a record that opens but holds something else is damaged, and nothing of it is quoted", async () => {
  const good = { kty: "EC", crv: "P-256", x: "x", y: "y", d: "A".repeat(43) };
  const documents = [
    "canary",
    "",
    "null",
    "[]",
    "7",
    '{"d":"canary"}',
    JSON.stringify({ ...good, kty: "OKP" }),
    JSON.stringify({ ...good, crv: "P-384" }),
    JSON.stringify({ ...good, d: "canary" }),
    JSON.stringify({ ...good, x: undefined }),
  ];
  for (const text of documents) {
    await withIdentity(async (directory) => {
      using store = (await openIdentityStore(platform, directory, NO_ACCESS))!;
      for (const name of ["ca", "device"]) {
        Deno.removeSync(`${directory}/${name}.sealed`);
        await store.add(name, new SensitiveBytes(new TextEncoder().encode(text)));
      }
      await assertFails(
        "integrity",
        /^(?!.*canary)/,
        () => openIdentity(platform, directory, NO_ACCESS),
      );
      await assertFails("integrity", /^(?!.*canary)/, () => readDevice(store));
    });
  }
});

Deno.test("an identity that another process completes during the look is not called missing", async () => {
  await withIdentity(async (prepared) => {
    const directory = `${prepared}-later`;
    Deno.mkdirSync(directory, { mode: 0o700 });
    let inUse = false;
    function list(path: string): string[] {
      const names = platform.directories.list(path);
      if (!inUse) Deno.renameSync(prepared, directory); // whole at once, and used from now on
      inUse = true;
      return names;
    }
    const meanwhile = { ...platform, directories: { ...platform.directories, list } };
    const mayCreate = (): void => {
      if (inUse) throw new PalyraError("integrity", "In use");
    };
    assert.ok(await ensureFileIdentity(meanwhile, directory, mayCreate));
  });
});
