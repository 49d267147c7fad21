/** A stored value appears where it was asked for, and nowhere else: outputs, files, processes. */

import assert from "node:assert/strict";
import {
  assertNoTrace,
  assertNoTraceBelow,
  binaryCanary,
  type Canary,
  largeCanary,
  linesCanary,
  textCanary,
} from "./support/canary.ts";
import { alter } from "./support/altered_state.ts";
import { type CliOptions, eachOf, type Machine, makeMachine, resultOf } from "./support/cli_run.ts";
import { whyNoStrace } from "./support/requirements.ts";
import { unlessSkipped } from "./support/skip.ts";
import { STRACE } from "./support/strace.ts";

const KILLS = 30;
const FORMS = [[], ["--json"], ["--output-format", "ndjson"], ["--verbose"], ["-v", "--json"]];
/** Every command is run in two of the forms, and every form with two commands of five. */
const FORMS_OF_EACH = 2;

/** Commands that print no value, done and failing, on `global/text`, `global/binary`, `agent:a/lines`. */
const SILENT: readonly (readonly string[])[] = [
  ["init"],
  ["version"],
  ["help", "exit-codes"],
  ["secrets", "--help"],
  ["secrets", "list"],
  ["secrets", "list", "agent:a"],
  ["secrets", "get", "global/text"],
  ["secrets", "get", "global/binary#1"],
  ["secrets", "get", "global/missing"],
  ["secrets", "history", "global/text"],
  ["secrets", "rollback", "global/text", "--to", "1"],
  ["secrets", "rollback", "global/text", "--to", "99"],
  ["secrets", "rollback", "global/text", "--to", "zero"],
  ["secrets", "delete", "global/missing"],
  ["secrets", "frobnicate"],
  ["secrets", "audit"],
  ["secrets", "audit", "--format", "sarif"],
  ["secrets", "inventory"],
  ["secrets", "explain", "global/text"],
  ["secrets", "plan"],
  ["secrets", "apply"],
  ["vault", "status"],
  ["vault", "check"],
  ["vault", "check", "--repair", "--strict"],
  ["vault", "rotate", "scope", "global"],
  ["vault", "rotate", "kek"],
  ["resolve", "global/missing"],
  ["resolve", "global/text", "global/missing", "--format", "json"],
  ["resolve", "global/text", "--format", "yaml"],
  ["resolve", "A=global/text", "A=global/binary", "--format", "json"],
  ["resolve", "global/text", "--out", "/nonexistent/file"],
];

/** Ways to set that take the value from standard input, done and failing. */
const SETTERS: readonly (readonly string[])[] = [
  ["secrets", "set", "global/text"],
  ["secrets", "set", "global/text", "--raw", "--value-stdin"],
  ["secrets", "set", "global/text", "--if-absent"],
  ["secrets", "set", "global/text", "--if-version", "77"],
  ["secrets", "set", "global/text", "--expires-in", "soon"],
  ["secrets", "set", "global/text", "--expires-in", "999999999d"],
  ["secrets", "set", "global/Wrong"],
  ["secrets", "set", "session:s/text"],
  ["secrets", "set", "global/new", "--from-file", "/dev/stdin"],
  ["secrets", "configure", "openai-api-key", "global", "text"],
  ["secrets", "configure", "browser-state-key", "global", "state"],
  ["secrets", "configure", "provider-api-key:none", "global/none"],
  ["secrets", "configure", "--field", "a.b", "global/bound", "--dry-run"],
  ["secrets", "configure", "--field", "a.b", "global/bound", "--backups", "2"],
];

Deno.test("No command prints a value that it was not asked for, whatever the form and the outcome", async () => {
  using machine = makeMachine();
  const canaries = await storeCanaries(machine);
  await eachOf(inTwoForms(SILENT), (args) => assertSilent(machine, canaries, args));
  await eachOf([...inTwoForms(SETTERS).entries()], async ([at, args]) => {
    await assertSilent(machine, canaries, args, { stdin: canaries[at % canaries.length]!.value });
  });
  assertNoTraceBelow(canaries, machine.directory);
});

/** Commands about a config that holds values itself: `c.toml` in the home directory. */
const ABOUT_CONFIG: readonly (readonly string[])[] = [
  ["config", "path"],
  ["config", "get", "admin"],
  ["config", "get", "admin.auth_token"],
  ["config", "get", "model_provider"],
  ["config", "get", "hooks"],
  ["config", "validate"],
  ["config", "set", "admin.require_auth", "true"],
  ["config", "set", "admin.auth_token.x", "1"],
  ["config", "unset", "admin.nothing"],
  ["config", "trust"],
  ["config", "untrust"],
  ["resolve", "config:admin.auth_token"],
  ["resolve", "--all", "--json"],
  ["secrets", "list"],
  ["secrets", "configure", "admin-auth-token", "global/none", "--no-value"],
  ["secrets", "configure", "admin-auth-token", "global/admin", "--generate", "--dry-run"],
  ["secrets", "configure", "admin-auth-token", "global/admin", "--generate", "--backups", "1"],
];

Deno.test("No command prints or copies a value that a config holds itself", async () => {
  using machine = makeMachine();
  const canary = textCanary("config");
  const text = JSON.stringify(new TextDecoder().decode(canary.value)); // a TOML string as well
  const config = `${machine.home}/c.toml`;
  const good = `[admin]\nauth_token = ${text}\n[model_provider]\nopenai_api_key = ${text}\n` +
    `[[model_provider.providers]]\nprovider_id = "a"\napi_key = ${text}\n` +
    `[hooks]\npassword = ${text}\nlist = [{ client_secret = ${text} }]\n`;
  for (const content of [good, `${good}broken = = ${text}\n`, `${good}x_vault_ref = ${text}\n`]) {
    Deno.writeTextFileSync(config, content);
    await eachOf(inTwoForms(ABOUT_CONFIG), async (args) => {
      await assertSilent(machine, [canary], [...args, "--config", config]);
    });
    assert.equal(Deno.readTextFileSync(config).includes(text), true);
    Deno.removeSync(config);
    assertNoTraceBelow([canary], machine.directory);
  }
});

Deno.test("No failure prints a value: altered data, a missing identity, a value that is too large", async () => {
  using machine = makeMachine();
  const canaries = await storeCanaries(machine);
  const large = largeCanary("large", 1_048_577);
  const all = [...canaries, large];
  for (const form of FORMS) {
    const set = ["secrets", "set", "global/large", "--raw", ...form];
    await assertSilent(machine, all, set, { stdin: large.value });
  }
  alter(machine.stateRoot, "UPDATE versions SET tag = zeroblob(16) WHERE name = 'text'");
  Deno.renameSync(`${machine.stateRoot}/identity/ca.sealed`, `${machine.home}/ca.sealed`);
  const readers = [["resolve", "global/text"], ["secrets", "get", "global/text", "--reveal"]];
  await eachOf(FORMS, async (form) => {
    for (const args of readers) await assertSilent(machine, all, [...args, ...form]);
  });
  Deno.renameSync(`${machine.home}/ca.sealed`, `${machine.stateRoot}/identity/ca.sealed`);
  await eachOf(FORMS, async (form) => {
    for (const args of readers) await assertSilent(machine, all, [...args, ...form]);
  });
  for (const form of FORMS) {
    const over = ["secrets", "set", "global/text", ...form];
    await assertSilent(machine, all, over, { stdin: canaries[0]!.value });
  }
  assertNoTraceBelow(all, machine.directory);
});

Deno.test("A command that prints a value says nothing of it on standard error, and leaves it in no file", async () => {
  using machine = makeMachine();
  const canaries = await storeCanaries(machine);
  for (const form of FORMS) {
    for (const args of [["resolve"], ["secrets", "get", "--reveal"]]) {
      for (const ref of ["global/text", "global/binary", "agent:a/lines"]) {
        const { status, bytes, stderr } = await machine.run([...args, ref, ...form]);
        assert.equal(status, 0, stderr);
        assert.ok(bytes.length > 0);
        assertNoTrace(canaries, stderr, `standard error of ${args.join(" ")} ${ref}`);
      }
    }
  }
  assertNoTraceBelow(canaries, machine.directory);
});

Deno.test("A value that was replaced, deleted or rotated leaves no trace below the state root", async () => {
  using machine = makeMachine();
  const canaries = await storeCanaries(machine);
  await machine.succeed(["secrets", "set", "global/text"], { stdin: "another" });
  await machine.succeed(["secrets", "rollback", "global/text", "--to", "1"]);
  await machine.succeed(["vault", "rotate", "scope", "global"]);
  await machine.succeed(["vault", "rotate", "kek"]);
  assertNoTraceBelow(canaries, machine.directory);
  for (const ref of ["global/text", "global/binary", "agent:a/lines"]) {
    await machine.succeed(["secrets", "delete", ref]);
  }
  assertNoTraceBelow(canaries, machine.directory);
});

Deno.test("Neither the arguments nor the environment of a palyra process hold the value it stores", async () => {
  using machine = makeMachine();
  const canaries = [textCanary("text"), linesCanary("lines")];
  for (const { name, value } of canaries) {
    const child = await machine.spawn(["secrets", "set", `global/${name}`, "-v"], { stdin: value });
    const writer = child.stdin.getWriter();
    await writer.write(value);
    for (let sample = 0; sample < 20; sample++) {
      for (const file of ["cmdline", "environ"]) {
        assertNoTrace(canaries, await Deno.readFile(`/proc/${child.pid}/${file}`), file);
      }
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    assertNoTraceBelow(canaries, machine.directory); // while it waits for more
    await writer.close();
    assert.equal((await resultOf(child)).status, 0);
  }
});

const testWithStrace = unlessSkipped("no-strace", whyNoStrace());

testWithStrace(
  "No program is started with a value: strace sees one execve, and no value in it",
  async () => {
    using machine = makeMachine();
    const canaries = await storeCanaries(machine);
    const log = `${machine.home}/strace.log`;
    const trace = [...STRACE, "-v", "-s", "1000000", "-e", "trace=execve", "-o", log];
    const runs: readonly [string[], CliOptions][] = [
      [["secrets", "set", "global/text"], { stdin: canaries[0]!.value }],
      [["secrets", "set", "global/fresh"], { stdin: canaries[2]!.value }],
      [["resolve", "global/text"], {}],
      [["resolve", "global/text", "--out", `${machine.home}/out`], {}],
      [["secrets", "get", "global/binary", "--reveal", "--json"], {}],
      [["vault", "rotate", "scope", "global"], {}],
    ];
    for (const [args, options] of runs) {
      await machine.succeed(args, { ...options, through: trace });
      const text = Deno.readTextFileSync(log);
      assert.equal(text.match(/execve\(/g)?.length, 1, text);
      assertNoTrace(canaries, text, `execve of ${args.join(" ")}`);
    }
  },
);

Deno.test("A writer killed at any moment leaves no trace of a value, and the vault stays whole", async () => {
  using machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/kept"], { stdin: "kept" });
  const canaries = [textCanary("text"), largeCanary("large", 400_000)];
  const large = ["secrets", "set", "global/large", "--raw"];
  const first = performance.now();
  await machine.succeed(large, { stdin: canaries[1]!.value });
  let wholeMs = performance.now() - first;
  let killed = 0;
  for (let kill = 0; kill < KILLS || (killed <= KILLS / 4 && kill < 4 * KILLS); kill++) {
    const { name, value } = canaries[kill % 2]!;
    const ref = `agent:k${kill % 5}/${name}${kill}`;
    const ending = ["secrets", "set", ref, "--raw"];
    const child = await machine.spawn(ending, { stdin: value });
    const started = performance.now();
    const ended = resultOf(child, value)
      .then(({ status }) => ({ status, ms: performance.now() - started }));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * wholeMs * 1.1));
    try {
      child.kill("SIGKILL");
    } catch { /* it was faster */ }
    const { status, ms } = await ended;
    assert.ok(status === 0 || status === 137, `status ${status}`);
    if (status === 137) killed++;
    else wholeMs = ms; // the machine may be faster by now
    assertNoTraceBelow(canaries, machine.directory);
  }
  assert.ok(killed > KILLS / 4, `only ${killed} were killed in time`);
  assert.equal((await machine.succeed(["resolve", "global/kept"])).stdout, "kept");
  await machine.succeed(["secrets", "set", "global/last"], { stdin: "last" });
  const check = await machine.succeed(["vault", "check", "--strict", "--json"]);
  assert.deepEqual(JSON.parse(check.stdout).bad, []);
  assertNoTraceBelow(canaries, machine.directory);
});

/** Stores one canary of each kind, and fails unless they come back: the scan would find nothing else. */
async function storeCanaries(machine: Machine): Promise<Canary[]> {
  const canaries = [textCanary("text"), binaryCanary("binary"), linesCanary("lines")];
  const refs = ["global/text", "global/binary", "agent:a/lines"];
  for (const [at, { value }] of canaries.entries()) {
    await machine.succeed(["secrets", "set", refs[at]!, "--raw"], { stdin: value });
    const { bytes, stdout } = await machine.succeed(["resolve", refs[at]!]);
    assert.deepEqual(bytes, value);
    assert.throws(() => assertNoTrace(canaries, bytes, "the value"));
    if (at === 1) continue;
    assert.throws(() => assertNoTrace(canaries, `x${btoa(stdout)}`, "its base64 form"));
  }
  return canaries;
}

function inTwoForms(commands: readonly (readonly string[])[]): (readonly string[])[] {
  return commands.flatMap((args, at) =>
    Array.from({ length: FORMS_OF_EACH }, (_, more) => [
      ...args,
      ...FORMS[(FORMS_OF_EACH * at + more) % FORMS.length]!,
    ])
  );
}

async function assertSilent(
  machine: Machine,
  canaries: readonly Canary[],
  args: readonly string[],
  options: CliOptions = {},
): Promise<void> {
  const { bytes, stderr } = await machine.run(args, options);
  assertNoTrace(canaries, bytes, `standard output of ${args.join(" ")}`);
  assertNoTrace(canaries, stderr, `standard error of ${args.join(" ")}`);
}
