/** Which variables the command of `palyra run` gets; whatever is wrong, it is not started. */

import assert from "node:assert/strict";
import { eachOf, type Machine, makeMachine } from "../support/cli_run.ts";

const CONFIG = `
[palyra]
allow_env = ["FROM_HERE"]

[model_provider]
openai_api_key_vault_ref = "global/one"

[admin]
auth_token_secret_ref = { kind = "vault", vault_ref = "global/gone", required = false }

[tool]
here_secret_ref = { kind = "env", variable = "FROM_HERE" }
`;

async function stocked(): Promise<Machine> {
  const machine = makeMachine();
  const values = { "global/one": "value-one", "global/two": "value-two", "skill:git/a": "value-a" };
  for (const [ref, stdin] of Object.entries(values)) {
    await machine.succeed(["secrets", "set", ref], { stdin });
  }
  await machine.succeed(["secrets", "set", "global/binary"], {
    stdin: new Uint8Array([1, 255, 2]),
  });
  await machine.succeed(["secrets", "set", "global/zero"], { stdin: "a\0b" });
  Deno.writeTextFileSync(`${machine.home}/palyra.toml`, CONFIG);
  return machine;
}

/** The variables of the command, without what is the machine's. */
async function variables(
  machine: Machine,
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> {
  const args = ["run", ...flags, "--", "/usr/bin/env", "-0"];
  const { stdout } = await machine.succeed(args, { env });
  const all = stdout.split("\0").filter(Boolean).map((entry) => {
    const equals = entry.indexOf("=");
    return [entry.slice(0, equals), entry.slice(equals + 1)] as const;
  });
  const machines = ["HOME", "TMPDIR", "PATH", "DENO_DIR", "DENO_NO_UPDATE_CHECK"];
  return Object.fromEntries(all.filter(([name]) => !machines.includes(name)));
}

Deno.test("references in the environment are replaced as a whole, and nothing else is", async () => {
  using machine = await stocked();
  const env = {
    A: "vault://global/one",
    B: "vault://skill:git/a#1",
    C: "see vault://global/one",
    D: "global/one",
    E: "env:A",
    F: "config:x",
    G: "",
    PALYRA_X: "vault://global/one",
  };
  assert.deepEqual(await variables(machine, [], env), {
    A: "value-one",
    B: "value-a",
    C: env.C,
    D: env.D,
    E: env.E,
    F: env.F,
    G: "",
  });
  const kept = await variables(machine, ["--keep-palyra-env"], env);
  assert.equal(kept["PALYRA_X"], env.PALYRA_X);
  assert.equal(kept["PALYRA_STATE_ROOT"], machine.stateRoot);
});

Deno.test("--env, --env-file, --all and --only; the later source wins", async () => {
  using machine = await stocked();
  const config = ["--config", `${machine.home}/palyra.toml`];
  const file = `${machine.home}/.env`;
  Deno.writeTextFileSync(file, "A=plain\nB=vault://global/two\nC='vault://global/one'\nPATH2=x\n");
  assert.deepEqual(await variables(machine, ["--env", "A=global/one", "--env", "B=env:HOME"]), {
    A: "value-one",
    B: machine.home,
  });
  const both = ["--env-file", file, "--env", "B=skill:git/a"];
  assert.deepEqual(await variables(machine, both, { A: "vault://global/none", C: "c" }), {
    A: "plain",
    B: "value-a",
    C: "value-one",
    PATH2: "x",
  });
  const here = { FROM_HERE: "from-here" };
  const all = { MODEL_PROVIDER_OPENAI_API_KEY: "value-one", TOOL_HERE: "from-here", ...here };
  assert.deepEqual(await variables(machine, [...config, "--all"], here), all);
  const name = "MODEL_PROVIDER_OPENAI_API_KEY";
  const only = ["--all", "--only", name, ...config];
  assert.deepEqual(await variables(machine, only, { OTHER: "vault://global/two" }), {
    [name]: "value-one",
    OTHER: "vault://global/two",
  });
  assert.deepEqual(
    await variables(machine, [...config, "--all", "--env", `${name}=global/two`], here),
    { ...all, [name]: "value-two" },
  );
  assert.deepEqual(
    await variables(machine, [...config, "--env", "K=config:model_provider.openai_api_key"]),
    { K: "value-one" },
  );
  assert.deepEqual(
    await variables(machine, ["--only", "B", "--env-file", file], { A: "vault://global/none" }),
    { A: "plain", B: "value-two", C: "vault://global/one", PATH2: "x" },
  );
});

Deno.test("--clean-env: nothing is inherited; the command is found all the same", async () => {
  using machine = await stocked();
  const args = ["run", "--clean-env", "--env", "A=global/one", "--", "env"];
  const { stdout } = await machine.succeed(args, { env: { B: "vault://global/none" } });
  assert.equal(stdout, "A=value-one\n");
});

Deno.test("whatever is wrong, nothing is started, and the status is 125", async () => {
  using machine = await stocked();
  const mark = `${machine.home}/started`;
  const file = (text: string): string[] => {
    const path = `${machine.home}/${crypto.randomUUID()}.env`;
    Deno.writeTextFileSync(path, text);
    return ["--env-file", path];
  };
  Deno.writeTextFileSync(
    `${machine.home}/bad.toml`,
    '[git]\nssh_secret_ref = { kind = "vault", vault_ref = "global/one" }\n',
  );
  const rows: readonly (readonly [string, readonly string[], Record<string, string>?])[] = [
    ["not_found", ["--env", "A=global/none"]],
    ["not_found", [], { A: "vault://global/none" }],
    ["not_found", ["--env", "A=global/one#9"]],
    ["not_found", file("A=vault://global/none")],
    ["not_found", ["--env", "A=env:NOT_SET"]],
    ["usage", [], { A: "vault://Global/One" }],
    ["usage", file("A=vault://Global/One")],
    ["usage", file("A=x\nA=y")],
    ["usage", ["--env-file", "/nonexistent"]],
    ["usage", ["--env", "A"]],
    ["usage", ["--env", "A=Wrong Ref"]],
    ["usage", ["--env", "1A=global/one"]],
    ["usage", ["--env", "A=global/one", "--env", "A=global/two"]],
    ["usage", ["--env", "A=global/binary"]],
    ["usage", ["--env", "A=global/zero"]],
    ["usage", ["--only", "B"], { A: "vault://global/one" }],
    ["usage", ["--bogus"]],
    ["usage", ["--config"]],
    ["usage", ["--mask", "--env", "A=global/short"]],
    ["denied", ["--all", "--config", `${machine.home}/bad.toml`]],
    ["denied", ["--all"]],
    ["not_found", [], { A: "vault://global/one", PALYRA_STATE_ROOT: "/nonexistent" }],
  ];
  await machine.succeed(["secrets", "set", "global/short"], { stdin: "short" });
  await eachOf(rows, async ([code, flags, env = {}]) => {
    const args = ["run", "--json", ...flags, "--", "touch", mark];
    const { status, stdout, stderr } = await machine.run(args, { env });
    const what = `${flags.join(" ")} ${JSON.stringify(env)}: ${stderr}`;
    assert.equal(status, 125, what);
    assert.equal(stdout, "", what);
    assert.equal(JSON.parse(stderr.trimEnd().split("\n").at(-1)!).error.code, code, what);
    assert.throws(() => Deno.statSync(mark), Deno.errors.NotFound, what);
    assert.ok(!/value-(?:one|two|a)/.test(stderr), what);
  });
});

Deno.test("an argument that is not UTF-8 is refused, and so is a command without --", async () => {
  using machine = makeMachine();
  const through = ["/bin/sh", "-c", 'exec "$@" "$(printf "a\\377b")"', "sh"];
  const refused = await machine.run(["run", "--", "printf", "%s"], { through });
  assert.equal(refused.status, 125);
  assert.match(refused.stderr, /an argument is not valid UTF-8\n$/);
  for (const args of [["run"], ["run", "ls"], ["run", "--"], ["run", "--mask", "ls", "-l"]]) {
    const { status, stderr } = await machine.run(args);
    assert.equal(status, 125, args.join(" "));
    assert.match(stderr, /^palyra: Cannot run: no command is given\nhint: /, args.join(" "));
  }
  assert.equal((await machine.run(["run", "--help"])).status, 0);
});

Deno.test("names that steer programs are not taken from a config", async () => {
  using machine = await stocked();
  const names = ["path", "ifs", "bash_env", "env", "node_options", "ld_preload", "dyld_x", "git_x"];
  await eachOf([...names, "palyra_x"], async (name) => {
    const path = `${machine.home}/${name}.toml`;
    Deno.writeTextFileSync(
      path,
      `${name}_secret_ref = { kind = "vault", vault_ref = "global/one" }`,
    );
    const { status, stderr } = await machine.run(["run", "--all", "--config", path, "--", "true"]);
    assert.equal(status, 125, name);
    assert.match(stderr, new RegExp(`the config may not set ${name.toUpperCase()}\n`));
  });
});

Deno.test("the command gets the user's variables, not those of the single file", async () => {
  using machine = await stocked();
  const env = {
    PALYRA_LAUNCHER: "1",
    DENO_NO_UPDATE_CHECK: "1",
    PALYRA_ENV_NODE_OPTIONS: "--no-warnings",
    PALYRA_ENV_DENO_DIR: "/of/the/user",
    PALYRA_ENV_COMPLETE: "",
  };
  const { stdout } = await machine.succeed(["run", "--keep-palyra-env", "--", "env"], { env });
  const lines = stdout.trimEnd().split("\n").filter((line) =>
    /DENO|NODE|COMPLETE|LAUNCHER|PALYRA_ENV/.test(line)
  );
  assert.deepEqual(lines.sort(), [
    "COMPLETE=",
    "DENO_DIR=/of/the/user",
    "NODE_OPTIONS=--no-warnings",
  ]);
});

Deno.test("--mask hides the values on both streams, and nothing else", async () => {
  using machine = await stocked();
  const script = 'echo "$A $B"; echo "$A" >&2; printf %s "$A" | base64; cat; exit 3';
  const args = ["run", "--mask", "--env", "A=global/one", "--", "sh", "-c", script];
  const input = crypto.getRandomValues(new Uint8Array(65_536));
  const masked = await machine.run(args, { env: { B: "value-two" }, stdin: input });
  assert.equal(masked.status, 3);
  assert.equal(masked.stderr, "<redacted>\n");
  const head = "<redacted> value-two\n<redacted>\n";
  assert.equal(new TextDecoder().decode(masked.bytes.subarray(0, head.length)), head);
  assert.deepEqual(masked.bytes.subarray(head.length), input);
});

Deno.test("--mask lets a prompt through that begins as a value does", async () => {
  using machine = await stocked();
  await machine.succeed(["secrets", "set", "global/prompt"], { stdin: "> secret <" });
  const args = ["run", "--mask", "--env", "A=global/prompt", "--", "sh", "-c", "printf '> '; cat"];
  const child = await machine.spawn(args, { stdin: "" });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  assert.equal(new TextDecoder().decode(value), "> ", "before anything is typed");
  await child.stdin.close();
  await reader.read();
  await child.stderr.cancel();
  assert.equal((await child.status).code, 0);
});

Deno.test("--mask: nobody reads any more, and the command learns it", async () => {
  using machine = await stocked();
  const args = ["run", "--mask", "--env", "A=global/one", "--", "yes"];
  const through = ["/bin/bash", "-c", '"$@" | head -c 1; echo ${PIPESTATUS[0]} >&2', "bash"];
  assert.equal((await machine.run(args, { through })).stderr, "141\n");
});
