/** `helper install`, `uninstall` and `check`, from outside: what is written, and that it works with nothing around it. */

import assert from "node:assert/strict";
import { CLIENTS } from "../../src/cli/clients/client.ts";
import { makeClientMachine } from "../support/clients.ts";
import { assertRefused, eachOf } from "../support/cli_run.ts";
import { runProcess } from "../support/process.ts";
import { pause, rollDice, say } from "../support/dice.ts";
import { whyNoSetpriv } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";

const RULES = `
[helper.openclaw]
allow = ["global/*"]
[helper.token]
allow = ["global/*"]
[[helper.token.map]]
match = "claude"
ref = "global/key"
[[helper.git.map]]
match = "https://example.org/*"
ref = "global/key"
username = "bob"
`;
const REQUEST = '{"protocolVersion":1,"provider":"palyra","ids":["global/key"]}';
const ANSWER = '{"protocolVersion":1,"values":{"global/key":"value"},"errors":{}}';

Deno.test("every wrapper answers with an empty environment and the root as working directory", async () => {
  using client = makeClientMachine(RULES);
  await client.store("global/key", "value");
  const { machine } = client;
  await eachOf(Object.keys(CLIENTS), async (name) => {
    const { stdout } = await machine.succeed(["helper", "install", name, "--json"]);
    const { path, changed } = JSON.parse(stdout);
    assert.equal(changed, true, name);
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o755, name);
    const checked = await machine.run(["helper", "check", name]);
    assert.equal(checked.status, 0, `${name}: ${checked.stdout}${checked.stderr}`);
    assert.equal(checked.stdout.match(/^ok /gm)?.length, 6, name);
  });
  const bin = `${machine.home}/.local/bin`;
  const run = async (file: string, args: readonly string[], stdin = ""): Promise<string> => {
    const { status, out, err } = await runProcess({
      argv: [`${bin}/${file}`, ...args],
      cwd: "/",
      stdin,
    });
    assert.equal(status, 0, err);
    return out;
  };
  assert.equal(await run("palyra-openclaw", [], REQUEST), ANSWER);
  assert.equal(await run("palyra-claude", []), "value\n");
  assert.equal(await run("palyra-token", ["global/key"]), "value\n");
  assert.equal(
    await run("git-credential-palyra", ["get"], "protocol=https\nhost=example.org\n\n"),
    "username=bob\npassword=value\n",
  );
});

Deno.test("a client's environment and arguments steer nothing", async () => {
  using client = makeClientMachine(RULES);
  await client.store("global/key", "value");
  const { path } = JSON.parse(
    (await client.machine.succeed(["helper", "install", "token", "--json"])).stdout,
  );
  const env = {
    ...{
      NODE_OPTIONS: "--require=/none",
      COMPLETE: "bash",
      DENO_DIR: "/none",
      DENO_V8_FLAGS: "--x",
    },
    ...{
      PALYRA_CONFIG: "/none",
      PALYRA_VAULT_BACKEND: "windows_dpapi",
      PALYRA_LAUNCHER: "1",
      PALYRA_STATE_ROOT: "/none",
      OTEL_DENO: "true",
      HOME: "/none",
    },
  };
  const run = (...args: string[]): ReturnType<typeof runProcess> =>
    runProcess({ argv: [path, ...args], env, cwd: "/" });
  assert.equal((await run("global/key")).out, "value\n");
  for (
    const args of [["--config", "/none", "global/key"], ["--state-root=/none"], ["--help"], ["-V"]]
  ) {
    const { status, out } = await run(...args);
    assert.notEqual(status, 0, args.join(" "));
    assert.equal(out, "", args.join(" "));
  }
});

Deno.test("installing again changes nothing; what palyra has not written is left alone", async () => {
  using client = makeClientMachine(RULES);
  const { machine } = client;
  const path = `${machine.home}/.local/bin/palyra-aws`;
  const dry = await machine.succeed(["helper", "install", "aws", "--dry-run"]);
  assert.match(dry.stdout, /^would write .*palyra-aws\n#!\/bin\/sh\n/);
  assert.throws(() => Deno.statSync(path), Deno.errors.NotFound);
  await machine.succeed(["helper", "install", "aws"]);
  const before = Deno.statSync(path);
  const again = JSON.parse((await machine.succeed(["helper", "install", "aws", "--json"])).stdout);
  assert.equal(again.changed, false);
  assert.deepEqual(Deno.statSync(path).mtime, before.mtime);
  await machine.succeed(["helper", "uninstall", "aws"]);
  assert.throws(() => Deno.statSync(path), Deno.errors.NotFound);
  await machine.succeed(["helper", "uninstall", "aws"]);
  for (
    const plant of [
      () => Deno.writeTextFileSync(path, "#!/bin/sh\necho mine\n"),
      () => Deno.symlinkSync("/bin/true", path),
      () => Deno.mkdirSync(path),
    ]
  ) {
    plant();
    for (const command of ["install", "uninstall"]) {
      assertRefused(await machine.run(["helper", command, "aws"]), 7, command);
    }
    assert.ok(Deno.lstatSync(path));
    Deno.removeSync(path);
  }
  for (const verb of ["install", "uninstall", "check"]) {
    const unknown = await machine.run(["helper", verb, "nobody"]);
    assertRefused(unknown, 2, verb);
    assert.match(unknown.stderr, new RegExp(`^palyra: Cannot ${verb}: palyra does not know`));
  }
  assertRefused(await machine.run(["helper", "install", "aws", "--write"]), 2, "not edited");
  assertRefused(await machine.run(["helper", "install", "aws", "--label", "x"]), 2, "no label");
  assertRefused(await machine.run(["helper", "install", "aws", "--dir", "a\nb"]), 2, "a line end");
  Deno.removeSync(client.config);
  assertRefused(await machine.run(["helper", "install", "aws"]), 7, "no config");
});

Deno.test("paths with spaces, quotes and dollars are taken as they are", async () => {
  using client = makeClientMachine(RULES);
  const { machine } = client;
  const root = `${machine.home}/a 'b' "c" $HOME \`d\` \\`;
  Deno.mkdirSync(root);
  const config = `${root}/palyra.toml`;
  Deno.copyFileSync(client.config, config);
  const flags = ["--state-root", `${root}/state`, "--config", config];
  await machine.succeed(["secrets", "set", "global/key", ...flags], { stdin: "value" });
  const installed = ["helper", "install", "openclaw", "--dir", `${root}/bin`, "--json", ...flags];
  const { path } = JSON.parse((await machine.succeed(installed)).stdout);
  assert.equal((await runProcess({ argv: [path], cwd: "/", stdin: REQUEST })).out, ANSWER);
});

Deno.test("settings of clients are added to, and nothing else in them changes", async () => {
  using client = makeClientMachine(RULES);
  const { home } = client.machine;
  const write = (...clients: string[]): Promise<unknown[]> =>
    Promise.all(
      clients.map((name) => client.machine.succeed(["helper", "install", name, "--write"])),
    );
  Deno.mkdirSync(`${home}/.docker`);
  Deno.writeTextFileSync(
    `${home}/.docker/config.json`,
    '{\n    "auths": {"a": {}},\n    "credHelpers": {"b": "c"}\n}\n',
    { mode: 0o640 },
  );
  Deno.mkdirSync(`${home}/.openclaw`);
  Deno.writeTextFileSync(
    `${home}/.openclaw/openclaw.json`,
    '{"secrets":{"providers":{"other":{"source":"env"}},"x":1},"models":{}}',
  );
  Deno.writeTextFileSync(`${home}/.gitconfig`, "[user]\n\tname = Bob ; a comment\n");
  await write("docker", "openclaw", "git", "claude");
  const read = (path: string): string => Deno.readTextFileSync(`${home}/${path}`);
  assert.equal(
    read(".docker/config.json"),
    '{\n    "auths": {"a": {}},\n    "credHelpers": {"b": "c"},\n    "credsStore": "palyra"\n}\n',
  );
  assert.equal(Deno.statSync(`${home}/.docker/config.json`).mode! & 0o777, 0o640);
  const command = `${home}/.local/bin/palyra-openclaw`;
  assert.deepEqual(JSON.parse(read(".openclaw/openclaw.json")), {
    secrets: { providers: { other: { source: "env" }, palyra: { source: "exec", command } }, x: 1 },
    models: {},
  });
  assert.match(
    read(".gitconfig"),
    /name = Bob ; a comment\n\[credential\]\n\thelper = .*git-credential-palyra\n$/,
  );
  const after = ["docker/config.json", "openclaw/openclaw.json", "gitconfig"].map((path) =>
    read(`.${path}`)
  );
  await write("docker", "openclaw", "git", "claude");
  assert.deepEqual(
    ["docker/config.json", "openclaw/openclaw.json", "gitconfig"].map((path) => read(`.${path}`)),
    after,
  );
  for (const text of ["[1]", "no json", "// comment\n{}"]) {
    Deno.writeTextFileSync(`${home}/.docker/config.json`, text);
    assertRefused(await client.machine.run(["helper", "install", "docker", "--write"]), 7, text);
    assert.equal(read(".docker/config.json"), text);
  }
});

Deno.test("of JSON settings one member changes and no other byte; what it replaces is told where it is a name", async () => {
  using client = makeClientMachine(RULES);
  const { machine } = client;
  for (const name of ["docker", "claude"]) Deno.mkdirSync(`${machine.home}/.${name}`);
  const docker = `${machine.home}/.docker/config.json`;
  const odd = '\r\n{ "n" : 12345678901234567890,\t"credsStore":"osx\\u006beychain",\r\n' +
    '  "f": [1.0, -0, 1e400, "\\u00e9\\/"], "n": {} }';
  Deno.writeTextFileSync(docker, odd);
  const told = await machine.succeed(["helper", "install", "docker", "--write"]);
  assert.match(told.stdout, /\ntold docker\nreplaced credsStore, was: osxkeychain\n$/);
  assert.equal(Deno.readTextFileSync(docker), odd.replace("osx\\u006beychain", "palyra"));
  const claude = `${machine.home}/.claude/settings.json`;
  Deno.writeTextFileSync(claude, '{"apiKeyHelper":"echo sk-SEKRIT"}');
  const json = await machine.succeed(["helper", "install", "claude", "--write", "--json"]);
  assert.deepEqual(JSON.parse(json.stdout).config_replaced, [{ setting: "apiKeyHelper" }]);
  assert.doesNotMatch(json.stdout + json.stderr, /SEKRIT/);
  assert.equal(
    Deno.readTextFileSync(claude),
    `{"apiKeyHelper":"${machine.home}/.local/bin/palyra-claude"}`,
  );
  const again = await machine.succeed(["helper", "install", "docker", "--write", "--json"]);
  assert.equal(JSON.parse(again.stdout).config_replaced, undefined);
});

Deno.test("whoever uninstalls is told which setting still names what is gone", async () => {
  using client = makeClientMachine(RULES);
  const { machine } = client;
  const uninstall = async (name: string): Promise<Record<string, unknown>> =>
    JSON.parse((await machine.succeed(["helper", "uninstall", name, "--json"])).stdout);
  const left: Readonly<Record<string, { setting: string; where: string }>> = {
    git: { setting: "credential.helper", where: "git config --global" },
    docker: { setting: "credsStore", where: "~/.docker/config.json" },
    claude: { setting: "apiKeyHelper", where: "~/.claude/settings.json" },
    openclaw: { setting: "secrets.providers.palyra.command", where: "~/.openclaw/openclaw.json" },
  };
  for (const [name, setting] of Object.entries(left)) {
    await machine.succeed(["helper", "install", name]);
    assert.equal((await uninstall(name))["still_named_by"], undefined, name);
    await machine.succeed(["helper", "install", name, "--write"]);
    assert.deepEqual((await uninstall(name))["still_named_by"], setting);
    const { stdout } = await machine.succeed(["helper", "uninstall", name]);
    const advice = `${setting.setting} in ${setting.where} still names it: take it out there\n`;
    assert.ok(stdout.endsWith(`is not there: nothing changed\n${advice}`), stdout);
  }
  Deno.writeTextFileSync(`${machine.home}/.docker/config.json`, "no json");
  assert.equal((await uninstall("docker"))["still_named_by"], undefined);
  await machine.succeed(["helper", "install", "aws"]);
  const { stdout } = await machine.succeed(["helper", "uninstall", "aws"]);
  assert.match(stdout, /\ntake it out where you have put it: ~\/\.aws\/config\n$/);
});

unlessSkipped("no-setpriv", whyNoSetpriv())(
  "what a client would refuse is found, and what to do about it is said",
  async () => {
    using client = makeClientMachine(RULES, "nobody");
    const { machine } = client;
    const check = async (): Promise<string[]> => {
      const { status, stdout } = await machine.run(["helper", "check", "openclaw", "--json"]);
      const { checks } = JSON.parse(stdout) as { checks: { id: string; status: string }[] };
      const bad = checks.filter((one) => one.status === "fail").map(({ id }) => id);
      assert.equal(status, bad.length === 0 ? 0 : 10);
      return bad;
    };
    assert.deepEqual(await check(), ["file"]);
    const { stderr } = await machine.run(["helper", "check", "openclaw"]);
    assert.equal(stderr, "palyra: Found 1 thing that openclaw would not accept\n");
    await machine.succeed(["helper", "install", "openclaw"]);
    assert.deepEqual(await check(), []);
    const path = `${machine.home}/.local/bin/palyra-openclaw`;
    Deno.chmodSync(path, 0o775);
    assert.deepEqual(await check(), ["mode", "path"]);
    Deno.chmodSync(path, 0o644);
    assert.deepEqual(await check(), ["mode", "answer"]);
    Deno.chmodSync(path, 0o755);
    Deno.chmodSync(`${machine.home}/.local/bin`, 0o777);
    assert.deepEqual(await check(), ["path"]);
    Deno.chmodSync(`${machine.home}/.local/bin`, 0o700);
    Deno.chownSync(path, 1_234, 1_234);
    assert.deepEqual(await check(), ["owner", "path"]);
    Deno.chownSync(path, 65_534, 65_534);
    Deno.writeTextFileSync(path, Deno.readTextFileSync(path).replace("'openclaw'", "'git'"));
    assert.deepEqual(await check(), ["content", "answer"]);
    await machine.succeed(["helper", "install", "openclaw"]);
    assert.deepEqual(await check(), []);
  },
);

Deno.test("a killed install leaves the old wrapper or the new one", async () => {
  const dice = rollDice("install kills");
  using client = makeClientMachine(RULES);
  const { machine } = client;
  const path = `${machine.home}/.local/bin/palyra-claude`;
  const texts = new Set<string>();
  for (const label of ["claude", "other"]) {
    await machine.succeed(["helper", "install", "claude", "--label", label]);
    texts.add(Deno.readTextFileSync(path));
  }
  assert.equal(texts.size, 2);
  /** Most milliseconds before a kill: less whenever the command was faster, more whenever it was not. */
  let most = 100;
  let kills = 0;
  for (let run = 0; run < 300 && kills < 40; run++) {
    const label = run % 2 === 0 ? "claude" : "other";
    const child = await machine.spawn(["helper", "install", "claude", "--label", label]);
    const output = child.output();
    await pause(most * (0.2 + 0.8 * dice.next()));
    try {
      child.kill("SIGKILL");
    } catch { /* it was faster */ }
    const isKilled = (await output).code === 137;
    if (isKilled) kills++;
    most *= isKilled ? 1.05 : 0.9;
    assert.ok(texts.has(Deno.readTextFileSync(path)));
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o755);
  }
  say(`install kills: ${kills} ended a living process`);
  assert.ok(kills >= 40);
  // The next one that writes clears away what the killed ones have left.
  await machine.succeed(["helper", "install", "claude", "--label", "last"]);
  assert.deepEqual([...Deno.readDirSync(`${machine.home}/.local/bin`)].map(({ name }) => name), [
    "palyra-claude",
  ]);
});
