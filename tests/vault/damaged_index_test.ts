/** Damage that an index hides: "not found" and "stored" are proven on the table itself. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { Database } from "../../src/platform/platform.ts";
import { checkVault } from "../../src/vault/check_vault.ts";
import { deleteSecret } from "../../src/vault/delete_secret.ts";
import { secretHistory } from "../../src/vault/list_secrets.ts";
import { parseSecretId } from "../../src/vault/vault_ref.ts";
import { vaultStatus } from "../../src/vault/vault_status.ts";
import { assertFails } from "../support/failures.ts";
import { makeTestVault, openAgain, put, take } from "../support/vaults.ts";

Deno.test("a secret that its index has lost is damage, not absent", async () => {
  using test = await makeTestVault();
  for (const name of ["alpha", "beta", "gamma"]) await put(test.vault, `global/${name}`, name);
  const path = test.paths.database;
  const bytes = Deno.readFileSync(path);
  // The index on (scope, name, version) holds the name a second time, without what the table adds.
  const text = new TextDecoder("latin1").decode(bytes);
  const places = [...text.matchAll(/globalbeta/g)].map(({ index }) => index);
  assert.ok(places.length >= 2);
  let noticed = 0;
  for (const at of places) {
    const altered = bytes.slice();
    altered[at + "global".length]! ^= 1; // beta becomes ceta
    Deno.writeFileSync(path, altered);
    using vault = await openAgain(test);
    const found = await take(vault, "global/beta").then(() => "value", (error) => error.code);
    assert.ok(found === "integrity" || found === "value", found);
    await checkVault(vault, { repair: false }).then(
      ({ bad }) => assert.notEqual(bad.length, 0),
      ({ code }) => assert.equal(code, "integrity"),
    );
    if (found === "integrity") noticed++;
  }
  Deno.writeFileSync(path, bytes);
  assert.ok(noticed >= 1);
  assert.equal(await take(test.vault, "global/beta"), "beta");
});

Deno.test("a secret that is stored right after it was looked for was absent, and is no damage", async () => {
  using test = await makeTestVault();
  await put(test.vault, "global/late", "late");
  using raw = new DatabaseSync(test.paths.database);
  const row = raw.prepare("SELECT * FROM versions").get()!;
  raw.exec("DELETE FROM versions");
  const { database } = test.vault;
  let looks = 0;
  const between: Database = {
    all: (...call) => database.all(...call),
    run: (...call) => database.run(...call),
    read: (body) => database.read(body),
    write: (body) => database.write(body),
    get: (sql, ...values) => {
      if (sql.includes("NOT INDEXED") && looks++ === 0) {
        const names = Object.keys(row);
        raw.prepare(
          `INSERT INTO versions (${names.join()}) VALUES (${names.map(() => "?").join()})`,
        ).run(...Object.values(row));
      }
      return database.get(sql, ...values);
    },
    [Symbol.dispose]: () => {},
  };
  const vault = { ...test.vault, database: between };
  await assertFails("not_found", /no such secret/, () => take(vault, "global/late"));
  assert.equal(looks, 1);
  assert.equal(await take(vault, "global/late"), "late");
});

Deno.test("numbers that palyra never writes are altered data", async () => {
  for (
    const change of [
      "UPDATE versions SET version = 9223372036854775807",
      "UPDATE scope_keys SET generation = 9223372036854775807",
      "UPDATE blobs SET generation = 9007199254740993",
    ]
  ) {
    using test = await makeTestVault();
    await put(test.vault, "global/a", "A");
    using raw = new DatabaseSync(test.paths.database);
    raw.exec(change);
    const read = async (): Promise<string> => {
      using vault = await openAgain(test);
      return await take(vault, "global/a");
    };
    await assertFails("integrity", /./, read);
  }
  using test = await makeTestVault();
  await test.vault.database.write(() =>
    test.vault.database.run("INSERT INTO tombstones VALUES ('global', 'a', 999999999, 't')")
  );
  await assertFails("integrity", /damaged/, () => put(test.vault, "global/a", "A"));
});

Deno.test("a changed date does not make history and delete say that there is nothing", async () => {
  using test = await makeTestVault();
  const { vault } = test;
  await put(vault, "global/a", "A");
  const past = "2000-01-01T00:00:00.000Z";
  await vault.database.write(() => vault.database.run("UPDATE versions SET expires_at = ?", past));
  const id = parseSecretId("global/a");
  await assertFails("integrity", /./, () => secretHistory(vault, id));
  await assertFails("integrity", /./, () => deleteSecret(vault, id));
});

Deno.test("a vault in use without a live key is not called empty, a scope without its key gets no other", async () => {
  using test = await makeTestVault();
  const { vault } = test;
  await put(vault, "global/a", "A");
  using raw = new DatabaseSync(test.paths.database, { enableForeignKeyConstraints: false });
  raw.exec("UPDATE blobs SET state = 'deleting'");
  await assertFails("integrity", /gone/, () => vaultStatus(vault));
  raw.exec("UPDATE blobs SET state = 'live'");
  raw.exec("DELETE FROM scope_keys");
  await assertFails("integrity", /row is gone/, () => put(vault, "global/b", "B"));
});
