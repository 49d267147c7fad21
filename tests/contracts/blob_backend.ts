/** The contract that every blob backend passes, the in-memory one included. */

import assert from "node:assert/strict";
import { isPalyraError } from "../../src/errors.ts";
import { type BlobBackend, MAX_BLOB_LENGTH } from "../../src/vault/backend.ts";

/** A backend under test. It runs on every system, so that the real tools are held to it as well. */
export interface BackendUnderTest extends AsyncDisposable {
  readonly backend: BlobBackend;
  /** Another look at the same place, as another process has it; without one the same serves. */
  readonly again?: () => BlobBackend;
  /** What the vault does, beside preparing the backend, before it puts a blob under an id. */
  readonly announce?: (id: string) => Promise<void>;
}

/** Registers one test. */
type Register = (name: string, body: () => Promise<void>) => void;

/** Registers the contract's tests for one kind of backend. */
export function testBlobBackend(
  kind: string,
  open: () => Promise<BackendUnderTest>,
  register: Register = Deno.test,
): void {
  function test(what: string, body: (subject: Subject, id: string) => Promise<void>): void {
    register(`${kind} backend: ${what}`, async () => {
      await using opened = await open();
      const announce = opened.announce ?? (() => Promise.resolve());
      const again = opened.again ?? (() => opened.backend);
      const id = newId();
      await opened.backend.prepare();
      await announce(id);
      await body({ backend: opened.backend, again, announce }, id);
    });
  }
  test("an absent blob is undefined, not an error", async ({ backend }, id) => {
    assert.equal(await backend.get(id), undefined);
    assert.equal(await backend.get("0".repeat(32)), undefined);
  });
  test("preparing it again changes nothing", async ({ backend, again }, id) => {
    await backend.put(id, "blob");
    await backend.prepare();
    await again().prepare();
    assert.equal(await again().get(id), "blob");
    await backend.delete(id);
  });
  test("a blob comes back as it was put", async ({ backend, again }, id) => {
    await backend.put(id, "PKV1.abc-_.def");
    assert.equal(await backend.get(id), "PKV1.abc-_.def");
    assert.equal(await again().get(id), "PKV1.abc-_.def");
    await backend.delete(id);
  });
  test("a blob of the greatest length comes back whole", async ({ backend, again }, id) => {
    const blob = "PKV1." + "x".repeat(MAX_BLOB_LENGTH - 5);
    await backend.put(id, blob);
    assert.equal(await again().get(id), blob);
    await backend.delete(id);
  });
  test("every character of a blob comes back", async ({ backend }, id) => {
    const kept = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    await backend.put(id, kept);
    assert.equal(await backend.get(id), kept);
    await backend.delete(id);
  });
  test("a longer blob, a space and a line end are refused", async ({ backend }, id) => {
    for (const blob of ["x".repeat(MAX_BLOB_LENGTH + 1), "a b", "a\n", "ä", ""]) {
      await assert.rejects(backend.put(id, blob), isOwnBug);
    }
    assert.equal(await backend.get(id), undefined);
  });
  test("a blob is never left in pieces by a second put under its id", async ({ backend }, id) => {
    const [old, other] = ["PKV1.old", `PKV1.${"new".repeat(300)}`];
    await backend.put(id, old);
    const replaced = await backend.put(id, other).then(() => true, () => false);
    const left = await backend.get(id);
    assert.ok(left === other || (!replaced && left === old), `left ${left}`);
    await backend.delete(id);
  });
  test("delete removes, and succeeds on what is not there", async ({ backend, again }, id) => {
    await backend.put(id, "blob");
    await backend.delete(id);
    assert.equal(await backend.get(id), undefined);
    assert.equal(await again().get(id), undefined);
    await again().delete(id);
    await backend.delete("f".repeat(32));
  });
  test("blobs do not touch each other, also side by side", async ({ backend, announce }, id) => {
    const ids = [id, ...Array.from({ length: 3 }, newId)];
    for (const other of ids.slice(1)) await announce(other);
    for (const one of ids) await backend.put(one, `blob-${one}`);
    await backend.delete(ids[2]!);
    const found = await Promise.all(ids.map((one) => backend.get(one)));
    assert.deepEqual(found, ids.map((one, at) => at === 2 ? undefined : `blob-${one}`));
    for (const one of ids) await backend.delete(one);
  });
  test("what was retired can be prepared again", async ({ backend, again }, id) => {
    await backend.put(id, "blob");
    await backend.delete(id);
    await backend.retire();
    await backend.retire();
    await again().prepare();
    assert.equal(await again().get(id), undefined);
    await again().put(id, "blob");
    assert.equal(await again().get(id), "blob");
    await again().delete(id);
  });
}

interface Subject extends Required<Pick<BackendUnderTest, "backend" | "again" | "announce">> {}

function newId(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toHex();
}

/** A blob of a wrong form is palyra's own mistake, whoever notices it. */
function isOwnBug(error: unknown): boolean {
  return error instanceof RangeError || isPalyraError(error, "internal");
}
