/** A cloned repository may bring any config: nothing of it is used, started or opened before trust. */

import assert from "node:assert/strict";
import { assertRefused, type CliOptions, type CliResult, eachOf } from "../support/cli_run.ts";
import {
  assertUntrusted,
  type Clone,
  isTrusted,
  makeClone,
  VICTIM,
} from "../support/config_clone.ts";
import { testWithStrace, watchCommand } from "../support/config_watch.ts";
import { pathsBelow } from "../support/file_trees.ts";
import { writeProgram } from "../support/program_file.ts";

const BAIT_VALUE = "value of the bait 7c2e";
const ENV = { BAIT_VARIABLE: BAIT_VALUE };

/** Fields of every kind of source, and what reading them gives once the config is trusted. */
const FIELDS: Readonly<Record<string, string | number>> = {
  "model_provider.openai_api_key": VICTIM,
  "model_provider.providers[provider_id=eu].api_key": "older",
  "tool_call.browser_service.auth_token": BAIT_VALUE,
  "admin.auth_token": 8, // its program prints nothing
  "admin.connector_token": BAIT_VALUE,
};
const REFUSED: readonly string[][] = [
  ...Object.keys(FIELDS).map((field) => ["resolve", `config:${field}`]),
  ["resolve", "A=config:model_provider.openai_api_key", "B=global/victim", "--json"],
  ["resolve", "config:model_provider.openai_api_key_vault_ref", "--out", "out"],
  ["resolve", "config:admin.nothing"],
  ["resolve", "--all", "--json"],
  ["resolve", "--all", "--output-format", "ndjson", "global/victim"],
];

/** Commands that the config does not keep from their work, with what is on standard input. */
const DONE: readonly (readonly [args: readonly string[], stdin?: string])[] = [
  [["resolve", "global/victim"]],
  [["resolve", "vault://victim", "env:BAIT_VARIABLE", "--json"]],
  [["config", "path"]],
  [["config", "get", "admin"]],
  [["config", "get", "palyra.backend"]],
  [["config", "validate"]],
  [["config", "untrust"]],
  [["init"]],
  [["secrets", "list"]],
  [["secrets", "get", "global/victim"]],
  [["secrets", "get", "global/victim", "--reveal"]],
  [["secrets", "history", "global/victim"]],
  [["secrets", "set", "global/another"], "another"],
  [["secrets", "rollback", "global/victim", "--to", "1"]],
  [["secrets", "delete", "global/another"]],
  [["vault", "status"]],
  [["vault", "check", "--repair", "--strict"]],
  [["vault", "rotate", "scope", "global"]],
  [["vault", "rotate", "kek"]],
  [["secrets", "configure", "anthropic-api-key", "global/own", "--dry-run"], "own"],
  [["secrets", "configure", "anthropic-api-key", "global/own"], "own"],
  [["secrets", "configure", "admin-auth-token", "global/own", "--no-value"]],
  [["secrets", "configure", "apply", "manifest.toml"]],
  [["config", "set", "admin.require_auth", "true"]],
  [["config", "unset", "admin.require_auth"]],
];

testWithStrace(
  "Before trust every command that needs the content is refused with the hint, starts nothing and reads no value",
  async () => {
    using clone = await makeHostileClone();
    await eachOf(REFUSED, async (args) => {
      const what = args.join(" ");
      const { result, calls } = await watchQuietly(clone, args);
      assertUntrusted(result, what);
      assert.deepEqual(calls.filter((call) => call.includes("vault.db")), [], what);
      assert.ok(calls.some((call) => call.includes("/palyra.toml")), what);
    });
    assert.deepEqual(pathsBelow(clone.directory), UNTOUCHED);
  },
);

testWithStrace(
  "Before trust every other command does its work, and touches nothing that the config names",
  async () => {
    using clone = await makeHostileClone();
    for (const [args, stdin] of DONE) {
      const { result } = await watchQuietly(clone, args, { stdin });
      assert.equal(result.status, 0, `${args.join(" ")}: ${result.stderr}`);
      assert.equal(await isTrusted(clone), false, args.join(" "));
    }
    assert.deepEqual(pathsBelow(clone.directory), UNTOUCHED);
    assertUntrusted(await clone.run(["resolve", "config:model_provider.anthropic_api_key"]), "own");
  },
);

testWithStrace(
  "After trust the references are read as documented, and nothing is started or opened but what they name",
  async () => {
    using clone = await makeHostileClone();
    await clone.succeed(["config", "trust"]);
    await eachOf(Object.entries(FIELDS), async ([field, wanted]) => {
      const { result, started, calls } = await watchIn(clone, ["resolve", `config:${field}`]);
      const programs = started.filter(isOfBait);
      assert.equal(programs.length, field === "admin.auth_token" ? 1 : 0, started.join("\n"));
      const isRead = calls.some((call) => call.includes("open") && call.includes('"file"'));
      assert.equal(isRead, field === "admin.connector_token", field);
      if (typeof wanted === "string") assert.equal(result.stdout, wanted, result.stderr);
      else assert.equal(result.status, wanted, `${field}: ${result.stderr}`);
    });
    const all = await clone.run(["resolve", "--all", "--json"], { env: ENV });
    assert.deepEqual([all.status, all.stdout], [8, ""]);
    assert.match(all.stderr, /bait\/program: it is empty/);
  },
);

testWithStrace("The watch sees a program that is started and a file that is opened", async () => {
  using clone = await makeHostileClone();
  const shell = ["/bin/sh", "-c", 'bait/program; exec "$@"', "sh"];
  const { started, calls } = await watchCommand(
    (options) => clone.run(["version"], { through: [...options.through!, ...shell] }),
  );
  assert.ok(started.length > 1);
  assert.ok(calls.some(isOfBait));
});

Deno.test("Before trust the table [palyra] steers nothing, after trust it does", async () => {
  using clone = await makeHostileClone();
  const versions = async (): Promise<number[]> => {
    const { stdout } = await clone.succeed(["secrets", "history", "global/victim", "--json"]);
    return JSON.parse(stdout).versions.map(({ version }: { version: number }) => version);
  };
  const set = ["secrets", "set", "global/victim"];
  const unset = { PALYRA_VAULT_BACKEND: "" }; // the variable would win over the config
  await clone.succeed(set, { stdin: "third", env: unset });
  assert.deepEqual(await versions(), [3, 2, 1]);
  await clone.succeed(["config", "trust"]);
  const pinned = await clone.run(set, { stdin: "fourth", env: unset });
  assert.equal(pinned.status, 7, pinned.stderr); // the backend is another one
  edit(clone, "linux_secret_service", "auto");
  await clone.succeed(["config", "trust"]);
  await clone.succeed(set, { stdin: "fourth", env: unset });
  assert.deepEqual(await versions(), [4]);
});

Deno.test("Before trust the first vault is made with the user's backend, after trust not", async () => {
  using clone = await makeHostileClone();
  const roots = ["first", "second"].map((name) => `${clone.machine.directory}/${name}`);
  // Without the variable, which would win over the config.
  const [before, after] = roots.map((root) => ({
    PALYRA_STATE_ROOT: root,
    PALYRA_VAULT_BACKEND: "",
  }));
  await clone.succeed(["secrets", "set", "global/a"], { stdin: "a", env: before });
  await clone.succeed(["config", "trust"], { env: after });
  const refused = await clone.run(["secrets", "set", "global/a"], { stdin: "a", env: after });
  assert.equal(refused.status, 5, refused.stderr);
});

Deno.test("Before trust a variable that the config allows itself is not read, after trust only that one", async () => {
  using clone = await makeHostileClone();
  const read = (): Promise<CliResult> =>
    clone.run(["resolve", "config:tool_call.browser_service.auth_token"], {
      env: { ...ENV, HOME_TOKEN: "another" },
    });
  assertUntrusted(await read(), "env");
  await clone.succeed(["config", "trust"]);
  assert.equal((await read()).stdout, BAIT_VALUE);
  edit(clone, '"BAIT_VARIABLE" }', '"HOME_TOKEN" }');
  await clone.succeed(["config", "trust"]);
  const { status, stderr } = await read();
  assert.equal(status, 6);
  assert.match(stderr, /the variable HOME_TOKEN is not allowed/);
});

Deno.test("A config that its user names needs no trust, and leaves none behind", async () => {
  using clone = await makeHostileClone();
  const args = ["resolve", "config:model_provider.openai_api_key"];
  assert.equal((await clone.succeed([...args, "--config", "palyra.toml"])).stdout, VICTIM);
  const env = { PALYRA_CONFIG: clone.config };
  assert.equal((await clone.succeed(args, { env })).stdout, VICTIM);
  assertUntrusted(await clone.run(args), "found by search");
  const own = `${clone.machine.home}/.config/palyra`;
  Deno.mkdirSync(own, { recursive: true });
  Deno.renameSync(clone.config, `${own}/palyra.toml`);
  assert.equal((await clone.succeed(args)).stdout, VICTIM);
});

Deno.test("A pipe, a link to a device or a directory in the place of the config keeps nobody waiting", async () => {
  using clone = await makeHostileClone();
  const through = ["/usr/bin/timeout", "--signal=KILL", "60"];
  const replacements = {
    "a pipe": ["/usr/bin/mkfifo", clone.config],
    "a device": ["/bin/ln", "-s", "/dev/zero", clone.config],
    "a directory": ["/bin/mkdir", clone.config],
  };
  for (const [what, [program, ...args]] of Object.entries(replacements)) {
    Deno.removeSync(clone.config);
    assert.ok((await new Deno.Command(program!, { args }).output()).success);
    assertRefused(await clone.run(REFUSED[0]!, { through }), 6, `${what}: resolve`);
    for (const refused of [["config", "validate"], ["config", "trust"]]) {
      assertRefused(await clone.run(refused, { through }), 2, `${what}: ${refused.join(" ")}`);
    }
    for (const done of [["resolve", "global/victim"], ["secrets", "list"], ["config", "path"]]) {
      const { status, stderr } = await clone.run(done, { through });
      assert.equal(status, 0, `${what}: ${done.join(" ")}: ${stderr}`);
    }
  }
});

/** What the clone holds; nothing is added to it. */
const UNTOUCHED = ["bait", "bait/file", "bait/program", "manifest.toml", "palyra.toml"];

/** A clone whose config names programs, files and variables to be got at. */
async function makeHostileClone(): Promise<Clone> {
  const clone = await makeClone();
  const bait = `${clone.directory}/bait`;
  Deno.mkdirSync(bait);
  Deno.writeTextFileSync(`${bait}/file`, BAIT_VALUE, { mode: 0o600 });
  writeProgram(`${bait}/program`, `#!/bin/sh\n: > ${bait}/ran\n`);
  Deno.writeTextFileSync(
    `${clone.directory}/manifest.toml`,
    'version = 1\n[[secret]]\nfield = "admin.connector_token"\nref = "global/made"\ngenerate = 32\n',
  );
  Deno.writeTextFileSync(
    clone.config,
    `[palyra]
keep_versions = 1
backend = "linux_secret_service"
allow_env = ["BAIT_VARIABLE"]

[model_provider]
openai_api_key_vault_ref = "global/victim"

[[model_provider.providers]]
provider_id = "eu"
api_key_vault_ref = "global/victim#1"

[tool_call.browser_service]
auth_token_secret_ref = { kind = "env", variable = "BAIT_VARIABLE" }

[admin]
auth_token_secret_ref = { kind = "exec", command = ["${bait}/program"], cwd = "${bait}" }
connector_token_secret_ref = { kind = "file", path = "${bait}/file", trusted_dirs = ["${bait}"] }

[helper.git]
allow = ["global/*"]
store_scope = "global"

[[helper.git.map]]
match = "https://example.org/*"
ref = "global/helped"
`,
  );
  return clone;
}

async function watchIn(
  clone: Clone,
  args: readonly string[],
  options: CliOptions = {},
): ReturnType<typeof watchCommand> {
  return await watchCommand((more) => clone.run(args, { ...more, env: ENV }), options);
}

/** Watches a command, and asserts that it starts nothing and opens nothing that the config names. */
async function watchQuietly(
  clone: Clone,
  args: readonly string[],
  options: CliOptions = {},
): ReturnType<typeof watchCommand> {
  const what = args.join(" ");
  const watched = await watchIn(clone, args, options);
  assert.equal(watched.started.length, 1, `${what}: ${watched.started.join("\n")}`);
  assert.deepEqual(watched.calls.filter(isOfBait), [], what);
  const asked = args.some((arg) => arg.startsWith("env:"));
  const said = watched.result.stdout + watched.result.stderr;
  assert.equal(said.includes(BAIT_VALUE), asked, what);
  return watched;
}

function isOfBait(call: string): boolean {
  return call.includes("bait/");
}

function edit({ config }: Clone, from: string, to: string): void {
  const text = Deno.readTextFileSync(config);
  assert.ok(text.includes(from));
  Deno.writeTextFileSync(config, text.replace(from, to));
}
