/** A config that an editor is saving in place while `configure` reads it: just emptied, or half there. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import { makeMachine } from "../support/cli_run.ts";
import { runInProcess } from "../support/config_in_process.ts";

const TEXT = `[admin]
auth_token_secret_ref = { kind = "vault", vault_ref = "global/own" }
`;
const MANIFEST = `version = 1
[[secret]]
field = "admin.auth_token"
ref = "global/own"
from_stdin = "own"
[[secret]]
field = "admin.connector_token"
ref = "global/fresh"
from_stdin = "fresh"
`;
const STDIN = JSON.stringify({ own: "new", fresh: "fresh" });

Deno.test("a config that is empty for a moment lets no field testify that named its secret before", async () => {
  using machine = makeMachine();
  const config = `${machine.home}/c.toml`;
  const manifest = `${machine.home}/manifest.toml`;
  await machine.succeed(["secrets", "set", "global/own"], { stdin: "old" });
  Deno.writeTextFileSync(config, TEXT);
  Deno.writeTextFileSync(manifest, MANIFEST);
  let isEmptied = true;
  const [pauses, testifying]: [number[], string[]] = [[], []];
  const args = ["secrets", "configure", "apply", manifest, "--config", config];
  const result = await runInProcess(machine, { args, stdin: STDIN }, (real) => ({
    read: (path, most) => isEmptied && path === config ? new Uint8Array() : real.read(path, most),
    stage: (...given): ReturnType<typeof real.stage> => {
      // From now on a kill leaves it to these fields to tell whether the change took place.
      const path = `${machine.stateRoot}/vault/vault.db`;
      using database = new DatabaseSync(path, { readOnly: true });
      const { witnesses } = database.prepare("SELECT witnesses FROM intents").get()!;
      testifying.push(
        ...JSON.parse(String(witnesses)).map(({ field }: { field: string }) => field),
      );
      return real.stage(...given);
    },
  }), {
    clock: {
      ...denoPlatform.clock,
      pause: (ms) => {
        pauses.push(ms);
        isEmptied = false;
        return Promise.resolve();
      },
    },
  });
  assert.equal(result.status, 0, result.stderr);
  assert.deepEqual(pauses, [100]);
  assert.deepEqual(testifying, ["admin.connector_token"]);
  const { stdout } = await machine.succeed(["resolve", "--all", "--json", "--config", config]);
  assert.deepEqual(JSON.parse(stdout).values, {
    "admin.auth_token": "new",
    "admin.connector_token": "fresh",
  });
});

Deno.test("a config that stays empty is taken for what it is", async () => {
  using machine = makeMachine();
  const config = `${machine.home}/c.toml`;
  Deno.writeTextFileSync(config, "");
  const args = ["secrets", "configure", "admin-auth-token", "global/x", "--config", config];
  await machine.succeed(args, { stdin: "value" });
  const { stdout } = await machine.succeed(["resolve", "--all", "--json", "--config", config]);
  assert.deepEqual(JSON.parse(stdout).values, { "admin.auth_token": "value" });
});

Deno.test("a change that is done stays done, whatever an editor is saving when it is told", async () => {
  using machine = makeMachine();
  const config = `${machine.home}/c.toml`;
  let isHalfSaved = false;
  const args = ["secrets", "configure", "openai-api-key", "global/x", "--config", config];
  const result = await runInProcess(machine, { args, stdin: "value" }, (real) => ({
    read: (path, most) =>
      isHalfSaved && path === config
        ? new TextEncoder().encode("[model_provider")
        : real.read(path, most),
    commit: (...given) => {
      real.commit(...given);
      isHalfSaved = true;
    },
  }));
  assert.equal(result.status, 0, result.stderr);
  assert.match(result.stdout, /^stored global\/x version 1; /);
  assert.equal((await machine.succeed(["resolve", "global/x"])).stdout, "value");
});
