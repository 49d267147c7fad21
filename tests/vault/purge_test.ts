/** Removal of what has expired. */

import assert from "node:assert/strict";
import { assertFails } from "../support/failures.ts";
import { makeTestVault, put, START_MS, take } from "../support/vaults.ts";

Deno.test("an older value does not come back when the current one was purged", async () => {
  using test = await makeTestVault();
  const { vault, clock } = test;
  await put(vault, "global/a", "old");
  await put(vault, "global/a", "short", { lifetimeMs: 1_000 });
  clock.now = START_MS + 5_000;
  await put(vault, "global/other", "this writer purges");
  await assertFails("not_found", /no such secret/, () => take(vault, "global/a"));
  await assertFails("not_found", /no such version/, () => take(vault, "global/a#1"));
  assert.equal((await put(vault, "global/a", "new")).version, 3);
});

Deno.test("a date that palyra never wrote is no reason to remove anything", async () => {
  using test = await makeTestVault();
  const { vault } = test;
  await put(vault, "global/a", "A", { lifetimeMs: 1_000 });
  await vault.database.write(() => vault.database.run("UPDATE versions SET expires_at = '0'"));
  await put(vault, "global/other", "this writer purges");
  assert.equal(vault.database.all("SELECT id FROM versions").length, 2);
  await assertFails("integrity", /date/, () => take(vault, "global/a"));
});
