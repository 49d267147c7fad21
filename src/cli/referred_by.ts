/** Which fields of the config name a secret, for commands that only tell of it. */

import { isPalyraError } from "../errors.ts";
import type { App } from "./app.ts";
import { readExistingConfig } from "./configs.ts";

/**
 * Fields by the secret that they name. `undefined`, with a note, when the config cannot be read: then
 * nobody can say what refers to a secret.
 */
export async function fieldsOfConfig(
  app: App,
): Promise<ReadonlyMap<string, readonly string[]> | undefined> {
  try {
    const config = await readExistingConfig(app);
    if (config === undefined) return new Map();
    const { fieldsBySecret } = await import("../config/references.ts");
    return fieldsBySecret(config.table);
  } catch (error) {
    if (!isPalyraError(error)) throw error;
    app.note(`it is not known what refers to secrets: ${error.message}`);
    return undefined;
  }
}
