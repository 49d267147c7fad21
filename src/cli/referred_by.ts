/** Which fields of the configs name a secret, for commands that only tell of it. */

import { isPalyraError } from "../errors.ts";
import type { App } from "./app.ts";
import { referringConfigs } from "./configs.ts";

/**
 * Fields by the secret that they name. `undefined`, with a note, when a config cannot be read: then
 * nobody can say what refers to a secret.
 */
export async function fieldsOfConfig(
  app: App,
): Promise<ReadonlyMap<string, readonly string[]> | undefined> {
  try {
    const configs = await referringConfigs(app);
    if (configs.length === 0) return new Map();
    const { fieldsBySecret } = await import("../config/references.ts");
    const all = new Map<string, string[]>();
    for (const [ref, fields] of configs.flatMap(({ table }) => [...fieldsBySecret(table)])) {
      all.set(ref, [...new Set([...all.get(ref) ?? [], ...fields])]);
    }
    return all;
  } catch (error) {
    if (!isPalyraError(error)) throw error;
    app.note(`it is not known what refers to secrets: ${error.message}`);
    return undefined;
  }
}
