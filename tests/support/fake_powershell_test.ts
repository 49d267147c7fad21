/** The stand-in for PowerShell, held to what is known of the real one and of DPAPI, as a program. */

import assert from "node:assert/strict";
import { DPAPI_SCRIPT } from "../../src/keystore/dpapi_script.ts";
import { type Ended, runProcess } from "./process.ts";

const PROGRAM = new URL("fake_powershell.ts", import.meta.url).pathname;
const DENO = [Deno.execPath(), "run", "-A", "--no-config", "--no-lock", "--no-prompt", "--quiet"];
const FLAGS = ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command"];
const CALL = [...FLAGS, DPAPI_SCRIPT];
const TIMEOUT_MS = 60_000;
/** Of a call that is to hang. */
const HANGS_MS = 1_500;
const ENTROPY = base64("palyra/v1/vault");
const DATA = base64("PKV1.blob");
const PROVIDER = "01000000d08c9ddf0115d1118c7a00c04fc297eb";
const ANSWER = /^\ufeff?PALYRA1:([A-Za-z0-9+/=]+):END$/;
const PROTECT = `protect\n${ENTROPY}\n${DATA}\n`;
const OTHER_DATA = "PALYRAERR:crypto:0x8007000D";
const LOST_KEY = "PALYRAERR:crypto:0x8009000B";
const BAD_BASE64 = "PALYRAERR:other:System.FormatException";
const REFUSED = 99;

/** A stand-in with a user of its own. */
interface Fake extends Disposable {
  readonly directory: string;
  environment(): Record<string, string>;
  command(...own: readonly string[]): string[];
  run(stdin: string, ...own: readonly string[]): Promise<Ended>;
  runWith(words: readonly string[], ...own: readonly string[]): Promise<Ended>;
}

function makeFake(): Fake {
  const directory = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  const files = [`--fake-key=${directory}/key`, `--fake-log=${directory}/log`];
  const env = { HOME: directory, SystemRoot: "C:\\Windows", DENO_NO_UPDATE_CHECK: "1" };
  const command: Fake["command"] = (...own) => [...DENO, PROGRAM, ...files, ...own];
  const start = (argv: readonly string[], stdin: string): Promise<Ended> => {
    const timeoutMs = argv.includes("--fake-mode=hang") ? HANGS_MS : TIMEOUT_MS;
    return runProcess({ argv, env, stdin, timeoutMs });
  };
  return {
    directory,
    environment: () => env,
    command,
    run: (stdin, ...own) => start([...command(...own), ...CALL], stdin),
    runWith: (words, ...own) => start([...command(...own), ...words], PROTECT),
    [Symbol.dispose]: () => Deno.removeSync(directory, { recursive: true }),
  };
}

function told({ status, out, err }: Ended): [number, string, string] {
  return [status, out, err];
}

function base64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}

/** What stands between the marks. */
function answerOf({ status, out, err }: Ended): string {
  assert.deepEqual([status, err], [0, ""]);
  return ANSWER.exec(out)![1]!;
}

function unprotect(blob: string, entropy = ENTROPY): string {
  return `unprotect\n${entropy}\n${blob}\n`;
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}

Deno.test("ok: a blob begins as real ones do, is larger than the data and never the same", async () => {
  using fake = makeFake();
  const blobs = await Promise.all([1, 2, 3].map(async () => answerOf(await fake.run(PROTECT))));
  assert.equal(new Set(blobs).size, 3);
  for (const blob of blobs) {
    const bytes = Uint8Array.fromBase64(blob);
    assert.ok(bytes.toHex().startsWith(PROVIDER));
    assert.ok(bytes.length > Uint8Array.fromBase64(DATA).length + 100);
    assert.ok(!new TextDecoder("latin1").decode(bytes).includes("PKV1"));
    assert.equal(answerOf(await fake.run(unprotect(blob))), DATA);
  }
  const empty = answerOf(await fake.run(`protect\n${ENTROPY}\n\n`));
  assert.deepEqual(told(await fake.run(unprotect(empty))), [0, "PALYRA1::END", ""]);
});

Deno.test("43: wrong entropy, another user, and any byte that was altered, cut or added", async () => {
  using fake = makeFake();
  const blob = answerOf(await fake.run(PROTECT));
  const refused = [43, "", OTHER_DATA];
  assert.deepEqual(told(await fake.run(unprotect(blob, base64("palyra/v1/other")))), refused);
  assert.deepEqual(told(await fake.run(unprotect(blob, ""))), refused);
  const other = `--fake-key=${fake.directory}/other`;
  assert.deepEqual(told(await fake.run(unprotect(blob), other)), [43, "", LOST_KEY]);
  const bytes = Uint8Array.fromBase64(blob);
  const altered = [0, 19, 20, 36, 100, 147, 148, bytes.length - 1].map((at) =>
    bytes.with(at, bytes[at]! ^ 1)
  );
  const others = [
    ...altered,
    bytes.slice(0, -1),
    bytes.slice(0, 30),
    new Uint8Array([...bytes, 0]),
  ];
  for (const wrong of [...others, new Uint8Array()]) {
    const { status, out } = await fake.run(unprotect(wrong.toBase64()));
    assert.deepEqual([status, out], [43, ""]);
  }
  assert.equal(answerOf(await fake.run(unprotect(blob))), DATA);
});

Deno.test("44: base64 that .NET does not take; 42: another operation, whatever its case", async () => {
  using fake = makeFake();
  const wrong = ["A", "QUI", "QQ", "QQ=", "QQ==QQ==", "Q-_=", "%%%%", "=", "QUJ\u00e9"];
  for (const text of wrong) {
    assert.deepEqual(
      told(await fake.run(`protect\n${ENTROPY}\n${text}\n`)),
      [44, "", BAD_BASE64],
      text,
    );
    assert.deepEqual(
      told(await fake.run(`protect\n${text}\n${DATA}\n`)),
      [44, "", BAD_BASE64],
      text,
    );
  }
  for (const text of ["", "protect", "frobnicate"]) {
    assert.deepEqual(told(await fake.run(text)), [44, "", BAD_BASE64], text);
  }
  for (const operation of ["", "Protect", "UNPROTECT", " protect", "erase"]) {
    const stdin = `${operation}\n${ENTROPY}\n${DATA}\n`;
    assert.deepEqual(told(await fake.run(stdin)), [42, "", ""], operation);
  }
});

Deno.test("lines may end in CRLF, the last one in nothing, and base64 may be broken", async () => {
  using fake = makeFake();
  const blob = answerOf(await fake.run(PROTECT.replaceAll("\n", "\r\n")));
  assert.equal(answerOf(await fake.run(unprotect(blob).replaceAll("\n", "\r\n"))), DATA);
  assert.equal(answerOf(await fake.run(unprotect(blob).trimEnd())), DATA);
  const broken = blob.replaceAll(/.{64}/g, "$&\r\n");
  assert.equal(answerOf(await fake.run(unprotect(broken))), DATA);
});

Deno.test("nothing is answered before standard input is closed", async () => {
  using fake = makeFake();
  const [program, ...args] = [...fake.command(), ...CALL];
  const child = new Deno.Command(program!, {
    args,
    env: fake.environment(),
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(PROTECT));
  const ended = child.output().then(({ code }) => code);
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve("waits"), HANGS_MS);
  assert.equal(await Promise.race([ended, late]), "waits");
  clearTimeout(timer);
  await writer.close();
  assert.equal(await ended, 0);
});

Deno.test("the call is this one, and refused in any other form with a status of its own", async () => {
  using fake = makeFake();
  const [logo, profile, interactive, command] = FLAGS as [string, string, string, string];
  const plain = "exit 0";
  const refused: Readonly<Record<string, readonly string[]>> = {
    "nothing": [],
    "no script": FLAGS,
    "no -NoLogo": [profile, interactive, command, plain],
    "no -NoProfile": [logo, interactive, command, plain],
    "no -NonInteractive": [logo, profile, command, plain],
    "a file": [logo, profile, interactive, "-File", "x.ps1"],
    "encoded": [logo, profile, interactive, "-EncodedCommand", "AA=="],
    "a policy": [logo, profile, interactive, "-ExecutionPolicy", "Bypass", command, plain],
    "more words": [...FLAGS, plain, "more"],
    "standard input": [...FLAGS, "-"],
    "$input": [...FLAGS, "$x = $input"],
    "${INPUT}": [...FLAGS, "${INPUT}.Length"],
    "a double quote": [...FLAGS, 'Write-Output "x"'],
    "another alphabet": [...FLAGS, "'\u00e9'"],
  };
  for (const [what, words] of Object.entries(refused)) {
    const { status, out, err } = await fake.runWith(words);
    assert.deepEqual([status, out], [REFUSED, ""], what);
    assert.match(err, /^fake_powershell: /, what);
  }
  answerOf(await fake.runWith([...FLAGS, "$inputs = 1"]));
  answerOf(await fake.runWith([...FLAGS.map((flag) => flag.toLowerCase()), DPAPI_SCRIPT]));
});

Deno.test("with a SHA-256 only that script runs, to the letter", async () => {
  using fake = makeFake();
  const known = `--fake-script-sha256=${await sha256(DPAPI_SCRIPT)}`;
  answerOf(await fake.runWith(CALL, known));
  for (const script of [`${DPAPI_SCRIPT} `, DPAPI_SCRIPT.trimEnd(), "exit 0"]) {
    assert.equal((await fake.runWith([...FLAGS, script], known)).status, REFUSED);
  }
});

Deno.test("a refused call is refused in every mode", async () => {
  using fake = makeFake();
  for (const mode of ["ok", "stub", "policy", "hostfail", "clm"]) {
    assert.equal(
      (await fake.runWith(["-Command", "-"], `--fake-mode=${mode}`)).status,
      REFUSED,
      mode,
    );
  }
});

Deno.test("stub, clm, policy, hostfail: an end without an answer, whatever is asked", async () => {
  using fake = makeFake();
  const ends = { stub: [0, ""], clm: [41, ""], policy: [64, ""], hostfail: [1, ""] };
  for (const [mode, end] of Object.entries(ends)) {
    for (const stdin of [PROTECT, unprotect(DATA), ""]) {
      const { status, out } = await fake.run(stdin, `--fake-mode=${mode}`);
      assert.deepEqual([status, out], end, mode);
    }
  }
});

Deno.test("noise, bom: an answer like any other, with something beside it", async () => {
  using fake = makeFake();
  const noise = await fake.run(PROTECT, "--fake-mode=noise");
  assert.equal(noise.status, 0);
  assert.match(noise.err, /^#< CLIXML\r\n<Objs /);
  const bom = await fake.run(PROTECT, "--fake-mode=bom");
  assert.deepEqual([bom.status, [...bom.stdout.subarray(0, 3)], bom.err], [
    0,
    [0xef, 0xbb, 0xbf],
    "",
  ]);
  for (const { out } of [noise, bom]) {
    assert.equal(answerOf(await fake.run(unprotect(ANSWER.exec(out)![1]!))), DATA);
  }
});

Deno.test("badcrypt opens nothing, protectfail seals nothing, garbage is no base64", async () => {
  using fake = makeFake();
  const blob = answerOf(await fake.run(PROTECT));
  assert.deepEqual(told(await fake.run(unprotect(blob), "--fake-mode=badcrypt")), [
    43,
    "",
    LOST_KEY,
  ]);
  answerOf(await fake.run(PROTECT, "--fake-mode=badcrypt"));
  const denied = [43, "", "PALYRAERR:crypto:0x80070005"];
  assert.deepEqual(told(await fake.run(PROTECT, "--fake-mode=protectfail")), denied);
  assert.equal(answerOf(await fake.run(unprotect(blob), "--fake-mode=protectfail")), DATA);
  const answer = answerOf(await fake.run(PROTECT, "--fake-mode=garbage"));
  assert.throws(() => Uint8Array.fromBase64(answer), SyntaxError);
});

Deno.test("slow: two seconds late; hang: never", async () => {
  using fake = makeFake();
  const from = performance.now();
  const [slow, hanging] = await Promise.all([
    fake.run(PROTECT, "--fake-mode=slow"),
    fake.run(PROTECT, "--fake-mode=hang"),
  ]);
  answerOf(slow);
  assert.ok(performance.now() - from >= 2_000);
  assert.deepEqual([hanging.timedOut, hanging.out, hanging.err], [true, "", ""]);
});

Deno.test("a mode in a file holds until the file says another", async () => {
  using fake = makeFake();
  const file = `${fake.directory}/mode`;
  const statuses: number[] = [];
  for (const mode of ["clm", "ok\n", "policy"]) {
    Deno.writeTextFileSync(file, mode);
    statuses.push((await fake.run(PROTECT, `--fake-mode-file=${file}`)).status);
  }
  assert.deepEqual(statuses, [41, 0, 64]);
  for (const own of ["--fake-mode=none", "--fake-nothing=x"]) {
    assert.match((await fake.run(PROTECT, own)).err, /Unknown (mode|word)/);
  }
});

Deno.test("calls at the same time make one key", async () => {
  using fake = makeFake();
  const blobs = await Promise.all(Array.from({ length: 8 }, () => fake.run(PROTECT)));
  for (const blob of blobs) assert.equal(answerOf(await fake.run(unprotect(answerOf(blob)))), DATA);
});

Deno.test("every call leaves a line of what it was given", async () => {
  using fake = makeFake();
  await fake.run(PROTECT);
  await fake.run(PROTECT, "--fake-mode=stub");
  await fake.runWith(["-Version"]);
  const lines = Deno.readTextFileSync(`${fake.directory}/log`).trimEnd().split("\n");
  const calls = lines.map((line) => JSON.parse(line));
  assert.deepEqual(calls.map(({ argv, stdin }) => [argv, stdin]), [
    [CALL, PROTECT],
    [CALL, ""],
    [["-Version"], ""],
  ]);
  assert.ok(calls.every(({ env }) => env.SystemRoot === "C:\\Windows" && !("USER" in env)));
});
