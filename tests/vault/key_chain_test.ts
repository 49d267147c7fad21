/** The key chain: each key belongs to one place, and is opened once. */

import assert from "node:assert/strict";
import { memoryBackend } from "../../src/vault/backends/memory.ts";
import { allScopeKeys, liveBlob } from "../../src/vault/catalog.ts";
import { KeyChain } from "../../src/vault/key_chain.ts";
import { parseScope } from "../../src/vault/scope.ts";
import { openVault } from "../../src/vault/vault.ts";
import { assertFails } from "../support/failures.ts";
import { ensureFileIdentity, makeTestVault, noBindings, put } from "../support/vaults.ts";

Deno.test("a vault does not open with another identity, and nothing is decrypted", async () => {
  using test = await makeTestVault();
  const other = await ensureFileIdentity(test.platform, `${test.stateRoot}/other`);
  await assertFails(
    "integrity",
    /belongs to another identity/,
    () => openVault(test.platform, test.paths, { keks: other, bindings: noBindings }),
  );
  let asked = 0;
  const keys = new KeyChain({
    vaultId: test.vault.vaultId,
    keks: other,
    backendFor: () =>
      Promise.resolve({ ...memoryBackend(), get: () => Promise.resolve(void asked++) }),
  });
  await assertFails(
    "integrity",
    /another identity/,
    () => keys.vaultKey(liveBlob(test.vault.database)!),
  );
  assert.equal(asked, 0);
});

Deno.test("a scope key opens for its own scope and generation only", async () => {
  using test = await makeTestVault();
  await put(test.vault, "skill:a/x", "v");
  const blob = liveBlob(test.vault.database)!;
  const [row] = allScopeKeys(test.vault.database);
  assert.ok(await test.vault.keys.scopeKey(blob, row!, parseScope("skill:a")));
  for (
    const [changed, scope] of [
      [row!, "skill:b"],
      [{ ...row!, generation: 2 }, "skill:a"],
      [{ ...row!, kid: "0".repeat(32) }, "skill:a"],
    ] as const
  ) {
    await assertFails(
      "integrity",
      /scope key/,
      () => test.vault.keys.scopeKey(blob, changed, parseScope(scope)),
    );
  }
});

Deno.test("the backend is asked once, however many keys are needed at once", async () => {
  using test = await makeTestVault();
  for (const scope of ["global", "skill:a", "skill:b"]) await put(test.vault, `${scope}/x`, "v");
  const { database, vaultId } = test.vault;
  const real = await test.vault.backendFor("encrypted_file");
  let asked = 0;
  const get = (id: string): Promise<string | undefined> => {
    asked++;
    return real.get(id);
  };
  const backendFor = (): Promise<typeof real> => Promise.resolve({ ...real, get });
  const keys = new KeyChain({ vaultId, keks: test.authority, backendFor });
  const blob = liveBlob(database)!;
  await Promise.all(allScopeKeys(database).map((row) => keys.scopeKey(blob, row, row.scope)));
  assert.equal(asked, 1);
});
