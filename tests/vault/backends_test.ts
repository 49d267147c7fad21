/** The backends that need nothing of the system, under the shared contract. */

import { encryptedFileBackend } from "../../src/vault/backends/encrypted_file.ts";
import { memoryBackend } from "../../src/vault/backends/memory.ts";
import { testBlobBackend } from "../contracts/blob_backend.ts";
import { makeTestVault } from "../support/vaults.ts";

testBlobBackend("memory", () =>
  Promise.resolve({
    backend: memoryBackend(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }));

testBlobBackend("encrypted_file", async () => {
  const test = await makeTestVault();
  const { database } = test.vault;
  let generation = 100;
  async function announce(id: string): Promise<void> {
    await database.write(() =>
      database.run(
        `INSERT INTO blobs (id, generation, kek_kid, backend, state, created_at)
         SELECT ?, ?, kid, 'encrypted_file', 'writing', created_at FROM keks LIMIT 1`,
        id,
        generation++,
      )
    );
  }
  return {
    backend: encryptedFileBackend(database),
    again: () => encryptedFileBackend(database),
    announce,
    [Symbol.asyncDispose]: () => Promise.resolve(test[Symbol.dispose]()),
  };
});
