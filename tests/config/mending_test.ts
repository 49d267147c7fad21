/** A config that is broken, gone or not trusted keeps nobody from the vault, and can be mended. */

import assert from "node:assert/strict";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import { makeMachine } from "../support/cli_run.ts";
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
    const refused = await clone.run(["secrets", "set", "global/new"], { stdin: "value" });
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
  documents.backUp(path, new TextEncoder().encode("now"))[Symbol.dispose]();
  assert.equal(Deno.readTextFileSync(`${path}.bak.1`), "earlier");
  const names = (): string[] => [...Deno.readDirSync(machine.home)].map(({ name }) => name).sort();
  assert.deepEqual(names(), ["palyra.toml", "palyra.toml.bak.1"]);
  using backup = documents.backUp(path, new TextEncoder().encode("now"));
  backup.keep(2);
  assert.equal(Deno.readTextFileSync(`${path}.bak.2`), "earlier");
  assert.deepEqual(names(), ["palyra.toml", "palyra.toml.bak.1", "palyra.toml.bak.2"]);
});
