/**
 * The freedesktop Secret Service through `secret-tool`.
 *
 * `lookup` and `clear` say the same, status 1 and not a word, of an item that is not there and of one
 * that is locked; `search --all` tells them apart and never opens a dialog, so it is what reads.
 * Messages are those of libsecret 0.20.5, in English by LC_ALL=C.
 */

import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import type { Platform, ProcessResult } from "../platform/platform.ts";
import { type KeystoreCause, keystoreFailure } from "./failure.ts";
import type { Holder, ItemName, KeystoreItems } from "./keystore.ts";
import { runTool, toolEnvironment } from "./run_tool.ts";

const KIND = "linux_secret_service";
/** Where distributions put the program; PATH is never asked. */
export const SECRET_TOOL_DIRECTORIES = "/usr/bin:/usr/local/bin:/run/current-system/sw/bin";
const PASSED = [
  "DBUS_SESSION_BUS_ADDRESS",
  "XDG_RUNTIME_DIR",
  "HOME",
  "DISPLAY",
  "WAYLAND_DISPLAY",
];
/** Usually 12 ms. A reading command that cannot read should say so within three seconds. */
const READ_TIMEOUT_MS = 2_200;
const WRITE_TIMEOUT_MS = 5_000;
/** A person types a password. */
const UNLOCK_TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 65_536;

const CAUSES: readonly (readonly [RegExp, KeystoreCause])[] = [
  [/not provided by any \.service files|ServiceUnknown/, "no_service"],
  [
    /Cannot autolaunch D-Bus|Could not connect|address is empty|does not contain a colon|unsupported transport|dbus-launch/,
    "no_bus",
  ],
  [/locked (?:collection|object)/, "locked"],
  [/Object does not exist at path/, "no_collection"],
  [/occurred on the device/, "disk"],
  [/too long|not valid UTF-8|textual password/, "corrupt"],
];

/** How the tool is started. */
export interface SecretToolOptions {
  /** Program and first arguments, in place of the installed program. */
  readonly command?: readonly [string, ...string[]];
  /** A person may answer a dialog: storing waits for them. */
  readonly mayUnlock?: boolean;
}

/** The items of a holder in the Secret Service. */
export function linuxSecretService(
  { processes, environment }: Pick<Platform, "processes" | "environment">,
  holder: Holder,
  { command, mayUnlock = false }: SecretToolOptions = {},
): KeystoreItems {
  async function call(
    words: readonly [string, ...string[]],
    timeoutMs: number,
    stdin?: Uint8Array,
  ): Promise<ProcessResult> {
    const argv = command ?? installed();
    const env = toolEnvironment(environment, PASSED, { LC_ALL: "C" });
    const result = await runTool(processes, KIND, {
      argv: [...argv, ...words],
      env,
      timeoutMs,
      maxBytes: MAX_OUTPUT_BYTES,
      ...(stdin === undefined ? {} : { stdin }),
    });
    const failed = failureOf(words[0], result);
    if (failed === undefined) return result;
    throw keystoreFailure(KIND, failed, {
      tool: "secret-tool",
      verb: words[0],
      ...(result.failure === undefined ? { status: result.status } : {}),
    });
  }
  function installed(): [string] {
    const program = processes.find("secret-tool", SECRET_TOOL_DIRECTORIES);
    if (program === undefined) throw keystoreFailure(KIND, "no_tool");
    return [program];
  }
  async function store(name: ItemName, text: string): Promise<void> {
    const label = `--label=palyra ${name.kind === "canary" ? "canary" : name.id}`;
    const bytes = encodeUtf8(text);
    const timeoutMs = mayUnlock ? UNLOCK_TIMEOUT_MS : WRITE_TIMEOUT_MS;
    try {
      await call(["store", label, ...attributes(holder, name)], timeoutMs, bytes);
    } finally {
      bytes.fill(0);
    }
  }
  async function read(name: ItemName): Promise<string | undefined> {
    const words = ["search", "--all", ...attributes(holder, name)] as [string, ...string[]];
    return secretOf(await call(words, READ_TIMEOUT_MS));
  }
  async function remove(name: ItemName): Promise<void> {
    await call(["clear", ...attributes(holder, name)], WRITE_TIMEOUT_MS);
  }
  async function unlock(name: ItemName): Promise<void> {
    const { stdout } = await call(["lookup", ...attributes(holder, name)], UNLOCK_TIMEOUT_MS);
    stdout.fill(0);
  }
  return { kind: KIND, store, read, remove, unlock };
}

/**
 * Always the whole set: `clear` with fewer attributes removes every item that has them. None of them
 * is secret: they are arguments, and rest in clear or as unsalted hashes.
 */
function attributes(holder: Holder, name: ItemName): string[] {
  const id = name.kind === "canary" ? [] : ["id", name.id];
  return ["application", "palyra", holder.kind, holder.id, "kind", name.kind, ...id];
}

/** Why a call failed. A silent status 1 of `lookup` and `clear` is none: nothing was there, or it was locked. */
function failureOf(
  verb: string,
  { status, stderr, failure }: ProcessResult,
): KeystoreCause | undefined {
  if (failure === "timeout") return "timeout";
  if (failure !== undefined) return "unknown";
  const text = decodeUtf8(stderr) ?? "\ufffd";
  const known = CAUSES.find(([pattern]) => pattern.test(text))?.[1];
  if (known !== undefined) return known; // also with status 0: a value that was cut, a locked item
  const isSilent = status === 1 && text === "" && (verb === "lookup" || verb === "clear");
  return status === 0 || isSilent ? undefined : "unknown";
}

/**
 * The secret in the answer of `search --all`: nothing for no item, exactly one block with exactly one
 * line `secret = ` for one. A block without it is locked, as one is that was locked since the service
 * started. Attributes are told on standard error.
 */
function secretOf({ status, stdout }: ProcessResult): string | undefined {
  const text = decodeUtf8(stdout) ?? "\ufffd";
  stdout.fill(0);
  const verb = { tool: "secret-tool", verb: "search", status };
  if (text === "") return undefined;
  const lines = text.split("\n");
  const blocks = lines.filter((line) => /^\[.*\]$/.test(line)).length;
  const secrets = lines.filter((line) => line.startsWith("secret = "));
  if (blocks === 1 && secrets.length === 0) throw keystoreFailure(KIND, "locked", verb);
  if (blocks !== 1 || secrets.length !== 1) throw keystoreFailure(KIND, "corrupt", verb);
  return secrets[0]!.slice("secret = ".length);
}
