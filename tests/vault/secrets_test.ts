/** Storing, reading, deleting and rolling back, on a real vault with a clock of its own. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { SensitiveBytes } from "../../src/crypto/sensitive_bytes.ts";
import { importWrappingKey } from "../../src/crypto/jwe.ts";
import { MAX_VALUE_BYTES, openValue } from "../../src/vault/envelope.ts";
import { sealValue } from "../../src/vault/sealing.ts";
import { listSecrets, secretHistory } from "../../src/vault/list_secrets.ts";
import { readOldestDate, readSecret } from "../../src/vault/read_secret.ts";
import { deleteSecret } from "../../src/vault/delete_secret.ts";
import { rollBackSecret } from "../../src/vault/roll_back_secret.ts";
import { setSecret } from "../../src/vault/set_secret.ts";
import { parseSecretId } from "../../src/vault/vault_ref.ts";
import { assertFails } from "../support/failures.ts";
import { checkProperty } from "../support/properties.ts";
import { bytes, makeTestVault, openAgain, put, START_MS, take } from "../support/vaults.ts";

const REF = "global/key";
const ID = parseSecretId(REF);

Deno.test("setSecret() makes version 1, then 2 for another value, none for the same", async () => {
  using test = await makeTestVault();
  const { vault, clock } = test;
  const first = await put(vault, REF, "one");
  assert.deepEqual(first, {
    version: 1,
    created: true,
    changed: true,
    updatedAt: "2026-01-02T03:04:05.678Z",
    replacedUnreadable: false,
  });
  clock.now += 1_000;
  const same = await put(vault, REF, "one");
  assert.deepEqual([same.version, same.created, same.changed, same.updatedAt], [
    1,
    false,
    false,
    "2026-01-02T03:04:05.678Z",
  ]);
  const second = await put(vault, REF, "two");
  assert.deepEqual([second.version, second.created, second.changed], [2, false, true]);
  assert.equal(await take(vault, REF), "two");
  assert.equal(await take(vault, `${REF}#1`), "one");
  assert.equal(await readOldestDate(vault, ID), "2026-01-02T03:04:05.678Z");
});

Deno.test("values of every kind come back exactly", async () => {
  using test = await makeTestVault();
  let at = 0;
  const property = fc.asyncProperty(
    fc.uint8Array({ minLength: 1, maxLength: 2_000 }),
    async (content) => {
      const id = parseSecretId(`skill:x/value_${at++ % 7}`);
      using value = new SensitiveBytes(new Uint8Array(content));
      await setSecret(test.vault, id, value);
      using other = await openAgain(test);
      using opened = await readSecret(other, id);
      assert.deepEqual(opened.value.reveal(), new Uint8Array(content));
    },
  );
  await checkProperty("values", property);
});

Deno.test("setSecret() takes 1 MiB and refuses one byte more, and refuses nothing at all", async () => {
  using test = await makeTestVault();
  using most = new SensitiveBytes(new Uint8Array(MAX_VALUE_BYTES).fill(0xa5));
  await setSecret(test.vault, ID, most);
  using opened = await readSecret(test.vault, ID);
  assert.equal(opened.value.reveal().length, 1_048_576);
  const more = new SensitiveBytes(new Uint8Array(MAX_VALUE_BYTES + 1));
  await assertFails("usage", /larger than 1048576/, () => setSecret(test.vault, ID, more));
  await assertFails("usage", /empty/, () => setSecret(test.vault, ID, bytes("")));
});

Deno.test("the last 10 versions are kept", async () => {
  using test = await makeTestVault();
  for (let at = 1; at <= 12; at++) await put(test.vault, REF, `value ${at}`);
  const versions = (await secretHistory(test.vault, ID)).map(({ version }) => version);
  assert.deepEqual(versions, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
  assert.equal(await take(test.vault, `${REF}#3`), "value 3");
  await assertFails("not_found", /no such version/, () => take(test.vault, `${REF}#2`));
});

Deno.test("a deleted secret is gone with all versions, and its numbers never return", async () => {
  using test = await makeTestVault();
  await put(test.vault, REF, "one");
  await put(test.vault, REF, "two");
  await deleteSecret(test.vault, ID);
  for (const ref of [REF, `${REF}#1`, `${REF}#2`]) {
    await assertFails("not_found", /no such/, () => take(test.vault, ref));
  }
  await assertFails("not_found", /no such secret/, () => deleteSecret(test.vault, ID));
  const again = await put(test.vault, REF, "one");
  assert.deepEqual([again.version, again.created], [3, true]);
  await deleteSecret(test.vault, ID);
  assert.equal((await put(test.vault, REF, "one")).version, 4);
});

Deno.test("ifAbsent keeps what is there, ifVersion is exact", async () => {
  using test = await makeTestVault();
  const { vault } = test;
  await assertFails("precondition", /no such secret/, () => put(vault, REF, "x", { ifVersion: 1 }));
  assert.equal((await put(vault, REF, "one", { ifVersion: 0 })).created, true);
  await assertFails("precondition", /version is 1/, () => put(vault, REF, "x", { ifVersion: 0 }));
  await assertFails("precondition", /version is 1/, () => put(vault, REF, "x", { ifVersion: 2 }));
  const kept = await put(vault, REF, "other", { ifAbsent: true });
  assert.deepEqual([kept.version, kept.changed], [1, false]);
  assert.equal(await take(vault, REF), "one");
  assert.equal((await put(vault, REF, "two", { ifVersion: 1 })).version, 2);
});

Deno.test("rollBackSecret() adds a version with the old value", async () => {
  using test = await makeTestVault();
  const { vault } = test;
  for (const text of ["one", "two", "three"]) await put(vault, REF, text);
  const outcome = await rollBackSecret(vault, ID, 1);
  assert.deepEqual([outcome.version, outcome.changed], [4, true]);
  assert.equal(await take(vault, REF), "one");
  assert.deepEqual((await rollBackSecret(vault, ID, 4)).changed, false);
  assert.deepEqual((await rollBackSecret(vault, ID, 1)).changed, false); // the same value already
  await assertFails("not_found", /#9/, () => rollBackSecret(vault, ID, 9));
  await assertFails("not_found", /./, () => rollBackSecret(vault, parseSecretId("global/none"), 1));
});

Deno.test("an expired secret is gone at its instant, with its whole history", async () => {
  using test = await makeTestVault();
  const { vault, clock } = test;
  await put(vault, REF, "for ever");
  await put(vault, REF, "for a minute", { lifetimeMs: 60_000 });
  clock.now = START_MS + 59_999;
  assert.equal(await take(vault, REF), "for a minute");
  clock.now = START_MS + 60_000;
  for (const ref of [REF, `${REF}#1`, `${REF}#2`]) {
    await assertFails("not_found", /no such/, () => take(vault, ref));
  }
  assert.deepEqual(await listSecrets(vault), []);
  await assertFails("not_found", /./, () => secretHistory(vault, ID));
  await assertFails("not_found", /./, () => rollBackSecret(vault, ID, 1));
  await assertFails("not_found", /./, () => deleteSecret(vault, ID));
  const again = await put(vault, REF, "for ever");
  assert.deepEqual([again.version, again.created], [3, true]);
  assert.deepEqual((await secretHistory(vault, ID)).map(({ version }) => version), [3]);
});

Deno.test("reads leave expired values where they are, writers remove them everywhere", async () => {
  using test = await makeTestVault();
  const { vault, clock } = test;
  const count = (): number => vault.database.all("SELECT id FROM versions").length;
  await put(vault, "session:a/token", "t");
  await put(vault, REF, "old", { lifetimeMs: 1_000 });
  await put(vault, REF, "new");
  await put(vault, "global/other", "x");
  clock.now = START_MS + 86_400_000; // a session secret lives a day by default
  await assertFails("not_found", /./, () => take(vault, "session:a/token"));
  assert.equal(count(), 4);
  await put(vault, "global/other", "y");
  assert.equal(count(), 3); // two of global/other, one of REF
  assert.equal(await take(vault, REF), "new");
  await assertFails("not_found", /./, () => take(vault, `${REF}#1`));
  assert.equal((await put(vault, "session:a/token", "t")).version, 2);
});

Deno.test("the same value with a lifetime is a new version", async () => {
  using test = await makeTestVault();
  await put(test.vault, REF, "same");
  assert.equal((await put(test.vault, REF, "same", { lifetimeMs: 1_000 })).version, 2);
  assert.equal((await put(test.vault, REF, "same")).version, 3);
  await assertFails("usage", /9999/, () => put(test.vault, REF, "x", { lifetimeMs: 9e14 }));
});

Deno.test("listSecrets() is sorted, and can be limited to a scope", async () => {
  using test = await makeTestVault();
  for (const ref of ["skill:b/x", "global/b", "global/a", "skill:a/x"]) {
    await put(test.vault, ref, "v");
  }
  const names = async (scope?: string): Promise<string[]> =>
    (await listSecrets(test.vault, scope as never)).map(({ id }) => `${id.scope}/${id.name}`);
  assert.deepEqual(await names(), ["global/a", "global/b", "skill:a/x", "skill:b/x"]);
  assert.deepEqual(await names("skill:a"), ["skill:a/x"]);
  assert.deepEqual(await names("skill:zz"), []);
});

Deno.test("an envelope of nothing, or of more than the limit, is no value", async () => {
  const key = await importWrappingKey(crypto.getRandomValues(new Uint8Array(32)));
  const place = { vaultId: "v", id: ID, version: 1, createdAt: "t", expiresAt: undefined };
  for (
    const [length, opens] of [[0, false], [1, true], [1_048_576, true], [1_048_577, false]] as const
  ) {
    const parts = await sealValue(new SensitiveBytes(new Uint8Array(length)), place, key);
    assert.equal(await openValue(parts, place, key) !== undefined, opens, `${length} bytes`);
  }
});

Deno.test("rollBackSecret() does not believe a changed date", async () => {
  using test = await makeTestVault();
  const { vault } = test;
  await put(vault, REF, "one");
  await put(vault, REF, "two");
  const past = "2000-01-01T00:00:00.000Z";
  await vault.database.write(() =>
    vault.database.run("UPDATE versions SET expires_at = ? WHERE version = 2", past)
  );
  await assertFails("integrity", /#2/, () => rollBackSecret(vault, ID, 1));
});
