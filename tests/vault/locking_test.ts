/** Who waits for whom: rotations and first uses for `keys.lock`, writers for the key in force. */

import assert from "node:assert/strict";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import type { Database, Platform } from "../../src/platform/platform.ts";
import { ensureVault } from "../../src/vault/create_vault.ts";
import { rotateKek } from "../../src/vault/rotate_kek.ts";
import { rotateScope } from "../../src/vault/rotate_scope.ts";
import { parseScope } from "../../src/vault/scope.ts";
import { type Vault, vaultPaths } from "../../src/vault/vault.ts";
import {
  ensureFileIdentity,
  makeTestVault,
  noBindings,
  openAgain,
  put,
  take,
  type TestVault,
} from "../support/vaults.ts";

const GLOBAL = parseScope("global");
/** Many times what an operation takes that does not wait. */
const HELD_MS = 1_000;

/** Asserts that an operation does not end while somebody holds `keys.lock`, and does afterwards. */
async function assertWaits(test: TestVault, operation: () => Promise<unknown>): Promise<void> {
  // A child that another test is just starting may hold what was let go, until it runs its program.
  const lock = await test.platform.locks.acquire(test.paths.keysLock, 5_000);
  let ended = false;
  const running = operation().finally(() => ended = true);
  await new Promise((resolve) => setTimeout(resolve, HELD_MS));
  const early = ended;
  lock[Symbol.dispose]();
  await running;
  assert.equal(early, false, "it did not wait");
}

Deno.test("a rotation waits for keys.lock", async () => {
  using test = await makeTestVault();
  await put(test.vault, "global/a", "A");
  await assertWaits(test, () => rotateKek(test.vault));
  await assertWaits(test, () => rotateScope(test.vault, GLOBAL));
  assert.equal(await take(test.vault, "global/a"), "A");
});

Deno.test("first use of a scope waits for keys.lock, later use does not", async () => {
  using test = await makeTestVault();
  await assertWaits(test, () => put(test.vault, "skill:new/a", "A"));
  using _lock = test.platform.locks.tryAcquire(test.paths.keysLock);
  await put(test.vault, "skill:new/a", "B");
  assert.equal(await take(test.vault, "skill:new/a"), "B");
});

Deno.test("a value sealed with a key that has gone meanwhile is sealed anew", async () => {
  using test = await makeTestVault();
  await put(test.vault, "global/a", "A");
  using other = await openAgain(test);
  let rotations = 0;
  const { database } = test.vault;
  /** Rotates the scope after the writer has opened its key, before it begins its transaction. */
  async function write<T>(body: () => T | Promise<T>): Promise<T> {
    if (rotations++ < 3) await rotateScope(other, GLOBAL);
    return await database.write(body);
  }
  const between: Database = {
    get: (...call) => database.get(...call),
    all: (...call) => database.all(...call),
    run: (...call) => database.run(...call),
    read: (body) => database.read(body),
    write,
    [Symbol.dispose]: () => {},
  };
  const vault: Vault = { ...test.vault, database: between };
  assert.equal((await put(vault, "global/a", "B")).version, 2);
  assert.equal(rotations, 4); // three rotations, and the write that got through
  assert.equal(await take(other, "global/a"), "B");
});

Deno.test("of two first users, one with the database and one with the key, one has made the vault", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  const paths = vaultPaths(directory);
  Deno.chmodSync(directory, 0o700);
  const keks = await ensureFileIdentity(denoPlatform, `${directory}/identity`);
  const options = { keks, preference: "encrypted_file", bindings: noBindings } as const;
  const made: boolean[] = [];
  async function use(platform: Platform): Promise<void> {
    const { vault, created } = await ensureVault(platform, paths, options);
    made.push(created);
    vault[Symbol.dispose]();
  }
  let locked = 0;
  const { locks } = denoPlatform;
  /** Lets another process be first between the database and its key. */
  const acquire: typeof locks.acquire = async (...call) => {
    if (locked++ === 1) await use(denoPlatform);
    return await locks.acquire(...call);
  };
  await use({ ...denoPlatform, locks: { ...locks, acquire } });
  Deno.removeSync(directory, { recursive: true });
  assert.ok(locked >= 2);
  assert.deepEqual(made, [true, false]);
});
