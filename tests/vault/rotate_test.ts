/** Rotation of the KEK and of scope keys, and what killed writers leave. */

import assert from "node:assert/strict";
import { checkVault } from "../../src/vault/check_vault.ts";
import { liveBlob, liveScopeKey } from "../../src/vault/catalog.ts";
import { ensureVault } from "../../src/vault/create_vault.ts";
import { rotateKek } from "../../src/vault/rotate_kek.ts";
import { rotateScope } from "../../src/vault/rotate_scope.ts";
import { parseScope } from "../../src/vault/scope.ts";
import { openVaultKey } from "../../src/vault/vault_key.ts";
import { assertFails } from "../support/failures.ts";
import {
  makeTestVault,
  noBindings,
  openAgain,
  put,
  take,
  type TestVault,
} from "../support/vaults.ts";

const GLOBAL = parseScope("global");

async function assertClean(test: TestVault): Promise<void> {
  using vault = await openAgain(test);
  const { bad, leftovers } = await checkVault(vault, { repair: false });
  assert.deepEqual({ bad, leftovers }, { bad: [], leftovers: 0 });
}

Deno.test("rotateKek() keeps every secret and makes the old blob worthless", async () => {
  using test = await makeTestVault();
  const { vault } = test;
  await put(vault, "global/a", "A");
  await put(vault, "skill:x/b", "B");
  const before = liveBlob(vault.database)!;
  const oldBlob = String(vault.database.get("SELECT content FROM blobs")!["content"]);
  const { kek: oldKek } = await test.authority.kekFor(before.salt);
  const place = { vaultId: vault.vaultId, generation: before.generation, kid: before.kekKid };
  const oldKey = await openVaultKey(oldBlob, place, oldKek);
  assert.ok(oldKey);
  const rotated = await rotateKek(vault);
  assert.equal(rotated.generation, before.generation + 1);
  assert.notEqual(rotated.kekKid, before.kekKid);
  using other = await openAgain(test);
  assert.equal(await take(other, "global/a"), "A");
  assert.equal(await take(other, "skill:x/b"), "B");
  const row = liveScopeKey(vault.database, GLOBAL)!;
  const unwrapped = crypto.subtle.unwrapKey("raw", row.wrapped, oldKey, "AES-KW", "AES-KW", false, [
    "wrapKey",
  ]);
  await assert.rejects(unwrapped);
  assert.equal(vault.database.all("SELECT kid FROM keks").length, 1);
  await assertClean(test);
});

Deno.test("rotateScope() keeps every version and changes no content", async () => {
  using test = await makeTestVault();
  const { vault } = test;
  await put(vault, "global/a", "A1");
  await put(vault, "global/a", "A2");
  await put(vault, "skill:x/b", "B");
  const content = (): unknown[] =>
    vault.database.all("SELECT iv, tag, ciphertext FROM versions ORDER BY id").map((row) =>
      Object.values(row).map((value) => (value as Uint8Array).toHex())
    );
  const before = content();
  const oldKid = liveScopeKey(vault.database, GLOBAL)!.kid;
  const rotated = await rotateScope(vault, GLOBAL);
  assert.deepEqual(rotated, { scope: GLOBAL, generation: 2, rewrapped: 2 });
  assert.deepEqual(content(), before);
  assert.notEqual(liveScopeKey(vault.database, GLOBAL)!.kid, oldKid);
  assert.equal(await take(vault, "global/a#1"), "A1");
  assert.equal(await take(vault, "global/a"), "A2");
  assert.equal(await take(vault, "skill:x/b"), "B");
  assert.equal((await rotateScope(vault, GLOBAL)).generation, 3);
  await assertClean(test);
});

Deno.test("rotateScope() of a scope that was never used is not found", async () => {
  using test = await makeTestVault();
  await assertFails(
    "not_found",
    /nothing was ever stored/,
    () => rotateScope(test.vault, parseScope("skill:x")),
  );
});

Deno.test("a vault that was open before a rotation goes on reading and writing", async () => {
  using test = await makeTestVault();
  await put(test.vault, "global/a", "A");
  using early = await openAgain(test);
  assert.equal(await take(early, "global/a"), "A"); // its keys are in memory now
  using other = await openAgain(test);
  await rotateKek(other);
  await rotateScope(other, GLOBAL);
  assert.equal(await take(early, "global/a"), "A");
  await put(early, "global/a", "A2");
  await put(early, "skill:new/x", "X");
  using late = await openAgain(test);
  assert.equal(await take(late, "global/a"), "A2");
  assert.equal(await take(late, "skill:new/x"), "X");
  await assertClean(test);
});

Deno.test("the remains of a killed rotation are counted, then removed by the next writer", async () => {
  using test = await makeTestVault();
  const { vault, paths, platform } = test;
  await put(vault, "global/a", "A");
  await vault.database.write(() => {
    const nowAt = "2026-01-01T00:00:00.000Z";
    const salt = new Uint8Array(32);
    vault.database.run("INSERT INTO keks (kid, salt, created_at) VALUES ('ff', ?, ?)", salt, nowAt);
    vault.database.run(
      `INSERT INTO blobs (id, generation, kek_kid, backend, state, created_at)
       VALUES ('ee', 9, 'ff', 'encrypted_file', 'writing', ?)`,
      nowAt,
    );
  });
  Deno.writeTextFileSync(`${paths.directory}/.${crypto.randomUUID()}.tmp`, "");
  const found = await checkVault(vault, { repair: false });
  assert.deepEqual([found.leftovers, found.repaired], [2, 0]);
  {
    using lock = platform.locks.tryAcquire(paths.keysLock);
    assert.ok(lock); // somebody may still be at work: then nobody may clear up
    const options = { keks: test.authority, preference: "auto", bindings: noBindings } as const;
    using _busy = (await ensureVault(platform, paths, options)).vault;
    assert.equal((await checkVault(vault, { repair: false })).leftovers, 2);
  }
  const options = { keks: test.authority, preference: "auto", bindings: noBindings } as const;
  using _idle = (await ensureVault(platform, paths, options)).vault;
  await assertClean(test);
  assert.equal(await take(vault, "global/a"), "A");
});

Deno.test("checkVault() with repair removes leftovers and never what it cannot open", async () => {
  using test = await makeTestVault();
  const { vault, paths } = test;
  await put(vault, "global/a", "A");
  await put(vault, "global/b", "B");
  await vault.database.write(() =>
    vault.database.run("UPDATE versions SET tag = zeroblob(16) WHERE name = 'a'")
  );
  Deno.writeTextFileSync(`${paths.directory}/.${crypto.randomUUID()}.tmp`, "");
  const report = await checkVault(vault, { repair: true });
  assert.deepEqual(report, {
    checked: 2,
    bad: [{ ref: "global/a", version: 1, cause: "envelope" }],
    leftovers: 0,
    repaired: 1,
  });
  assert.equal(vault.database.all("SELECT id FROM versions").length, 2);
});

Deno.test("setSecret() stands over a version that cannot be opened", async () => {
  using test = await makeTestVault();
  const { vault } = test;
  await put(vault, "global/a", "A");
  await vault.database.write(() => vault.database.run("UPDATE versions SET tag = zeroblob(16)"));
  await assertFails("integrity", /global\/a#1/, () => take(vault, "global/a"));
  const outcome = await put(vault, "global/a", "B");
  assert.deepEqual([outcome.version, outcome.replacedUnreadable], [2, true]);
  assert.equal(await take(vault, "global/a"), "B");
});

Deno.test("checkVault() names a scope key whose row says another scope than it was made for", async () => {
  using test = await makeTestVault();
  const { vault } = test;
  await put(vault, "global/a", "A");
  await vault.database.write(() => vault.database.run("UPDATE scope_keys SET scope = 'skill:x'"));
  const { bad } = await checkVault(vault, { repair: false });
  assert.deepEqual(bad, [{ ref: "skill:x", version: 0, cause: "scope_key" }]);
});

Deno.test("a marker that is missing or says something else is put right by the next writer", async () => {
  using test = await makeTestVault();
  const { platform, paths } = test;
  const options = { keks: test.authority, preference: "auto", bindings: noBindings } as const;
  for (
    const spoil of [
      () => Deno.removeSync(paths.marker),
      () => Deno.writeTextFileSync(paths.marker, "x"),
    ]
  ) {
    spoil();
    using _writer = (await ensureVault(platform, paths, options)).vault;
    assert.equal(Deno.readTextFileSync(paths.marker), "encrypted_file\n");
  }
});
