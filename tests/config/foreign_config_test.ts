/** A config in the working directory neither hides what the user's own one names, nor stops who deletes. */

import assert from "node:assert/strict";
import { assertRefused } from "../support/cli_run.ts";
import { type Clone, makeClone } from "../support/config_clone.ts";

const OWN = '[model_provider]\nopenai_api_key_vault_ref = "global/mine"\n';
const SET = ["auth", "profiles", "set"];

/** A clone, and a config of the user's own that names `global/mine`. */
async function makePlace(): Promise<Clone> {
  const clone = await makeClone();
  const { machine } = clone;
  const directory = `${machine.home}/.config/palyra`;
  Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  Deno.writeTextFileSync(`${directory}/palyra.toml`, OWN, { mode: 0o600 });
  await machine.succeed(["secrets", "set", "global/mine"], { stdin: "mine" });
  return clone;
}

Deno.test("What the user's own config names is not deleted from within a clone", async () => {
  using clone = await makePlace();
  for (const text of ["x = 1\n", "this = is [no TOML\n", OWN.replace("mine", "victim")]) {
    Deno.writeTextFileSync(clone.config, text);
    assertRefused(await clone.run(["secrets", "delete", "global/mine"]), 7, text);
    const { stdout } = await clone.succeed(["secrets", "get", "global/mine", "--json"]);
    assert.deepEqual(JSON.parse(stdout).referred_by, ["model_provider.openai_api_key"], text);
  }
  assertRefused(await clone.run(["secrets", "delete", "global/victim"]), 7, "the clone names it");
});

Deno.test("Nor are the secrets of a profile, when that is deleted there", async () => {
  using clone = await makePlace();
  const { machine } = clone;
  const digest = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode("work")),
  ).toHex().slice(0, 16);
  const ref = `global/auth_openai_${digest}_api_key`;
  await machine.succeed(["secrets", "set", ref], { stdin: "sk" });
  await machine.succeed([...SET, "work", "--provider", "openai", "--api-key-ref", ref]);
  const own = `${machine.home}/.config/palyra/palyra.toml`;
  Deno.writeTextFileSync(own, OWN.replace("global/mine", ref));
  Deno.writeTextFileSync(clone.config, "x = 1\n");
  await clone.succeed(["auth", "profiles", "delete", "work"]);
  assert.equal((await machine.succeed(["resolve", ref])).stdout, "sk");
});

Deno.test("What was found, is not trusted and cannot be read counts as not there", async () => {
  using clone = await makePlace();
  const forms: readonly (() => void)[] = [
    () => Deno.writeTextFileSync(clone.config, "this = is [no TOML\n"),
    () => Deno.writeFileSync(clone.config, new Uint8Array([0xff, 0xfe])),
    () => Deno.mkdirSync(clone.config),
    () => Deno.symlinkSync("nowhere", clone.config),
  ];
  for (const [at, make] of forms.entries()) {
    make();
    const ref = `global/free_${at}`;
    await clone.succeed(["secrets", "set", ref], { stdin: "x" });
    await clone.succeed(["secrets", "delete", ref]);
    assertRefused(await clone.run(["resolve", "--all", "--format", "json"]), 6, `form ${at}`);
    const { stdout } = await clone.succeed(["doctor", "--only", "config", "--json"]);
    assert.equal(JSON.parse(stdout).checks[0].status, "warn", `form ${at}`);
    Deno.removeSync(clone.config);
  }
  const named = ["--config", clone.config];
  Deno.writeTextFileSync(clone.config, "this = is [no TOML\n");
  const deleting = ["secrets", "delete", "global/victim"];
  assertRefused(
    await clone.run([...deleting, ...named]),
    2,
    "one that is named is never passed over",
  );
});
