/** A backend that forgets everything with the process: for tests of what is built on the port. */

import { type BlobBackend, requireBlobFits } from "../backend.ts";

/** A fresh, empty backend. */
export function memoryBackend(): BlobBackend {
  const blobs = new Map<string, string>();
  // deno-lint-ignore require-await -- a refusal is a rejected promise, as with every backend
  async function put(id: string, blob: string): Promise<void> {
    requireBlobFits(blob);
    blobs.set(id, blob);
  }
  return {
    prepare: () => Promise.resolve(),
    put,
    get: (id) => Promise.resolve(blobs.get(id)),
    delete: (id) => Promise.resolve(void blobs.delete(id)),
    retire: () => Promise.resolve(),
  };
}
