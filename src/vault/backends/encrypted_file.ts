/** The fallback backend: the sealed vault key is a column of its own row in the vault's database. */

import { PalyraError } from "../../errors.ts";
import type { Database } from "../../platform/platform.ts";
import { type BlobBackend, requireBlobFits } from "../backend.ts";

/**
 * Keeps blobs in table `blobs`. The row must be there already: the vault commits it in state
 * `writing` before it stores a blob anywhere.
 */
export function encryptedFileBackend(database: Database): BlobBackend {
  async function put(id: string, blob: string): Promise<void> {
    requireBlobFits(blob);
    const changed = await database.write(() =>
      database.run("UPDATE blobs SET content = ? WHERE id = ?", blob, id)
    );
    if (changed !== 1) throw new PalyraError("internal", "Cannot store the vault key: no such row");
  }
  function get(id: string): Promise<string | undefined> {
    const row = database.get("SELECT content FROM blobs WHERE id = ?", id);
    const content = row?.["content"];
    return Promise.resolve(typeof content === "string" ? content : undefined);
  }
  async function remove(id: string): Promise<void> {
    await database.write(() => database.run("UPDATE blobs SET content = NULL WHERE id = ?", id));
  }
  const nothing = (): Promise<void> => Promise.resolve();
  return { prepare: nothing, put, get, delete: remove, retire: nothing };
}
