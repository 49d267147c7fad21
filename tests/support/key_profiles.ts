/** Profiles with keys, as tests choose among them. */

import type { Machine } from "./cli_run.ts";

/** Makes profiles of anthropic; the key of each is `key-of-ID`. */
export async function storeKeyProfiles(machine: Machine, ...ids: string[]): Promise<void> {
  for (const id of ids) {
    const ref = `global/${id}_key`;
    await machine.succeed(["secrets", "set", ref], { stdin: `key-of-${id}` });
    const set = ["auth", "profiles", "set", id, "--provider", "anthropic"];
    await machine.succeed([...set, "--api-key-ref", ref]);
  }
}
