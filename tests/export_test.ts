/** `resolve` as variables, by the real command line: what is printed, what is written, and in which order. */

import assert from "node:assert/strict";
import { type Machine, makeMachine } from "./support/cli_run.ts";
import { writeProgram } from "./support/program_file.ts";

const MULTI = "line 1\nline '2'";

async function stocked(): Promise<Machine> {
  const machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/api.key", "--raw"], { stdin: "sk-1234567" });
  await machine.succeed(["secrets", "set", "global/multi", "--raw"], { stdin: MULTI });
  await machine.succeed(["secrets", "set", "global/bytes", "--raw"], {
    stdin: new Uint8Array([255, 0]),
  });
  await machine.succeed(["secrets", "set", "global/zero", "--raw"], { stdin: "a\0b" });
  return machine;
}

function fakeAgent(machine: Machine, script: string): string {
  const directory = `${machine.home}/bin`;
  Deno.mkdirSync(directory, { mode: 0o755 });
  writeProgram(`${directory}/buildkite-agent`, `#!/bin/sh\n${script}\n`);
  return directory;
}

Deno.test("references are named after their names, their variables or their fields", async () => {
  using machine = await stocked();
  const config = `${machine.home}/c.toml`;
  Deno.writeTextFileSync(
    config,
    '[admin]\nauth_token_secret_ref = { kind = "vault", vault_ref = "global/api.key" }\n',
  );
  const { stdout } = await machine.succeed(
    ["resolve", "--format", "sh", "global/api.key#1", "my_Name=global/multi", "env:HOME"],
  );
  assert.equal(
    stdout,
    `export API_KEY='sk-1234567'\nexport my_Name='line 1\nline '\\''2'\\'''\nexport HOME='${machine.home}'\n`,
  );
  for (const args of [["--all"], ["config:admin.auth_token"]]) {
    const all = await machine.succeed([
      "resolve",
      ...args,
      "--format",
      "docker-env",
      "--config",
      config,
    ]);
    assert.equal(all.stdout, "ADMIN_AUTH_TOKEN=sk-1234567\n");
  }
});

Deno.test("a file is written whole, for its owner only", async () => {
  using machine = await stocked();
  const out = `${machine.home}/vars.env`;
  const { stdout } = await machine.succeed([
    "resolve",
    "--format",
    "dotenv",
    "global/api.key",
    "--out",
    out,
  ]);
  assert.equal(stdout, "");
  assert.equal(Deno.readTextFileSync(out), "API_KEY='sk-1234567'\n");
  assert.equal(Deno.statSync(out).mode! & 0o777, 0o600);
});

Deno.test("GitHub: masks are printed, then the variable is appended to the file of the job", async () => {
  using machine = await stocked();
  const file = `${machine.home}/github_env`;
  Deno.writeTextFileSync(file, "OLD=1\n");
  const env = { GITHUB_ENV: file, GITHUB_ACTIONS: "true" };
  const { stdout } = await machine.succeed(["resolve", "--ci", "auto", "M=global/multi"], { env });
  assert.match(stdout, /^(?:::add-mask::[^\n]+\n)+$/);
  assert.ok(
    stdout.includes("::add-mask::line 1%0Aline '2'\n::add-mask::line 1\n::add-mask::line '2'\n"),
  );
  assert.match(
    Deno.readTextFileSync(file),
    /^OLD=1\nM<<(ghadelimiter_[0-9a-f-]{36})\nline 1\nline '2'\n\1\n$/,
  );
  const other = `${machine.home}/output`;
  await machine.succeed(["resolve", "--format", "github", "M=global/multi", "--out", other]);
  assert.match(Deno.readTextFileSync(other), /^M<<ghadelimiter_/);
  assert.equal(Deno.statSync(other).mode! & 0o777, 0o600);
});

Deno.test("GitHub: nothing is exported when the masks could not be printed, or the file not be written", async () => {
  using machine = await stocked();
  const file = `${machine.home}/github_env`;
  Deno.writeTextFileSync(file, "");
  const env = { GITHUB_ENV: file };
  const args = ["resolve", "--format", "github", "M=global/multi"];
  const full = await machine.run(args, {
    env,
    through: ["/bin/sh", "-c", 'exec "$@" >/dev/full', "sh"],
  });
  assert.equal(full.status, 5, full.stderr);
  assert.equal(Deno.readTextFileSync(file), "");
  const directory = await machine.run(args, { env: { GITHUB_ENV: machine.home } });
  assert.equal(directory.status, 2, directory.stderr);
});

Deno.test("nothing is printed or written of several values when one of them is refused", async () => {
  using machine = await stocked();
  const file = `${machine.home}/github_env`;
  Deno.writeTextFileSync(file, "");
  const rows: readonly (readonly [string, readonly string[], string])[] = [
    ["github", ["A=global/api.key", "NODE_OPTIONS=global/multi"], "NODE_OPTIONS"],
    ["azure", ["A=global/api.key", "B=global/multi"], "several lines"],
    ["docker-env", ["A=global/api.key", "B=global/multi"], "one line"],
    ["sh", ["A=global/api.key", "B=global/bytes"], "not valid UTF-8"],
    ["systemd-env", ["A=global/api.key", "B=global/zero"], "zero byte"],
    ["sh", ["A=global/api.key", "B=global/none"], "no such secret"],
    ["sh", ["A-B=global/api.key"], "no name of a variable"],
    ["sh", ["API_KEY=global/multi", "global/api.key"], "same name"],
    ["gitlab", ["A=global/api.key"], "does not mask"],
  ];
  for (const [format, refs, message] of rows) {
    const result = await machine.run(["resolve", "--format", format, ...refs], {
      env: { GITHUB_ENV: file },
    });
    assert.equal(result.status, message === "no such secret" ? 8 : 2, result.stderr);
    assert.ok(result.stderr.includes(message), `${format}: ${result.stderr}`);
    assert.equal(result.stdout, "", format);
    assert.ok(!/sk-1234567|line 1/.test(result.stderr));
  }
  assert.equal(Deno.readTextFileSync(file), "");
});

Deno.test("GitLab: only into a file, and only when it is allowed aloud", async () => {
  using machine = await stocked();
  const out = `${machine.home}/report.env`;
  const args = ["resolve", "--format", "gitlab", "A=global/api.key"];
  assert.equal((await machine.run([...args, "--allow-unmasked"])).status, 2);
  assert.equal((await machine.run([...args, "--out", out])).status, 2);
  const { stderr } = await machine.succeed([...args, "--allow-unmasked", "--out", out]);
  assert.match(stderr, /is not masked/);
  assert.equal(Deno.readTextFileSync(out), "A=sk-1234567\n");
});

Deno.test("Buildkite: the agent is given every form first, and nothing but what it needs", async () => {
  using machine = await stocked();
  const record = `${machine.home}/record`;
  const bin = fakeAgent(machine, `{ echo "$@"; env | sort; cat; } > ${record}`);
  const env = {
    PATH: `relative:${bin}:/usr/bin:/bin`,
    BUILDKITE: "true",
    BUILDKITE_AGENT_JOB_API_SOCKET: "/s",
    BUILDKITE_AGENT_JOB_API_TOKEN: "t",
    OTHER: "not passed on",
  };
  const { stdout } = await machine.succeed(["resolve", "--ci", "auto", "M=global/multi"], { env });
  assert.deepEqual(JSON.parse(stdout), { M: MULTI });
  const [argv, ...rest] = Deno.readTextFileSync(record).split("\n");
  assert.equal(argv, "redactor add --format json");
  const json = rest.pop()!;
  assert.deepEqual(
    rest.filter((line) => !/^(?:PWD|SHLVL|_|OLDPWD)=/.test(line)),
    ["BUILDKITE_AGENT_JOB_API_SOCKET=/s", "BUILDKITE_AGENT_JOB_API_TOKEN=t"],
  );
  assert.ok(Object.values(JSON.parse(json)).includes("line '2'"));
});

Deno.test("Buildkite: without an agent that takes the values nothing is printed", async () => {
  for (const [script, mode, status] of [["exit 1", 0o755, 5], ["exit 0", 0o777, 5]] as const) {
    using machine = await stocked();
    const bin = fakeAgent(machine, script);
    Deno.chmodSync(`${bin}/buildkite-agent`, mode); // what others may change is passed over
    const result = await machine.run(["resolve", "--format", "buildkite", "M=global/multi"], {
      env: { PATH: `${bin}:/usr/bin:/bin` },
    });
    assert.equal(result.status, status, result.stderr);
    assert.equal(result.stdout, "");
    assert.match(result.stderr, /Cannot redact/);
  }
});
