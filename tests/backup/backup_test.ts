/** `vault backup` and `restore`, from outside; the real `age` and another implementation read along. */

import assert from "node:assert/strict";
import { Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { assertNoTrace, assertNoTraceBelow, textCanary } from "../support/canary.ts";
import { assertRefused, type CliResult, type Machine, makeMachine } from "../support/cli_run.ts";
import { runProcess } from "../support/process.ts";
import {
  pythonWithCryptography,
  whyNoAge,
  whyNoPythonCryptography,
  whyNoSetpriv,
} from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";

const PASSPHRASE = "correct horse battery";
const HERE = import.meta.dirname!;

/** Keys of age, in files beside the machine's home. */
async function ageKeys(machine: Machine): Promise<{ identityFile: string; recipient: string }> {
  const identity = await generateX25519Identity();
  const identityFile = `${machine.directory}/age.txt`;
  Deno.writeTextFileSync(identityFile, `# a comment\n${identity}\n`, { mode: 0o600 });
  return { identityFile, recipient: await identityToRecipient(identity) };
}

/** Three secrets: one with a history, one that expires, one that was deleted. */
async function fill(machine: Machine): Promise<void> {
  for (const stdin of ["one", "two", "three"]) {
    await machine.succeed(["secrets", "set", "global/a"], { stdin });
  }
  await machine.succeed(["secrets", "set", "skill:x/b"], { stdin: "\xff\x00 b" });
  await machine.succeed(["secrets", "set", "session:s/c", "--expires-in", "2h"], { stdin: "c" });
  await machine.succeed(["secrets", "set", "global/gone"], { stdin: "gone" });
  await machine.succeed(["secrets", "delete", "global/gone"]);
}

interface Made {
  readonly file: string;
  readonly signer: string;
  readonly identityFile: string;
  readonly recipient: string;
}

async function backUp(machine: Machine, name = "backup.age"): Promise<Made> {
  const keys = await ageKeys(machine);
  const file = `${machine.directory}/${name}`;
  const args = ["vault", "backup", "--out", file, "--recipient", keys.recipient, "--json"];
  const { signer } = JSON.parse((await machine.succeed(args)).stdout);
  return { file, signer, ...keys };
}

/** Restores on another machine. */
async function restore(
  machine: Machine,
  { file, signer, identityFile }: Made,
  ...more: string[]
): Promise<CliResult> {
  const args = ["vault", "restore", file, "--identity-file", identityFile, "--json"];
  return await machine.run([...args, "--accept-signer", signer, ...more]);
}

async function stateOf(machine: Machine): Promise<unknown> {
  const { secrets } = JSON.parse((await machine.succeed(["secrets", "list", "--json"])).stdout);
  const histories = [];
  for (const { ref } of secrets) {
    const { stdout } = await machine.succeed(["secrets", "history", ref, "--json"]);
    const { versions } = JSON.parse(stdout);
    for (const one of versions) {
      const { bytes } = await machine.succeed(["resolve", `${ref}#${one.version}`]);
      histories.push({ ref, ...one, value: bytes.toHex() });
    }
  }
  return { secrets, histories };
}

Deno.test("an empty machine has every version with its date and its value", async () => {
  using machine = makeMachine();
  using other = makeMachine();
  await fill(machine);
  const made = await backUp(machine);
  assert.equal(Deno.statSync(made.file).mode! & 0o777, 0o600);
  const report = JSON.parse((await restore(other, made)).stdout);
  assert.deepEqual(
    [report.own, report.changed, report.secrets, report.versions, report.kept],
    [false, true, 3, 5, []],
  );
  assert.deepEqual(await stateOf(other), await stateOf(machine));
  await other.succeed(["vault", "check", "--strict"]);
  const again = await other.succeed(["secrets", "set", "global/gone", "--json"], { stdin: "x" });
  assert.equal(JSON.parse(again.stdout).version, 2, "numbers never return");
  const init = async (one: Machine): Promise<{ device_id: string; vault_id: string }> =>
    JSON.parse((await one.succeed(["init", "--json"])).stdout);
  const [first, second] = [await init(machine), await init(other)];
  assert.notEqual(first.device_id, second.device_id, "the identity is not in it");
  assert.notEqual(first.vault_id, second.vault_id);
});

Deno.test("another signer is refused before anything is made; this device's own is not", async () => {
  using machine = makeMachine();
  using other = makeMachine();
  await fill(machine);
  const made = await backUp(machine);
  const open = ["vault", "restore", made.file, "--identity-file", made.identityFile];
  const refused = await other.run(open);
  assertRefused(refused, 6, "no signer accepted");
  assert.ok(refused.stderr.includes(made.signer), "it is shown");
  assertRefused(await other.run([...open, "--accept-signer", "a".repeat(64)]), 6, "another one");
  assert.throws(() => Deno.statSync(other.stateRoot), Deno.errors.NotFound);
  await machine.succeed(["secrets", "delete", "global/a"]);
  const { own } = JSON.parse((await machine.succeed([...open, "--merge", "--json"])).stdout);
  assert.equal(own, true);
});

Deno.test("a vault that is not empty is left alone, or gets what it lacks", async () => {
  using machine = makeMachine();
  using other = makeMachine();
  await fill(machine);
  const made = await backUp(machine);
  await other.succeed(["secrets", "set", "global/a"], { stdin: "its own" });
  await other.succeed(["secrets", "set", "global/mine"], { stdin: "mine" });
  for (let version = 0; version < 2; version++) {
    await other.succeed(["secrets", "set", "skill:x/b"], { stdin: `${version}` });
  }
  await other.succeed(["secrets", "delete", "skill:x/b"]);
  const before = await stateOf(other);
  const refused = await restore(other, made);
  assert.deepEqual([refused.status, refused.stdout], [7, ""]);
  assert.deepEqual(await stateOf(other), before);
  const report = JSON.parse((await restore(other, made, "--merge")).stdout);
  assert.deepEqual(
    [report.secrets, report.versions, report.unchanged, report.kept],
    [2, 2, 0, ["global/a"]],
  );
  assert.equal((await other.succeed(["resolve", "global/a"])).stdout, "its own");
  assert.equal((await other.succeed(["resolve", "global/mine"])).stdout, "mine");
  const { versions } = JSON.parse(
    (await other.succeed(["secrets", "history", "skill:x/b", "--json"])).stdout,
  );
  assert.deepEqual(versions.map(({ version }: { version: number }) => version), [3]);
  const twice = JSON.parse((await restore(other, made, "--merge")).stdout);
  assert.deepEqual([twice.changed, twice.unchanged, twice.kept], [false, 2, ["global/a"]]);
});

Deno.test("by a passphrase: the right one opens, the wrong one is told in the time of one scrypt", async () => {
  using machine = makeMachine();
  using other = makeMachine();
  await fill(machine);
  const [file, right, wrong] = ["b.age", "right", "wrong"].map((n) => `${machine.directory}/${n}`);
  Deno.writeTextFileSync(right!, `${PASSPHRASE}\n`);
  Deno.writeTextFileSync(wrong!, `${PASSPHRASE}.\n`);
  const made = ["vault", "backup", "--out", file!, "--backup-passphrase-file", right!, "--json"];
  const { signer } = JSON.parse((await machine.succeed(made)).stdout);
  const open = ["vault", "restore", file!, "--accept-signer", signer, "--backup-passphrase-file"];
  assertRefused(await other.run([...open, wrong!]), 9, "a wrong passphrase");
  assertRefused(await other.run(open.slice(0, -1)), 12, "nobody can be asked");
  assert.throws(() => Deno.statSync(other.stateRoot), Deno.errors.NotFound);
  await other.succeed([...open, right!]);
  assert.equal((await other.succeed(["resolve", "global/a"])).stdout, "three");
  const header = new TextDecoder("latin1").decode(Deno.readFileSync(file!).subarray(0, 200));
  assert.match(header, /^age-encryption\.org\/v1\n-> scrypt [^ ]+ 18\n/);
});

Deno.test("what is asked for wrongly is refused, and no file is touched", async () => {
  using machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/a"], { stdin: "value" });
  const { recipient } = await ageKeys(machine);
  const out = `${machine.directory}/out`;
  const backup = (...more: string[]): Promise<CliResult> =>
    machine.run(["vault", "backup", ...more]);
  const short = `${machine.directory}/short`;
  Deno.writeTextFileSync(short, "seven77");
  assertRefused(await backup("--recipient", recipient), 2, "no place");
  assertRefused(await backup("--out", out), 12, "no passphrase");
  assertRefused(await backup("--out", out, "--recipient", "age1x"), 2, "no recipient");
  assertRefused(await backup("--out", out, "--backup-passphrase-file", short), 2, "too short");
  const both = ["--out", out, "--recipient", recipient, "--backup-passphrase-file", short];
  assertRefused(await backup(...both), 2, "both");
  assertRefused(
    await backup("--out", `${out}/no/dir`, "--recipient", recipient),
    2,
    "no directory",
  );
  assert.throws(() => Deno.statSync(out), Deno.errors.NotFound);
  Deno.writeTextFileSync(out, "precious");
  assertRefused(await backup("--out", out, "--recipient", recipient), 7, "something there");
  assert.equal(Deno.readTextFileSync(out), "precious");
  await machine.succeed(["vault", "backup", "--out", out, "--recipient", recipient, "--force"]);
  assert.match(Deno.readTextFileSync(out), /^age-encryption/);
  using empty = makeMachine();
  const none = ["vault", "backup", "--out", `${empty.directory}/b`, "--recipient", recipient];
  assertRefused(await empty.run(none), 8, "no vault");
});

Deno.test("a file that is none, cut off, altered, or by another hand changes nothing", async () => {
  using machine = makeMachine();
  using other = makeMachine();
  await fill(machine);
  const made = await backUp(machine);
  const bytes = Deno.readFileSync(made.file);
  const bad = { ...made, file: `${machine.directory}/bad` };
  const attempt = async (what: string, data: Uint8Array, statuses: number[]): Promise<void> => {
    Deno.writeFileSync(bad.file, data);
    const { status, stdout, stderr } = await restore(other, bad);
    assert.ok(statuses.includes(status), `${what}: ${status} ${stderr}`);
    assert.equal(stdout, "");
    assert.doesNotMatch(stderr, /nternal error/, what);
  };
  await attempt("nothing", new Uint8Array(0), [2]);
  await attempt("a text", new TextEncoder().encode("hello\n"), [2]);
  for (const length of [1, 22, 30, 100, 150, 200, bytes.length - 1]) {
    // Without its first line nobody can say that it was a backup.
    await attempt(`${length} bytes`, bytes.subarray(0, length), [length < 22 ? 2 : 9]);
  }
  for (const at of [30, 60, 130, 170, 230, bytes.length - 5]) {
    const flipped = bytes.slice();
    flipped[at]! ^= 1;
    await attempt(`a bit at ${at}`, flipped, [2, 9]);
  }
  await attempt("a byte more", new Uint8Array([...bytes, 0]), [9]);
  for (const text of ["", "no payload", "palyra-backup-1\n"]) {
    const encrypter = new Encrypter();
    encrypter.addRecipient(made.recipient);
    await attempt(`age around "${text}"`, await encrypter.encrypt(text), [2, 9]);
  }
  const scrypt = "age-encryption.org/v1\n-> scrypt c2FsdHNhbHRzYWx0c2E 19\n" +
    `${"A".repeat(43)}\n--- ${"A".repeat(43)}\n`;
  Deno.writeTextFileSync(bad.file, scrypt);
  const words = `${machine.directory}/words`;
  Deno.writeTextFileSync(words, PASSPHRASE);
  const hard = await other.run(["vault", "restore", bad.file, "--backup-passphrase-file", words]);
  assertRefused(hard, 2, "a work factor of 19");
  assert.match(hard.stderr, /its work factor is 19, above 18/);
  assert.throws(() => Deno.statSync(other.stateRoot), Deno.errors.NotFound);
});

Deno.test("no value is in the file, in an output, or left on the disk", async () => {
  using machine = makeMachine();
  using other = makeMachine();
  const canary = textCanary("a value");
  await machine.succeed(["secrets", "set", "global/a"], { stdin: canary.value });
  const made = await backUp(machine);
  const restored = await restore(other, made);
  assert.equal(restored.status, 0, restored.stderr);
  assertNoTrace([canary], restored.stdout + restored.stderr, "the output");
  assertNoTraceBelow([canary], machine.directory);
  assertNoTraceBelow([canary], other.directory);
});

unlessSkipped("no-age", whyNoAge())(
  "the real age opens a backup, and makes one that is restored",
  async () => {
    using machine = makeMachine();
    using other = makeMachine();
    await fill(machine);
    const { file, signer, identityFile, recipient } = await backUp(machine);
    const age = async (...args: string[]): Promise<Uint8Array> => {
      const { status, stdout, err } = await runProcess({ argv: ["/usr/bin/age", ...args] });
      assert.equal(status, 0, err);
      return stdout;
    };
    const payload = await age("--decrypt", "--identity", identityFile, file);
    const plain = `${machine.directory}/plain`;
    Deno.writeFileSync(plain, payload);
    const again = `${machine.directory}/again.age`;
    await age("--encrypt", "--recipient", recipient, "--output", again, plain);
    Deno.removeSync(plain);
    const result = await restore(other, { file: again, signer, identityFile, recipient });
    assert.equal(result.status, 0, result.stderr);
    assert.deepEqual(await stateOf(other), await stateOf(machine));
  },
);

unlessSkipped("no-python3-cryptography", whyNoPythonCryptography() ?? whyNoAge())(
  "another implementation reads it, and checks its signature",
  async () => {
    using machine = makeMachine();
    await fill(machine);
    const { file, identityFile } = await backUp(machine);
    const argv = ["/usr/bin/age", "--decrypt", "--identity", identityFile, file];
    const { stdout } = await runProcess({ argv });
    const script = `${HERE}/../vectors/backup_format.py`;
    const read = { argv: [pythonWithCryptography()!, script], stdin: stdout };
    const { status, out, err } = await runProcess(read);
    assert.equal(status, 0, err);
    const { entries } = JSON.parse(out);
    assert.deepEqual(entries.map((items: unknown[]) => items.slice(0, 4)), [
      ["version", "global", "a", 1],
      ["version", "global", "a", 2],
      ["version", "global", "a", 3],
      ["deleted", "global", "gone", 1],
      ["version", "session:s", "c", 1],
      ["version", "skill:x", "b", 1],
    ]);
  },
);

unlessSkipped("no-setpriv", whyNoSetpriv())(
  "an identity that a passphrase protects signs too, and a directory that is closed is told",
  async () => {
    using machine = makeMachine("nobody");
    const secret = `${machine.home}/identity.txt`;
    Deno.writeTextFileSync(secret, "passphrase of it");
    Deno.chownSync(secret, 65_534, 65_534);
    const pass = ["--passphrase-file", secret];
    await machine.succeed(["init", "--protect", "passphrase", ...pass]);
    await machine.succeed(["secrets", "set", "global/a", ...pass], { stdin: "value" });
    const { recipient } = await ageKeys(machine);
    const out = `${machine.home}/b.age`;
    const args = ["vault", "backup", "--out", out, "--recipient", recipient];
    await machine.succeed([...args, ...pass]);
    assertRefused(await machine.run(args), 7, "there already");
    Deno.removeSync(out);
    assertRefused(await machine.run(args), 12, "without the passphrase");
    const closed = `${machine.directory}/closed`; // to its owner, who is somebody else
    Deno.mkdirSync(closed, { mode: 0o700 });
    const there = ["--out", `${closed}/b.age`, "--recipient", recipient, ...pass];
    assert.equal((await machine.run(["vault", "backup", ...there])).status, 6);
  },
);
