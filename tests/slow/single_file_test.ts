/** The single file: built twice alike, and run where there is neither Deno nor a home. */

import assert from "node:assert/strict";
import { runProcess } from "../support/process.ts";
import { copyProgram, writeProgram } from "../support/program_file.ts";
import { whyNoMounts, whyNoSetpriv } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";
import { say } from "../support/dice.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const PATH = "/usr/bin:/bin";
const CROWD = 8;
const NOBODY = 65_534;

const built = await makeRelease();

interface Release {
  readonly directory: string;
  readonly program: string;
}

async function makeRelease(): Promise<Release> {
  const directory = temporary();
  const args = ["run", "-A", `${ROOT}scripts/build.ts`, "--out", directory];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name);
  return { directory, program: `${directory}/${names.find((name) => name.startsWith("palyra-"))}` };
}

/** A directory that is removed at the end. */
function temporary(): string {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "palyra-test-" }));
  Deno.chmodSync(path, 0o755);
  globalThis.addEventListener("unload", () => Deno.removeSync(path, { recursive: true }));
  return path;
}

interface Run {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

async function run(
  program: readonly string[],
  env: Readonly<Record<string, string>>,
  stdin?: string,
): Promise<Run> {
  return await runProcess({ argv: program, env: { PATH, ...env }, stdin, timeoutMs: 60_000 });
}

Deno.test("two builds are the same, byte for byte", async () => {
  const [one, two] = [built, await makeRelease()];
  const sums = Deno.readTextFileSync(`${one.directory}/SHA256SUMS`);
  assert.equal(Deno.readTextFileSync(`${two.directory}/SHA256SUMS`), sums);
  assert.match(sums, / {2}palyra-[\d.]+-\w+-\w+\n/);
  const argv = ["/usr/bin/sha256sum", "-c", "--quiet", "SHA256SUMS"];
  const { status } = await runProcess({ argv, cwd: one.directory, env: { PATH } });
  assert.equal(status, 0);
});

Deno.test("it runs without Deno and without HOME, and leaves the user's variables as they are", async () => {
  const { program } = built;
  const place = temporary();
  const env = { PALYRA_RUNTIME_DIR: `${place}/rt`, PALYRA_STATE_ROOT: `${place}/state` };
  const hostile = {
    NODE_OPTIONS: "--require=/nonexistent",
    DENO_V8_FLAGS: "--nonsense",
    COMPLETE: "bash",
    DENO_DIR: "/nonexistent",
    OTEL_DENO: "true",
  };
  const stored = await run(
    [program, "secrets", "set", "global/a"],
    { ...env, ...hostile },
    "value",
  );
  assert.equal(stored.status, 0, stored.err);
  const args = ["resolve", "--json", "A=global/a", "B=env:NODE_OPTIONS", "C=env:DENO_DIR"];
  const { values } = JSON.parse((await run([program, ...args], { ...env, ...hostile })).out);
  assert.deepEqual(values, { A: "value", B: hostile.NODE_OPTIONS, C: hostile.DENO_DIR });
  const unset = await run([program, "resolve", "env:DENO_DIR"], env);
  assert.equal(unset.status, 8, unset.err);
  const stale = { ...env, PALYRA_ENV_DENO_DIR: "of another run" };
  assert.equal((await run([program, "resolve", "env:DENO_DIR"], stale)).status, 8);
  for (const { name, isDirectory } of Deno.readDirSync(`${place}/rt`)) {
    assert.ok(isDirectory && /^rt-[0-9a-f]{32}$/.test(name), name);
    assert.equal(Deno.statSync(`${place}/rt/${name}`).mode! & 0o777, 0o700);
  }
});

Deno.test("it unpacks into the cache of XDG or of HOME", async () => {
  const { program } = built;
  const place = temporary();
  const rows: readonly (readonly [Record<string, string>, string])[] = [
    [{ XDG_CACHE_HOME: `${place}/xdg`, HOME: `${place}/other` }, `${place}/xdg/palyra`],
    [{ XDG_CACHE_HOME: "relative", HOME: `${place}/home` }, `${place}/home/.cache/palyra`],
    [{ HOME: `${place}/home 'with blank` }, `${place}/home 'with blank/.cache/palyra`],
  ];
  for (const [env, base] of rows) {
    const { status, out, err } = await run([program, "--version"], env);
    assert.equal(status, 0, err);
    assert.match(out, /^\d+\.\d+\.\d+\n$/);
    assert.equal([...Deno.readDirSync(base)].length, 1);
  }
});

unlessSkipped("no-mount-namespaces", whyNoMounts())(
  "without any of these variables it finds the home that the system knows",
  async () => {
    const { program } = built;
    const script = 'home=$(getent passwd "$(id -u)" | cut -d: -f6); mount -t tmpfs none "$home"; ' +
      '"$0" --version && ls "$home/.cache/palyra"';
    const argv = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, program];
    const { status, out, err } = await run(argv, { PALYRA_STATE_ROOT: "/nonexistent" });
    assert.equal(status, 0, err);
    assert.match(out, /^\d+\.\d+\.\d+\nrt-[0-9a-f]{32}\n$/);
  },
);

Deno.test("eight first runs at once all work, and leave one directory", async () => {
  const { program } = built;
  const place = temporary();
  const env = { PALYRA_RUNTIME_DIR: place };
  const runs = await Promise.all(
    Array.from({ length: CROWD }, () => run([program, "--version"], env)),
  );
  for (const { status, err } of runs) assert.equal(status, 0, err);
  const [only, ...others] = [...Deno.readDirSync(place)].map(({ name }) => name);
  assert.deepEqual(others, []);
  assert.deepEqual(
    [...Deno.readDirSync(`${place}/${only}`)].map(({ name }) => name).sort(),
    ["cache", "deno", "dist"],
  );
});

Deno.test("in a working directory that was removed it says so: exit 5", async () => {
  const place = temporary();
  const script = 'mkdir "$1/gone"; cd "$1/gone"; rmdir "$1/gone"; exec "$0" --version';
  const argv = ["/bin/sh", "-c", script, built.program, place];
  const { status, out, err } = await run(argv, { PALYRA_RUNTIME_DIR: `${place}/rt` });
  assert.deepEqual([status, out], [5, ""], err);
  assert.match(err, /^palyra: Cannot start: the working directory was removed\nhint: [^\n]+$/m);
  // What the caller says of it is not believed.
  const elsewhere = ["/usr/bin/env", "-C", "/", "PWD=/nonexistent", built.program, "--version"];
  assert.equal((await run(elsewhere, { PALYRA_RUNTIME_DIR: `${place}/rt` })).status, 0);
});

Deno.test("what is incomplete, full, read-only or a link is not run: exit 5", async () => {
  const { program } = built;
  const place = temporary();
  const bytes = Deno.readFileSync(program);
  writeProgram(`${place}/cut`, bytes.subarray(0, bytes.length - 1_000_000));
  Deno.writeTextFileSync(`${place}/file`, "");
  const rows: readonly (readonly [string, string])[] = [
    [`${place}/cut`, `${place}/rt1`],
    [program, `${place}/file`],
    [program, "/proc/none"],
  ];
  for (const [file, directory] of rows) {
    const { status, out, err } = await run([file, "--version"], { PALYRA_RUNTIME_DIR: directory });
    assert.equal(status, 5, `${file} ${directory}`);
    assert.equal(out, "");
    assert.match(err, /^palyra: Cannot start: [^\n]+\nhint: [^\n]+\n$/);
  }
  assert.deepEqual([...Deno.readDirSync(`${place}/rt1`)], []);
  await run([program, "--version"], { PALYRA_RUNTIME_DIR: `${place}/real` });
  const [{ name }] = [...Deno.readDirSync(`${place}/real`)] as [Deno.DirEntry];
  Deno.mkdirSync(`${place}/linked`);
  Deno.symlinkSync(`${place}/real/${name}`, `${place}/linked/${name}`);
  const { status } = await run([program, "--version"], { PALYRA_RUNTIME_DIR: `${place}/linked` });
  assert.equal(status, 5);
});

unlessSkipped("no-setpriv", whyNoSetpriv())(
  "what another user has unpacked is not run, and nothing is unpacked into a place of others",
  async () => {
    const { program } = built;
    const place = temporary();
    const nobody = ["/usr/bin/setpriv", "--reuid", `${NOBODY}`, "--regid", `${NOBODY}`];
    const asNobody = [...nobody, "--clear-groups", program, "--version"];
    Deno.chmodSync(program.slice(0, program.lastIndexOf("/")), 0o755);
    const roots = { PALYRA_RUNTIME_DIR: `${place}/of_root` };
    assert.equal((await run([program, "--version"], roots)).status, 0);
    Deno.chmodSync(`${place}/of_root`, 0o777);
    for (const { name } of Deno.readDirSync(`${place}/of_root`)) {
      Deno.chmodSync(`${place}/of_root/${name}`, 0o755);
    }
    assert.equal((await run(asNobody, roots)).status, 5, "root's directory");
    assert.equal((await run(asNobody, {})).status, 5, "no home at all");
    assert.equal((await run(asNobody, { HOME: place })).status, 5, "no place to write");
    Deno.mkdirSync(`${place}/own`);
    Deno.chownSync(`${place}/own`, NOBODY, NOBODY);
    assert.equal((await run(asNobody, { HOME: `${place}/own` })).status, 0);
  },
);

Deno.test("install.sh puts program, manual page and completions in place, and checks them first", async () => {
  const { directory } = built;
  const place = temporary();
  const script = `${ROOT}scripts/install.sh`;
  const env = { HOME: place };
  const install = (from: string): Promise<Run> =>
    run(["/bin/sh", script, "--from", from, "--prefix", `${place}/usr`], env);
  const { status, err } = await install(directory);
  assert.equal(status, 0, err);
  const installed = await run([`${place}/usr/bin/palyra`, "--version"], {
    PALYRA_RUNTIME_DIR: `${place}/rt`,
  });
  assert.match(installed.out, /^\d+\.\d+\.\d+\n$/);
  for (
    const file of [
      "share/man/man1/palyra.1",
      "share/bash-completion/completions/palyra",
      "share/zsh/site-functions/_palyra",
      "share/fish/vendor_completions.d/palyra.fish",
    ]
  ) assert.ok(Deno.statSync(`${place}/usr/${file}`).size > 100, file);
  const altered = `${place}/altered`;
  await run(["/bin/cp", "-R", directory, altered], env);
  Deno.writeTextFileSync(`${altered}/palyra.1`, "altered");
  const refused = await install(altered);
  assert.equal(refused.status, 1);
  assert.match(refused.err, /are not those of its SHA256SUMS/);
  assert.equal((await install(`${place}/none`)).status, 1);
});

Deno.test("a wrapper that it installs starts it again, with nothing around it", async () => {
  const place = temporary();
  const moved = `${place}/with space/palyra`;
  Deno.mkdirSync(`${place}/with space`);
  copyProgram(built.program, moved);
  const config = `${place}/palyra.toml`;
  Deno.writeTextFileSync(config, '[helper.token]\nallow = ["global/*"]\n', { mode: 0o600 });
  const env = {
    PALYRA_RUNTIME_DIR: `${place}/rt`,
    PALYRA_STATE_ROOT: `${place}/state`,
    PALYRA_VAULT_BACKEND: "encrypted_file",
  };
  assert.equal((await run([moved, "secrets", "set", "global/a"], env, "value")).status, 0);
  const install = [
    moved,
    "helper",
    "install",
    "token",
    "--dir",
    `${place}/bin`,
    "--config",
    config,
  ];
  const installed = await run(install, env);
  assert.equal(installed.status, 0, installed.err);
  const argv = [`${place}/bin/palyra-token`, "global/a"];
  const { status, out, err } = await runProcess({ argv, cwd: "/" });
  assert.deepEqual([status, out], [0, "value\n"], err);
  const child = await run([moved, "run", "--", "/usr/bin/env"], env);
  assert.doesNotMatch(child.out, /PALYRA_PROGRAM|PALYRA_LAUNCHER/);
});

Deno.test("the transcripts, the kills and the crowds pass with it", async () => {
  const { program } = built;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "-A", "--no-prompt", "--no-check"],
      ...["tests/transcripts_test.ts", "tests/slow/kills_test.ts", "tests/slow/crowds_test.ts"],
    ],
    cwd: ROOT,
    env: {
      PALYRA_TEST_PROGRAM: program,
      PALYRA_TEST_KILLS: "60",
      PALYRA_RUNTIME_DIR: temporary(),
      NO_COLOR: "1",
    },
  }).output();
  const text = new TextDecoder().decode(stdout);
  say(
    text.split("\n").filter((line) => /\d+ (?:passed|kills|landed)|^kills/.test(line)).join("\n"),
  );
  const errors = text.slice(text.lastIndexOf(" ERRORS ")); // all else is long, and would hide them
  assert.ok(success, errors.slice(0, 3_000) + new TextDecoder().decode(stderr));
});
