/**
 * The macOS Keychain through `/usr/bin/security`, generic passwords.
 *
 * From Apple's published source of the tool (Security-61901); verified on a real Mac by the release
 * workflow. Secrets go in as one line of its interactive mode: as an argument everybody could see
 * them, and its own prompt takes 128 characters. A line of more than 4,094 bytes would be cut, its
 * head run and its tail repeated on standard error, so such a line is never written.
 */

import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import type { Platform, ProcessResult } from "../platform/platform.ts";
import { type KeystoreCause, keystoreFailure } from "./failure.ts";
import type { Holder, ItemName, KeystoreItems } from "./keystore.ts";
import { runTool, toolEnvironment } from "./run_tool.ts";

const KIND = "macos_keychain";
const PROGRAM = "/usr/bin/security";
const SERVICE = "palyra.vault";
const PASSED = ["HOME", "USER", "LOGNAME", "TMPDIR"];
const TIMEOUT_MS = 10_000;
/** A person types a password. */
const UNLOCK_TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 65_536;
/** Bytes of a line without its line feed. */
const MAX_LINE = 4_094;
const NOT_FOUND = 44;

/** Exit statuses: the low byte of an OSStatus of the Security framework. */
const CAUSES: Readonly<Record<number, KeystoreCause>> = {
  45: "duplicate", // errSecDuplicateItem
  36: "locked", // errSecInteractionNotAllowed
  29: "locked", // errSecInteractionRequired
  51: "denied", // errSecAuthFailed
  128: "denied", // userCanceledErr
  101: "denied", // errSecNoAccessForItem
  100: "denied", // errSecInvalidOwnerEdit
  30: "denied", // errSecMissingEntitlement
  50: "no_collection", // errSecNoSuchKeychain
  49: "no_collection", // errSecInvalidKeychain
  37: "no_collection", // errSecNoDefaultKeychain
  53: "no_service", // errSecNotAvailable
  28: "no_service", // errSecDataNotAvailable
  52: "disk", // errSecReadOnly
};

/** How the tool is started, and which keychain it uses. */
export interface SecurityOptions {
  /** Program and first arguments, in place of {@link PROGRAM}. */
  readonly command?: readonly [string, ...string[]];
  /** In place of the user's default keychain. */
  readonly keychain?: string;
  /** A person may answer a dialog: reading waits for them. */
  readonly mayUnlock?: boolean;
}

/** The items of a holder in a keychain. */
export function macosKeychain(
  { processes, environment, userFiles }: Pick<
    Platform,
    "processes" | "environment" | "userFiles"
  >,
  holder: Holder,
  { command = [PROGRAM], keychain, mayUnlock = false }: SecurityOptions = {},
): KeystoreItems {
  let found = keychain;

  async function call(
    words: readonly [string, ...string[]],
    { stdin, accept = [0] }: { stdin?: Uint8Array; accept?: readonly number[] } = {},
  ): Promise<ProcessResult> {
    const result = await runTool(processes, KIND, {
      argv: [...command, ...words],
      env: toolEnvironment(environment, PASSED, { LC_ALL: "C" }),
      timeoutMs: mayUnlock ? UNLOCK_TIMEOUT_MS : TIMEOUT_MS,
      maxBytes: MAX_OUTPUT_BYTES,
      ...(stdin === undefined ? {} : { stdin }),
    });
    result.stderr.fill(0); // it may hold the secret
    if (result.failure === undefined && accept.includes(result.status)) return result;
    throw keystoreFailure(KIND, failureOf(result), {
      tool: "security",
      verb: words[0] === "-i" ? "add-generic-password" : words[0],
      ...(result.failure === undefined ? { status: result.status } : {}),
    });
  }

  /**
   * Every command names it: without, one adds to the default keychain while others search them all,
   * and so does one that names a file that cannot be opened.
   */
  async function keychainPath(): Promise<string> {
    if (found !== undefined) return found;
    const { stdout } = await call(["default-keychain", "-d", "user"]);
    const path = /^\s*"(.*)"\s*$/.exec(decodeUtf8(stdout) ?? "")?.[1];
    if (path === undefined || !path.startsWith("/") || hasControl(path)) {
      throw keystoreFailure(KIND, "no_collection");
    }
    if (!userFiles.exists(path)) throw keystoreFailure(KIND, "no_collection");
    return found = path;
  }

  async function store(name: ItemName, text: string): Promise<void> {
    const account = accountOf(holder, name);
    const path = (await keychainPath()).replaceAll(/[\\"]/g, "\\$&");
    const line = `add-generic-password -s "${SERVICE}" -a "${account}" -l "palyra ${account}"` +
      ` -w ${text} "${path}"`;
    const bytes = encodeUtf8(`${line}\n`);
    if (bytes.length - 1 > MAX_LINE) {
      throw new PalyraError("unavailable", `Cannot use ${KIND}: the keychain's path is too long`);
    }
    try {
      await call(["-i"], { stdin: bytes });
    } finally {
      bytes.fill(0);
    }
  }

  async function read(name: ItemName): Promise<string | undefined> {
    const words = ["-s", SERVICE, "-a", accountOf(holder, name), "-w", await keychainPath()];
    const { status, stdout } = await call(["find-generic-password", ...words], {
      accept: [0, NOT_FOUND],
    });
    if (status === NOT_FOUND) return undefined;
    const text = decodeUtf8(stdout) ?? "";
    stdout.fill(0);
    // Bytes that are not all printable come as hexadecimal digits, which ours never are.
    if (!text.endsWith("\n")) throw keystoreFailure(KIND, "corrupt");
    return text.slice(0, -1);
  }

  async function remove(name: ItemName): Promise<void> {
    const words = ["-s", SERVICE, "-a", accountOf(holder, name), await keychainPath()];
    await call(["delete-generic-password", ...words], { accept: [0, NOT_FOUND] });
  }

  return { kind: KIND, store, read, remove };
}

/** At most 64 + 1 + 9 + 1 + 32 characters that need no quoting. */
function accountOf(holder: Holder, name: ItemName): string {
  const id = name.kind === "canary" ? [] : [name.id];
  return [holder.id, name.kind, ...id].join(".");
}

function failureOf({ status, failure }: ProcessResult): KeystoreCause {
  if (failure === "timeout") return "timeout";
  return failure === undefined ? CAUSES[status] ?? "unknown" : "unknown";
}

function hasControl(text: string): boolean {
  // deno-lint-ignore no-control-regex -- a line feed in a path would end the line that holds the secret
  return /[\x00-\x1f\x7f]/.test(text);
}
