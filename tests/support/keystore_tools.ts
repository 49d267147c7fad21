/**
 * The tools of the keystores as tests give them to the adapters: stand-ins that run as programs, and
 * answers that are only spoken; and what there is to say of every failure.
 */

import assert from "node:assert/strict";
import { isPalyraError, type PalyraError } from "../../src/errors.ts";
import { causeOf, type KeystoreCause } from "../../src/keystore/failure.ts";
import type { Holder, ItemName, KeystoreItems } from "../../src/keystore/keystore.ts";
import { denoPlatform } from "../../src/platform/deno/platform.ts";
import type { Platform, ProcessRequest, ProcessResult } from "../../src/platform/platform.ts";

/** A program and its first arguments. */
export type Command = readonly [string, ...string[]];

/** What a stand-in was called with. */
export interface ToolCall {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
}

/** A stand-in with a directory of its own. */
export interface StandIn extends Disposable {
  readonly directory: string;
  /** The command for an adapter, with more words for the stand-in itself. */
  command(...own: readonly string[]): Command;
  /** All calls so far. */
  calls(): ToolCall[];
}

/** A vault's items, as tests name them. */
export const HOLDER: Holder = { kind: "vault", id: "0123456789abcdef0123456789abcdef" };
/** One of them. */
export const ITEM: ItemName = { kind: "vault_key", id: "fedcba9876543210fedcba9876543210" };
/** A text that no tool says of itself. */
export const BLOB = "PKV1.c4n4ry-0f-th3-bl0b.1nst3ad-0f-a-k3y";
/** What a tool might say, and nobody may repeat. */
export const WHISPER = "wh1sp3r-0f-th3-t00l";

/** Variables that turn a tool against its user, or away from its keystore; none may reach it. */
export const HOSTILE: Readonly<Record<string, string>> = {
  SECRET_BACKEND: "file",
  SECRET_FILE_TEST_PATH: "/tmp/x",
  SECRET_FILE_TEST_PASSWORD: "x",
  G_MESSAGES_DEBUG: "all",
  LD_PRELOAD: "/tmp/x.so",
  LD_LIBRARY_PATH: "/tmp",
  DYLD_INSERT_LIBRARIES: "/tmp/x.dylib",
  PSModulePath: "C:\\x",
  COR_ENABLE_PROFILING: "1",
  CORECLR_PROFILER: "x",
  PATH: "/tmp",
  LANG: "de_DE.UTF-8",
  LANGUAGE: "de",
  LC_MESSAGES: "de_DE.UTF-8",
  PALYRA_STATE_ROOT: "/tmp/x",
};

/** Prepares a stand-in: a file of `tests/support`, and the words that name its files. */
export function makeStandIn(
  file: string,
  wordsFor: (directory: string) => readonly string[],
): StandIn {
  const directory = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "palyra-test-" }));
  const program = new URL(file, import.meta.url).pathname;
  const flags = ["run", "-A", "--no-config", "--no-lock", "--no-prompt", "--quiet"];
  const log = `${directory}/log`;
  return {
    directory,
    command: (...own) => [
      Deno.execPath(),
      ...flags,
      program,
      ...wordsFor(directory),
      `--fake-log=${log}`,
      ...own,
    ],
    calls: () => readCalls(log),
    [Symbol.dispose]: () => Deno.removeSync(directory, { recursive: true }),
  };
}

/** The stand-in for `secret-tool`. */
export function makeSecretTool(): StandIn {
  return makeStandIn("fake_secret_tool.ts", (directory) => [`--fake-state=${directory}/state`]);
}

/** The stand-in for macOS `security`; its keychain has this path unless a test names another. */
export function makeSecurity(): StandIn & { readonly keychain: string } {
  const tool = makeStandIn("fake_security.ts", (directory) => [`--fake-state=${directory}/state`]);
  return { ...tool, keychain: `${tool.directory}/login.keychain-db` };
}

/** What the stand-in for `security` is to do from now on, beside keeping its items. */
export function behave(
  { directory }: StandIn,
  changes: Readonly<Record<string, unknown>>,
): void {
  const path = `${directory}/state`;
  const state = exists(path) ? JSON.parse(Deno.readTextFileSync(path)) : { items: [] };
  Deno.writeTextFileSync(path, JSON.stringify({ ...state, ...changes }));
}

/** The stand-in for Windows PowerShell; another key file is another user. */
export function makePowerShell(): StandIn {
  return makeStandIn("fake_powershell.ts", (directory) => [`--fake-key=${directory}/user.key`]);
}

/** The real platform with other variables: the hostile ones, and those that are given. */
export function platformWith(
  variables: Readonly<Record<string, string | undefined>>,
  os: Platform["environment"]["os"] = denoPlatform.environment.os,
): Platform {
  const all: Record<string, string | undefined> = { ...HOSTILE, ...variables };
  const environment = { ...denoPlatform.environment, os, get: (name: string) => all[name] };
  return { ...denoPlatform, environment };
}

const PATIENT_MS = 60_000;

/**
 * The platform with more patience: a stand-in is a program of the runtime, which starts many times
 * slower than the real tool, and on a busy machine slower than the limits of keystores.
 */
export function patient(platform: Platform): Platform {
  const { processes } = platform;
  const run: typeof processes.run = (request) =>
    processes.run({ ...request, timeoutMs: Math.max(request.timeoutMs, PATIENT_MS) });
  return { ...platform, processes: { ...processes, run } };
}

/** A platform with less patience, whatever it had: a program that hangs is ended after this time. */
export function impatient(platform: Platform, mostMs: number): Platform {
  const { run: start } = denoPlatform.processes;
  const run: typeof start = (request) =>
    start({ ...request, timeoutMs: Math.min(request.timeoutMs, mostMs) });
  return { ...platform, processes: { ...platform.processes, run } };
}

/** An answer in place of a program's. */
export interface Spoken {
  readonly status?: number;
  readonly out?: string | Uint8Array;
  readonly err?: string | Uint8Array;
  readonly failure?: ProcessResult["failure"];
}

/** A platform on which no program is started: each call is answered, and kept. */
export function answering(
  answer: (request: ProcessRequest) => Spoken,
  platform: Platform = denoPlatform,
): { readonly platform: Platform; readonly requests: ProcessRequest[] } {
  const requests: ProcessRequest[] = [];
  async function run(request: ProcessRequest): Promise<ProcessResult> {
    const stdin = request.stdin?.slice(); // the adapter wipes it
    requests.push(stdin === undefined ? request : { ...request, stdin });
    const { status = 0, out = "", err = "", failure } = answer(request);
    return await Promise.resolve({ status, stdout: toBytes(out), stderr: toBytes(err), failure });
  }
  const find = (name: string): string => `/usr/bin/${name}`;
  return { platform: { ...platform, processes: { ...platform.processes, run, find } }, requests };
}

/** Asserts that an operation fails as the cause demands, and repeats nothing of what a tool said. */
export async function assertFailsBy(
  cause: KeystoreCause,
  operation: () => Promise<unknown>,
  what: string = cause,
): Promise<PalyraError> {
  const error = await operation().then(() => undefined, (thrown: unknown) => thrown);
  assert.ok(isPalyraError(error), `${what}: ${error}`);
  assert.equal(causeOf(error), cause, `${what}: ${error.message}`);
  assert.equal(error.code, CODES[cause] ?? "unavailable", what);
  assertSilent(error, what);
  return error;
}

/** Asserts that neither an error nor what it is caused by holds a tool's words or the blob. */
export function assertSilent(error: unknown, what: string): void {
  const text = Deno.inspect(error, { depth: 20, showHidden: true });
  for (const secret of [BLOB, WHISPER, BLOB.slice(0, 16), WHISPER.slice(0, 12)]) {
    assert.ok(!text.includes(secret), `${what}: says ${secret}: ${text}`);
  }
}

/** Asserts that a tool saw these variables only, and the blob on its standard input only. */
export function assertClean(calls: readonly ToolCall[], allowed: readonly string[]): void {
  assert.ok(calls.length > 0, "no call was logged");
  for (const { argv, env } of calls) {
    assert.ok(!argv.join("\0").includes(BLOB), `argv: ${argv}`);
    assert.ok(!JSON.stringify(env).includes(BLOB), `env: ${JSON.stringify(env)}`);
    // The runtime of the stand-in adds a PATH and variables of its own.
    const strangers = Object.keys(env)
      .filter((name) => !/^(?:PATH|DENO_\w+)$/.test(name) && !allowed.includes(name));
    assert.deepEqual(strangers, [], argv.join(" "));
    for (const [name, value] of Object.entries(HOSTILE)) assert.notEqual(env[name], value, name);
  }
}

/** Stores a text under the test item; what is read afterwards. */
export async function stored(items: KeystoreItems, text = BLOB): Promise<string | undefined> {
  await items.store(ITEM, text);
  return await items.read(ITEM);
}

const CODES: Partial<Record<KeystoreCause, string>> = {
  denied: "denied",
  lost_key: "integrity",
  corrupt: "integrity",
  duplicate: "internal",
};

function readCalls(log: string): ToolCall[] {
  try {
    return Deno.readTextFileSync(log).trimEnd().split("\n").map((line) => JSON.parse(line));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function toBytes(text: string | Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(typeof text === "string" ? new TextEncoder().encode(text) : text);
}
