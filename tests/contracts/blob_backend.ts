/** The contract that every blob backend passes, the in-memory one included. */

import assert from "node:assert/strict";
import { type BlobBackend, MAX_BLOB_LENGTH } from "../../src/vault/backend.ts";

/** A backend under test; `prepare` does what the vault does before it puts a blob. */
export interface BackendUnderTest extends AsyncDisposable {
  readonly backend: BlobBackend;
  readonly prepare: (id: string) => Promise<void>;
}

/** Registers the contract's tests for one kind of backend. */
export function testBlobBackend(kind: string, open: () => Promise<BackendUnderTest>): void {
  function test(
    what: string,
    body: (subject: BackendUnderTest, id: string) => Promise<void>,
  ): void {
    Deno.test(`${kind} backend: ${what}`, async () => {
      await using subject = await open();
      const id = crypto.getRandomValues(new Uint8Array(16)).toHex();
      await subject.prepare(id);
      await body(subject, id);
    });
  }
  test("an absent blob is undefined, not an error", async ({ backend }, id) => {
    assert.equal(await backend.get(id), undefined);
    assert.equal(await backend.get("0".repeat(32)), undefined);
  });
  test("a blob comes back as it was put", async ({ backend }, id) => {
    await backend.put(id, "PKV1.abc-_.def");
    assert.equal(await backend.get(id), "PKV1.abc-_.def");
  });
  test("a blob of the greatest length comes back whole", async ({ backend }, id) => {
    const blob = "PKV1." + "x".repeat(MAX_BLOB_LENGTH - 5);
    await backend.put(id, blob);
    assert.equal(await backend.get(id), blob);
  });
  test("a longer blob, a space and a line end are refused", async ({ backend }, id) => {
    for (const blob of ["x".repeat(MAX_BLOB_LENGTH + 1), "a b", "a\n", "ä", ""]) {
      await assert.rejects(backend.put(id, blob), { code: "internal" });
    }
    assert.equal(await backend.get(id), undefined);
  });
  test("put over a blob replaces it", async ({ backend }, id) => {
    await backend.put(id, "first");
    await backend.put(id, "second");
    assert.equal(await backend.get(id), "second");
  });
  test("delete removes, and succeeds on what is not there", async ({ backend }, id) => {
    await backend.put(id, "blob");
    await backend.delete(id);
    assert.equal(await backend.get(id), undefined);
    await backend.delete(id);
    await backend.delete("f".repeat(32));
  });
  test("blobs do not touch each other, also side by side", async ({ backend, prepare }, id) => {
    const ids = [id, ...Array.from({ length: 7 }, (_, at) => `${at}`.repeat(32))];
    for (const other of ids.slice(1)) await prepare(other);
    for (const one of ids) await backend.put(one, `blob-${one}`);
    await backend.delete(ids[3]!);
    const found = await Promise.all(ids.map((one) => backend.get(one)));
    assert.deepEqual(found, ids.map((one, at) => at === 3 ? undefined : `blob-${one}`));
  });
}
