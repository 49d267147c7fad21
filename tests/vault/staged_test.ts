/** Staged versions: seen, finished and undone by what the document says, whoever looks. */

import assert from "node:assert/strict";
import { PalyraError } from "../../src/errors.ts";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { checkVault } from "../../src/vault/check_vault.ts";
import { deleteSecret } from "../../src/vault/delete_secret.ts";
import { listSecrets, secretHistory } from "../../src/vault/list_secrets.ts";
import { readSecret } from "../../src/vault/read_secret.ts";
import { lockConfigure } from "../../src/vault/recovery.ts";
import { rollBackSecret } from "../../src/vault/roll_back_secret.ts";
import { rotateScope } from "../../src/vault/rotate_scope.ts";
import { parseScope } from "../../src/vault/scope.ts";
import { findIntent, stagedRows } from "../../src/vault/staged.ts";
import type { DocumentBindings, Vault } from "../../src/vault/vault.ts";
import { formatSecretId, parseSecretId } from "../../src/vault/vault_ref.ts";
import { writeMany } from "../../src/vault/write_many.ts";
import { assertFails } from "../support/failures.ts";
import { bytes, makeTestVault, put, take, type TestVault } from "../support/vaults.ts";

const BEFORE = "before";
const AFTER = "after";

/**
 * A vault whose documents are lines `field=scope/name`, with `!` behind a secret that is named in
 * another spelling; "broken" is no document. Every field is a witness but those that are `bound`.
 */
async function stagedVault(
  stages: Readonly<Record<string, string>>,
  before: Readonly<Record<string, string>> = {},
  { bound = [], respelled = [] }: { bound?: string[]; respelled?: string[] } = {},
): Promise<TestVault & { readonly vault: Vault; readonly path: string; save(text: string): void }> {
  const test = await makeTestVault();
  const path = `${test.stateRoot}/document`;
  const vault: Vault = { ...test.vault, bindings };
  for (const [ref, text] of Object.entries(before)) await put(vault, ref, text);
  const save = (text: string): void => Deno.writeTextFileSync(path, text);
  save(BEFORE);
  Deno.writeTextFileSync(`${path}.temp`, AFTER);
  const requests = Object.entries(stages).map(([ref, text]) => ({
    id: parseSecretId(ref),
    value: bytes(text),
    ifAbsent: false,
    lifetimeMs: undefined,
    field: `field_of_${ref.split("/")[1]}`,
  }));
  await writeMany(vault, requests, {
    id: "0".repeat(32),
    path,
    before: await digest(BEFORE),
    after: await digest(AFTER),
    tempPath: `${path}.temp`,
    witnesses: requests.filter(({ field }) => !bound.includes(field)).map(({ field, id }) => ({
      field,
      ref: formatSecretId(id),
      exact: respelled.includes(field),
    })),
  });
  return { ...test, vault, path, save, [Symbol.dispose]: () => test[Symbol.dispose]() };
}

function bindings(
  document: Uint8Array<ArrayBuffer>,
): Promise<DocumentBindings> {
  const text = new TextDecoder().decode(document);
  if (text === "broken") {
    return Promise.reject(new PalyraError("usage", "Cannot read the document: it is broken"));
  }
  const lines = new Map(text.split("\n").map((line) => line.split("=") as [string, string]));
  return Promise.resolve({
    of: (field) => {
      const found = lines.get(field);
      return { ref: found?.replace("!", ""), exact: found?.includes("!") === false };
    },
    names: (ref) => [...lines.values()].some((found) => found === ref),
  });
}

function digest(text: string): Promise<string> {
  return sha256Hex(new TextEncoder().encode(text));
}

async function refs(vault: Vault): Promise<string[]> {
  return (await listSecrets(vault)).map(({ id, version }) => `${formatSecretId(id)}#${version}`);
}

Deno.test("a staged version is seen by nobody before its document is in place, and by all after", async () => {
  using test = await stagedVault({ "global/a": "new a", "global/b": "new b" }, {
    "global/a": "old a",
  });
  const { vault, save } = test;
  assert.equal(await take(vault, "global/a"), "old a");
  await assertFails("not_found", /no such secret/, () => take(vault, "global/b"));
  await assertFails("not_found", /no such version/, () => take(vault, "global/a#2"));
  assert.deepEqual(await refs(vault), ["global/a#1"]);
  assert.equal((await secretHistory(vault, parseSecretId("global/a"))).length, 1);
  save(AFTER);
  assert.equal(await take(vault, "global/a"), "new a");
  assert.equal(await take(vault, "global/a#2"), "new a");
  assert.equal(await take(vault, "global/a#1"), "old a");
  assert.equal(await take(vault, "global/b"), "new b");
  assert.deepEqual(await refs(vault), ["global/a#2", "global/b#1"]);
  assert.equal((await secretHistory(vault, parseSecretId("global/a"))).length, 2);
  assert.equal(stagedRows(vault.database).length, 2); // readers change nothing
  save(BEFORE);
  assert.equal(await take(vault, "global/a"), "old a");
});

Deno.test("in a document of somebody else each field decides for itself", async () => {
  const old = { "global/a": "old a", "global/b": "old b" };
  using test = await stagedVault({ "global/a": "new a", "global/b": "new b" }, old);
  const { vault, save } = test;
  save("field_of_a=global/a\nfield_of_b=global/other");
  assert.equal(await take(vault, "global/a"), "new a");
  assert.equal(await take(vault, "global/b"), "old b");
  await put(vault, "global/c", "c"); // a writer concludes it
  assert.deepEqual(await refs(vault), ["global/a#2", "global/b#1", "global/c#1"]);
  assert.equal(findIntent(vault.database), undefined);
});

Deno.test("an intent without any new value stays for the sake of its temporary file", async () => {
  using test = await stagedVault({ "global/a": "same" }, { "global/a": "same" });
  const { vault, path } = test;
  assert.equal(stagedRows(vault.database).length, 0);
  assert.notEqual(findIntent(vault.database), undefined);
  await put(vault, "global/c", "c");
  assert.equal(findIntent(vault.database), undefined);
  assert.throws(() => Deno.statSync(`${path}.temp`), Deno.errors.NotFound);
});

Deno.test("a field that named its secret all along is no witness", async () => {
  const old = { "global/a": "old a" };
  const stages = { "global/a": "new a", "global/b": "new b" };
  {
    using test = await stagedVault(stages, old, { bound: ["field_of_a"] });
    test.save("field_of_a=global/a\nan editor was here");
    assert.equal(await take(test.vault, "global/a"), "old a");
    await put(test.vault, "global/c", "c");
    assert.deepEqual(await refs(test.vault), ["global/a#1", "global/c#1"]);
  }
  {
    using test = await stagedVault(stages, old, { bound: ["field_of_a"] });
    test.save("field_of_a=global/a\nfield_of_b=global/b\nan editor was here, afterwards");
    assert.equal(await take(test.vault, "global/a"), "new a");
    await put(test.vault, "global/c", "c");
    assert.deepEqual(await refs(test.vault), ["global/a#2", "global/b#1", "global/c#1"]);
  }
  using test = await stagedVault(stages, old, { bound: ["field_of_a"] });
  test.save("field_of_b=global/b\nan editor has taken a out");
  assert.equal(await take(test.vault, "global/a"), "old a");
  assert.equal(await take(test.vault, "global/b"), "new b");
});

Deno.test("a field that named its secret in another way testifies only when it names it as written", async () => {
  const old = { "global/a": "old a" };
  using test = await stagedVault({ "global/a": "new a" }, old, { respelled: ["field_of_a"] });
  test.save("field_of_a=global/a!\nan editor was here");
  assert.equal(await take(test.vault, "global/a"), "old a");
  test.save("field_of_a=global/a\nan editor was here, afterwards");
  assert.equal(await take(test.vault, "global/a"), "new a");
});

Deno.test("every writer finishes what is committed, and undoes what is not", async () => {
  const id = parseSecretId("global/a");
  const writers: readonly ((vault: Vault) => Promise<unknown>)[] = [
    (vault) => put(vault, "global/other", "other"),
    (vault) => rollBackSecret(vault, parseSecretId("global/old"), 1),
    (vault) => deleteSecret(vault, parseSecretId("global/old")),
    async (vault) => (await lockConfigure(vault))[Symbol.dispose](),
    (vault) => checkVault(vault, { repair: true }),
  ];
  for (const write of writers) {
    for (const text of [BEFORE, AFTER]) {
      using test = await stagedVault({ "global/a": "new" }, { "global/old": "old" });
      const { vault, save, path } = test;
      save(text);
      await write(vault);
      assert.equal(findIntent(vault.database), undefined);
      assert.equal(stagedRows(vault.database).length, 0);
      assert.throws(() => Deno.lstatSync(`${path}.temp`), Deno.errors.NotFound);
      if (text === AFTER) assert.equal(await take(vault, formatSecretId(id)), "new");
      else await assertFails("not_found", /no such secret/, () => readSecret(vault, id));
      assert.deepEqual((await checkVault(vault, { repair: false })).leftovers, 0);
    }
  }
});

Deno.test("the number of a committed version is never given to another one", async () => {
  using test = await stagedVault({ "global/a": "bound" }, { "global/a": "old" });
  const { vault, save } = test;
  save(AFTER);
  assert.equal((await put(vault, "global/a", "later")).version, 3);
  assert.equal(await take(vault, "global/a#2"), "bound");
});

Deno.test("a document that nobody can read stops writers, not readers of other secrets", async () => {
  using test = await stagedVault({ "global/a": "new" }, { "global/a": "old", "global/b": "b" });
  const { vault, save } = test;
  save("broken");
  assert.equal(await take(vault, "global/b"), "b");
  await assertFails("usage", /broken/, () => take(vault, "global/a"));
  await assertFails("usage", /broken/, () => put(vault, "global/c", "c"));
  save(AFTER);
  await put(vault, "global/c", "c");
  assert.equal(await take(vault, "global/a"), "new");
});

Deno.test("a document that is being saved is not taken for one that names nothing", async () => {
  using test = await stagedVault({ "global/a": "new" });
  const { vault, save } = test;
  save(""); // an editor has emptied it, and writes it in a moment
  const written = put(vault, "global/c", "c");
  setTimeout(() => save("field_of_a=global/a"), 50);
  await written;
  assert.equal(await take(vault, "global/a"), "new");
});

Deno.test("a document that is gone keeps a new secret, which it may name when it returns, and no new value", async () => {
  const old = { "global/b": "old b" };
  using test = await stagedVault({ "global/a": "new a", "global/b": "new b" }, old);
  const { vault, path } = test;
  Deno.removeSync(path);
  assert.equal(await take(vault, "global/b"), "old b");
  await put(vault, "global/c", "c");
  assert.deepEqual(await refs(vault), ["global/a#1", "global/b#1", "global/c#1"]);
});

Deno.test("a new secret counts as soon as any field names it", async () => {
  using test = await stagedVault({ "global/a": "new a" });
  test.save("field_that_was_renamed=global/a");
  assert.equal(await take(test.vault, "global/a"), "new a");
  await put(test.vault, "global/c", "c");
  assert.deepEqual(await refs(test.vault), ["global/a#1", "global/c#1"]);
});

Deno.test("rotation takes staged versions with it", async () => {
  using test = await stagedVault({ "global/a": "new" }, { "global/b": "b" });
  const { vault, save } = test;
  assert.equal((await rotateScope(vault, parseScope("global"))).rewrapped, 2);
  save(AFTER);
  assert.equal(await take(vault, "global/a"), "new");
  await put(vault, "global/c", "c");
  assert.equal(await take(vault, "global/a"), "new");
  assert.deepEqual((await checkVault(vault, { repair: false })).bad, []);
});

Deno.test("a committed version takes the place of an expired one, and old ones go", async () => {
  using test = await stagedVault({ "global/a": "bound" }, { "global/a": "old" });
  const { vault, save } = test;
  save(AFTER);
  const few: Vault = { ...vault, keepVersions: 1 };
  await put(few, "global/c", "c");
  assert.deepEqual(
    (await secretHistory(vault, parseSecretId("global/a"))).map(({ version }) => version),
    [2],
  );
});

Deno.test("a check opens staged versions as well, and counts the intent as a leftover", async () => {
  using test = await stagedVault({ "global/a": "new" });
  const { vault } = test;
  assert.deepEqual(await checkVault(vault, { repair: false }), {
    checked: 1,
    bad: [],
    leftovers: 1,
    repaired: 0,
  });
  await vault.database.write(() => vault.database.run("UPDATE staged SET tag = zeroblob(16)"));
  const { bad } = await checkVault(vault, { repair: false });
  assert.deepEqual(bad, [{ ref: "global/a", version: 1, cause: "envelope" }]);
});

Deno.test("many secrets are written together or not at all", async () => {
  using test = await makeTestVault();
  const { vault } = test;
  await put(vault, "global/there", "there");
  const request = (
    ref: string,
    text?: string,
    ifAbsent = false,
  ): Parameters<typeof writeMany>[1][number] => ({
    id: parseSecretId(ref),
    value: text === undefined ? undefined : bytes(text),
    ifAbsent,
    lifetimeMs: undefined,
    field: "f",
  });
  await assertFails(
    "not_found",
    /global\/none/,
    () => writeMany(vault, [request("global/a", "a"), request("global/none")]),
  );
  assert.deepEqual(await refs(vault), ["global/there#1"]);
  const outcomes = await writeMany(vault, [
    request("global/a", "a"),
    request("skill:s/b", "b"),
    request("global/a"), // bound once more: the value of the first
    request("global/there", "other", true),
    request("global/there"),
  ]);
  assert.deepEqual(outcomes.map(({ version, created, changed }) => [version, created, changed]), [
    [1, true, true],
    [1, true, true],
    [1, false, false],
    [1, false, false],
    [1, false, false],
  ]);
  assert.equal(await take(vault, "global/there"), "there");
});
