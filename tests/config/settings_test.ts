/** The table `[palyra]`: read strictly, and obeyed by the commands that write. */

import assert from "node:assert/strict";
import { readSettings } from "../../src/config/settings.ts";
import { parseToml } from "../../src/config/toml_document.ts";
import { makeMachine } from "../support/cli_run.ts";
import { assertFails } from "../support/failures.ts";

const read = (text: string): ReturnType<typeof readSettings> =>
  readSettings({ table: parseToml(text) });

Deno.test("settings are read, and each has its default", () => {
  assert.deepEqual(read(""), { keepVersions: undefined, allowEnv: [], backend: undefined });
  const text = '[palyra]\nkeep_versions = 3\nallow_env = ["A", "_b1"]\nbackend = "encrypted_file"';
  assert.deepEqual(read(text), {
    keepVersions: 3,
    allowEnv: ["A", "_b1"],
    backend: "encrypted_file",
  });
});

Deno.test("unknown and wrong settings are refused by name, without their value", async () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["palyra = 1", /Cannot use palyra: /],
    ["[palyra]\nsecret = 'hidden'", /palyra\.secret: there is no such key/],
    ["[palyra]\nkeep_versions = 0", /keep_versions: it is less than 1/],
    ["[palyra]\nkeep_versions = 1001", /keep_versions: it is more than 1000/],
    ["[palyra]\nkeep_versions = 1.0", /keep_versions: it is no whole number/],
    ["[palyra]\nallow_env = 'A'", /allow_env: it is no list/],
    ["[palyra]\nallow_env = ['A-B']", /allow_env\.0: it is no name of a variable/],
    ["[palyra]\nbackend = 'hidden'", /backend/],
  ];
  for (const [text, message] of wrong) {
    await assertFails("usage", message, () => read(text));
    await assertFails("usage", /^(?!.*hidden)/, () => read(text));
  }
});

Deno.test("writers keep as many versions as the config says, in all that they do", async () => {
  using machine = makeMachine();
  const config = `${machine.directory}/c.toml`;
  Deno.writeTextFileSync(config, "[palyra]\nkeep_versions = 2\n");
  const run = (...args: string[]): ReturnType<typeof machine.succeed> =>
    machine.succeed([...args, "--config", config], { stdin: crypto.randomUUID() });
  const kept = async (): Promise<number[]> => {
    const { stdout } = await run("secrets", "history", "global/a", "--json");
    return JSON.parse(stdout).versions.map(({ version }: { version: number }) => version);
  };
  for (let at = 0; at < 4; at++) await run("secrets", "set", "global/a");
  assert.deepEqual(await kept(), [4, 3]);
  await run("secrets", "rollback", "global/a", "--to", "3");
  assert.deepEqual(await kept(), [5, 4]);
  await run("secrets", "configure", "openai-api-key", "global/a");
  assert.deepEqual(await kept(), [6, 5]);
});

Deno.test("a mistake elsewhere in the config keeps nobody from storing, one in the settings does", async () => {
  using machine = makeMachine();
  const config = `${machine.directory}/c.toml`;
  const set = (): ReturnType<typeof machine.run> =>
    machine.run(["secrets", "set", "global/a", "--config", config], { stdin: "v" });
  Deno.writeTextFileSync(config, "this is no TOML\n");
  assert.equal((await set()).status, 0);
  Deno.writeTextFileSync(config, "[palyra]\nkeep_versions = 'many'\n");
  const { status, stderr } = await set();
  assert.equal(status, 2);
  assert.match(stderr, /palyra\.keep_versions: it is no whole number/);
});
