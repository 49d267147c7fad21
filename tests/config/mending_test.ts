/** A config that is broken, gone or not trusted keeps nobody from the vault, and can be mended. */

import assert from "node:assert/strict";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import { makeMachine } from "../support/cli_run.ts";
import { whyNotRoot } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";
import { runInProcess } from "../support/config_in_process.ts";
import { makeClone } from "../support/config_clone.ts";

Deno.test("whatever a clone brings as its config, writers of the vault go on", async () => {
  const brought: Readonly<Record<string, (path: string) => void>> = {
    "no TOML": (path) => Deno.writeTextFileSync(path, "backend = = 1\n"),
    "no text": (path) => Deno.writeFileSync(path, new Uint8Array([0xff, 0xfe])),
    "too much": (path) => Deno.writeTextFileSync(path, `# keep_versions\n${"#".repeat(1_100_000)}`),
    "wrong settings": (path) => Deno.writeTextFileSync(path, "[palyra]\nkeep_versions = 0\n"),
    "a directory": (path) => Deno.mkdirSync(path),
    "a pipe": (path) => new Deno.Command("/usr/bin/mkfifo", { args: [path] }).outputSync(),
    "a link to nothing": (path) => Deno.symlinkSync("/nonexistent", path),
  };
  for (const [what, bring] of Object.entries(brought)) {
    using clone = await makeClone();
    bring(clone.config);
    for (
      const args of [
        ["secrets", "set", "global/new"],
        ["secrets", "rollback", "global/victim", "--to", "1"],
        ["vault", "rotate", "kek"],
        ["vault", "check", "--repair"],
        ["init"],
      ]
    ) {
      const result = await clone.run(args, { stdin: "value" });
      assert.equal(result.status, 0, `${what}: ${args.join(" ")}: ${result.stderr}`);
    }
  }
});

Deno.test("wrong settings in a trusted config can be mended, and the trust be taken back", async () => {
  for (const settings of ['backend = "linux_secret_service"', "keep_versions = 0"]) {
    using clone = await makeClone();
    Deno.writeTextFileSync(clone.config, `[palyra]\n${settings}\nallow_env = []\n`);
    await clone.succeed(["config", "trust"]);
    const refused = await clone.run(["secrets", "set", "global/new"], {
      stdin: "value",
      env: { PALYRA_VAULT_BACKEND: "" }, // the variable would win over the config
    });
    assert.notEqual(refused.status, 0);
    await clone.succeed(["config", "set", "other.key", "1"]);
    await clone.succeed(["config", "unset", `palyra.${settings.split(" ")[0]}`]);
    await clone.succeed(["secrets", "set", "global/new"], { stdin: "value" });
    await clone.succeed(["config", "untrust"]);
  }
});

Deno.test("a config that is named but not there is made, also where the secret is there already", async () => {
  using machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/stored"], { stdin: "value" });
  const manifest = `${machine.home}/m.toml`;
  Deno.writeTextFileSync(
    manifest,
    'version = 1\n[[secret]]\nfield = "a.b"\nref = "global/stored"\n',
  );
  const commands = [
    ["secrets", "configure", "connector-token", "global/stored", "--no-value"],
    ["secrets", "configure", "apply", manifest],
    ["config", "set", "a.b", "true"],
  ];
  for (const [at, args] of commands.entries()) {
    const config = `${machine.home}/new_${at}.toml`;
    await machine.succeed([...args, "--config", config]);
    assert.equal(Deno.statSync(config).mode! & 0o777, 0o600);
  }
});

Deno.test("an untrusted clone leads no edit to a config that is not its own", async () => {
  using clone = await makeClone();
  const own = `${clone.machine.home}/.config/palyra/palyra.toml`;
  Deno.mkdirSync(own.slice(0, own.lastIndexOf("/")), { recursive: true });
  Deno.writeTextFileSync(own, "version = 1\n");
  Deno.symlinkSync("../../.config/palyra/palyra.toml", clone.config);
  const writers = [
    ["config", "set", "evil.x", "1"],
    ["secrets", "configure", "openai-api-key", "global/victim", "--no-value"],
  ];
  for (const args of writers) {
    const { status, stderr } = await clone.run(args);
    assert.equal(status, 6, stderr);
    assert.match(stderr, /it is a link, and it is not trusted/);
  }
  assert.equal(Deno.readTextFileSync(own), "version = 1\n");
  await clone.succeed(["config", "trust"]);
  await clone.succeed(writers[0]!);
  assert.match(Deno.readTextFileSync(own), /evil/);
});

Deno.test("the trust in a config that is gone is taken back by any of its names", async () => {
  using clone = await makeClone();
  Deno.writeTextFileSync(clone.config, "version = 1\n");
  Deno.symlinkSync(clone.directory, `${clone.machine.home}/linked`);
  await clone.succeed(["config", "trust"]);
  Deno.removeSync(clone.config);
  const linked = `${clone.machine.home}/linked/palyra.toml`;
  const { stdout } = await clone.succeed(["config", "untrust", linked, "--json"]);
  assert.equal(JSON.parse(stdout).changed, true);
});

Deno.test("a backup that is not kept leaves the earlier ones as they are", async () => {
  using machine = makeMachine();
  const path = `${machine.home}/palyra.toml`;
  Deno.writeTextFileSync(path, "now");
  Deno.writeTextFileSync(`${path}.bak.1`, "earlier");
  const documents = await denoPlatform.documents();
  documents.backUp(path, new TextEncoder().encode("now"), 2)[Symbol.dispose]();
  assert.equal(Deno.readTextFileSync(`${path}.bak.1`), "earlier");
  const names = (): string[] => [...Deno.readDirSync(machine.home)].map(({ name }) => name).sort();
  assert.deepEqual(names(), ["palyra.toml", "palyra.toml.bak.1"]);
  using backup = documents.backUp(path, new TextEncoder().encode("now"), 2);
  backup.keep();
  assert.equal(Deno.readTextFileSync(`${path}.bak.2`), "earlier");
  assert.deepEqual(names(), ["palyra.toml", "palyra.toml.bak.1", "palyra.toml.bak.2"]);
});

Deno.test("a table, a list and palyra's own settings are no fields for a secret", async () => {
  using machine = makeMachine();
  const config = `${machine.home}/c.toml`;
  const text = '[admin]\nrequire_auth = true\n[[model_provider.providers]]\nprovider_id = "eu"\n';
  Deno.writeTextFileSync(config, text);
  for (const field of ["admin", "model_provider.providers", "palyra", "palyra.keep"]) {
    const args = ["secrets", "configure", "--field", field, "global/x", "--config", config];
    const { status, stderr } = await machine.run(args, { stdin: "value" });
    assert.equal(status, 2, stderr);
    assert.match(stderr, /it is no field for a secret/);
  }
  assert.equal(Deno.readTextFileSync(config), text);
});

Deno.test("an edit of a trusted config renews the trust, also where it is named", async () => {
  using clone = await makeClone();
  Deno.writeTextFileSync(clone.config, "[palyra]\nkeep_versions = 50\n");
  await clone.succeed(["config", "trust"]);
  await clone.succeed(["config", "set", "x.y", "1", "--config", clone.config]);
  const { stdout } = await clone.succeed(["config", "path", "--json"]);
  assert.equal(JSON.parse(stdout).trusted, true);
});

Deno.test("one entry that is named in two ways gets one secret", async () => {
  using machine = makeMachine();
  const config = `${machine.home}/c.toml`;
  Deno.writeTextFileSync(config, '[[model_provider.providers]]\nprovider_id = "eu"\n');
  const manifest = `${machine.home}/m.toml`;
  Deno.writeTextFileSync(
    manifest,
    'version = 1\n[[secret]]\nfield = "model_provider.providers[0].api_key"\nref = "global/a"\n' +
      'generate = 8\n[[secret]]\ntarget = "provider-api-key:eu"\nref = "global/b"\ngenerate = 8\n',
  );
  const args = ["secrets", "configure", "apply", manifest, "--config", config];
  const { status, stderr } = await machine.run(args);
  assert.equal(status, 2);
  assert.match(stderr, /Entry 2 of the manifest: .* it is named twice/);
});

Deno.test("a secret is no argument, wherever it stands in it, and is not shown where a reference belongs", async () => {
  using machine = makeMachine();
  const config = `${machine.home}/c.toml`;
  const text = '[admin]\nauth_token_secret_ref = "hidden"\ntokens = ["hidden"]\n' +
    'aws_secret_access_key = "hidden"\n';
  Deno.writeTextFileSync(config, text);
  const named = ["--config", config];
  const set = await machine.run(["config", "set", "other", '{ auth_token = "hidden" }', ...named]);
  assert.equal(set.status, 2);
  assert.match(set.stderr, /a secret is no argument/);
  const { stdout } = await machine.succeed(["config", "get", "admin", ...named]);
  assert.ok(!stdout.includes("hidden"), stdout);
  const args = ["secrets", "configure", "openai-api-key", "global/x", "--backups", "1", ...named];
  assert.equal((await machine.run(args, { stdin: "value" })).status, 7);
  assert.equal(Deno.readTextFileSync(config), text);
});

Deno.test("a place of a backup that is taken stops the change before it begins", async () => {
  using machine = makeMachine();
  const config = `${machine.home}/c.toml`;
  Deno.writeTextFileSync(config, "a = 1\n");
  Deno.mkdirSync(`${config}.bak.1`);
  const args = ["secrets", "configure", "openai-api-key", "global/x", "--config", config];
  const { status } = await machine.run([...args, "--backups", "1"], { stdin: "value" });
  assert.equal(status, 2);
  assert.equal(Deno.readTextFileSync(config), "a = 1\n");
  assert.equal((await machine.run(["resolve", "global/x"])).status, 8);
});

Deno.test("a long list of entries is no long wait, and an endless one is refused", async () => {
  using machine = makeMachine();
  const config = `${machine.home}/c.toml`;
  const entries = (count: number): string =>
    Array.from({ length: count }, (_, at) => `{provider_id="${at}",a_vault_ref="global/o"}`).join();
  await machine.succeed(["secrets", "set", "global/o"], { stdin: "value" });
  Deno.writeTextFileSync(config, `p = [${entries(15_000)}]\n`);
  const { stdout } = await machine.succeed(["secrets", "list", "--json", "--config", config]);
  assert.equal(JSON.parse(stdout).secrets[0].referred_by.length, 15_000);
  await machine.succeed(["config", "validate", "--config", config]);
  Deno.writeTextFileSync(config, `p = [${entries(21_000)}]\n`);
  const refused = await machine.run(["config", "validate", "--config", config]);
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /more than 20000 tables/);
});

unlessSkipped("not-root", whyNotRoot())("a config keeps its group", async () => {
  using machine = makeMachine();
  const config = `${machine.home}/c.toml`;
  Deno.writeTextFileSync(config, "a = 1\n");
  Deno.chmodSync(config, 0o640);
  Deno.chownSync(config, null, 33);
  await machine.succeed(["config", "set", "a", "2", "--config", config]);
  const { gid, mode } = Deno.statSync(config);
  assert.deepEqual([gid, mode! & 0o777], [33, 0o640]);
});

Deno.test("a config in a directory that everybody can write to is not changed", async () => {
  using machine = makeMachine();
  Deno.mkdirSync(`${machine.home}/shared`);
  Deno.chmodSync(`${machine.home}/shared`, 0o777);
  const config = `${machine.home}/shared/c.toml`;
  const { status, stderr } = await machine.run(["config", "set", "a", "2", "--config", config]);
  assert.equal(status, 6, stderr);
});

Deno.test("who binds the field in the very moment gets no value that palyra did not announce: exit 7", async () => {
  using machine = makeMachine();
  const config = `${machine.home}/c.toml`;
  await machine.succeed(["secrets", "set", "global/x"], { stdin: "old" });
  Deno.writeTextFileSync(config, "a = 1\n");
  const args = ["secrets", "configure", "admin-auth-token", "global/x", "--config", config];
  const result = await runInProcess(machine, { args, stdin: "new" }, (real) => ({
    stage: (...given): ReturnType<typeof real.stage> => {
      const staged = real.stage(...given);
      Deno.writeTextFileSync(
        config,
        '[admin]\nauth_token_secret_ref = { kind = "vault", vault_ref = "global/x" }\n',
      );
      return staged;
    },
  }));
  assert.equal(result.status, 7, result.stderr);
  assert.equal((await machine.succeed(["resolve", "global/x"])).stdout, "old");
});

Deno.test("values and config that are printed together belong together", async () => {
  using machine = makeMachine();
  const config = `${machine.home}/c.toml`;
  const bind = (ref: string): void =>
    Deno.writeTextFileSync(config, `[a]\nb_vault_ref = "${ref}"\n`);
  for (const name of ["old", "new"]) {
    await machine.succeed(["secrets", "set", `global/${name}`], { stdin: name });
  }
  bind("global/old");
  let reads = 0;
  const args = ["resolve", "--all", "--format", "sh", "--config", config];
  const result = await runInProcess(machine, { args }, (real) => ({
    read: (...given): ReturnType<typeof real.read> => {
      const bytes = real.read(...given);
      if (reads++ === 0) bind("global/new"); // just after it was read
      return bytes;
    },
  }));
  assert.equal(result.stdout, "export A_B='new'\n", result.stderr);
});
