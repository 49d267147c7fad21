/** `palyra` alone: what is there, and what to do next. Nothing is opened and nothing is made. */

import { storedNames } from "../../vault/stored_names.ts";
import { vaultExists, vaultPaths } from "../../vault/vault.ts";
import type { App } from "../app.ts";
import { counted } from "../counted.ts";
import type { RecordView } from "../view.ts";

const BEGIN = [
  ['printf %s "$KEY" | palyra secrets set global/my_key', "store a secret; this makes the vault"],
  ["palyra resolve global/my_key", "read it back"],
];
const GO_ON = [
  ["palyra secrets list", "names and dates"],
  ["palyra resolve SCOPE/NAME", "read a value"],
  ["palyra secrets configure openai-api-key SCOPE NAME", "store one and point the config at it"],
];
const HELP = ["palyra --help", "every command"];

/** Looks, and tells. */
export async function firstContact(app: App): Promise<RecordView> {
  const { platform, stateRoot } = app;
  const paths = vaultPaths(stateRoot);
  const exists = platform.directories.check(stateRoot) && vaultExists(platform, paths);
  const secrets = exists ? (await storedNames(platform, paths)).length : 0;
  const rows = [...(secrets === 0 ? BEGIN : GO_ON), HELP];
  const width = Math.max(...rows.map(([command]) => command!.length));
  const found = exists
    ? `${counted(secrets, "secret")} in ${stateRoot}`
    : `no vault yet in ${stateRoot}`;
  return {
    kind: "record",
    json: { version: app.version, state_root: stateRoot, vault: exists, secrets },
    text: [
      `palyra ${app.version}: ${found}`,
      "",
      ...rows.map(([command, does]) => `  ${command!.padEnd(width)}  ${does}`),
    ].join("\n"),
  };
}
