/**
 * The Windows Data Protection API through Windows PowerShell: DPAPI keeps nothing itself, so the
 * protected bytes rest in files of palyra's own, readable by this user on this machine only.
 *
 * From PowerShell's published source; verified on real Windows by the release workflow.
 */

import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import type { Platform, ProcessResult } from "../platform/platform.ts";
import { DPAPI_SCRIPT } from "./dpapi_script.ts";
import { type KeystoreCause, keystoreFailure } from "./failure.ts";
import type { Holder, ItemName, KeystoreItems } from "./keystore.ts";
import { runTool } from "./run_tool.ts";
import { tighten, type WindowsPrograms, windowsPrograms } from "./windows_access.ts";

const KIND = "windows_dpapi";
const FLAGS = ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command"];
/** Usually 0.2 to 0.6 s, on bad machines 5; nobody is ever asked. */
const TIMEOUT_MS = 20_000;
const MAX_OUTPUT_BYTES = 65_536;
const MAX_FILE_BYTES = 16_384;
const ANSWER = /^\uFEFF?PALYRA1:([A-Za-z0-9+/=]+):END\s*$/;

/** What the script's and the host's exit statuses mean; 43 depends on the operation. */
const CAUSES: Readonly<Record<number, KeystoreCause>> = { 41: "policy", 64: "policy" };
const DPAPI_REFUSED = 43;

/** Where the files are, and how the programs are started. */
export interface DpapiOptions {
  /** A directory of the holder's own, under the state root. */
  readonly directory: string;
  readonly programs?: WindowsPrograms;
}

/** The items of a holder, each a protected file. */
export function windowsDpapi(
  platform: Pick<Platform, "processes" | "environment" | "directories" | "files">,
  holder: Holder,
  { directory, programs }: DpapiOptions,
): KeystoreItems {
  const { processes, environment, directories, files } = platform;
  const entropy = encodeUtf8(`palyra/v1/${holder.id}`); // no secret: it binds the purpose

  async function convert(
    operation: "protect" | "unprotect",
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { powershell, env } = programs ?? windowsPrograms(environment);
    const stdin = encodeUtf8(`${operation}\n${entropy.toBase64()}\n${bytes.toBase64()}\n`);
    const request = { env, stdin, timeoutMs: TIMEOUT_MS, maxBytes: MAX_OUTPUT_BYTES };
    const argv = [...powershell, ...FLAGS, DPAPI_SCRIPT] as const;
    const result = await runTool(processes, KIND, { ...request, argv })
      .finally(() => stdin.fill(0));
    // Standard error is not judged: progress records and a profile's words arrive there.
    const answer = result.status === 0 ? answerOf(result.stdout) : undefined;
    result.stdout.fill(0);
    if (result.failure === undefined && answer !== undefined) return answer;
    throw keystoreFailure(KIND, failureOf(operation, result), {
      tool: "powershell",
      verb: operation,
      ...(result.failure === undefined ? { status: result.status } : {}),
    });
  }

  async function store(name: ItemName, text: string): Promise<void> {
    if (!directories.check(directory)) {
      directories.ensure(directory);
      await tighten(platform, directory, programs);
    }
    const bytes = encodeUtf8(text);
    const sealed = await convert("protect", bytes).finally(() => bytes.fill(0));
    if (!files.create(pathOf(name), sealed)) throw keystoreFailure(KIND, "duplicate");
  }
  async function read(name: ItemName): Promise<string | undefined> {
    if (!directories.check(directory)) return undefined;
    const sealed = files.read(pathOf(name), MAX_FILE_BYTES);
    if (sealed === undefined) return undefined;
    const opened = await convert("unprotect", sealed);
    const text = decodeUtf8(opened);
    opened.fill(0);
    if (text === undefined) throw keystoreFailure(KIND, "corrupt");
    return text;
  }
  // deno-lint-ignore require-await -- a refusal is a rejected promise, as with every keystore
  async function remove(name: ItemName): Promise<void> {
    if (directories.check(directory)) files.remove(pathOf(name));
  }
  function pathOf(name: ItemName): string {
    const id = name.kind === "canary" ? [] : [name.id];
    return `${directory}/${[holder.id, name.kind, ...id].join(".")}.dpapi`;
  }
  return { kind: KIND, store, read, remove };
}

function answerOf(stdout: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const encoded = ANSWER.exec(decodeUtf8(stdout) ?? "")?.[1];
  try {
    return encoded === undefined ? undefined : Uint8Array.fromBase64(encoded);
  } catch {
    return undefined;
  }
}

function failureOf(
  operation: "protect" | "unprotect",
  { status, failure }: ProcessResult,
): KeystoreCause {
  if (failure === "timeout") return "timeout";
  if (failure !== undefined) return "unknown";
  if (status === DPAPI_REFUSED) return operation === "unprotect" ? "lost_key" : "unknown";
  // Status 0 without an answer: a stand-in (wine has one), or output that is suppressed.
  return status === 0 ? "no_tool" : CAUSES[status] ?? "unknown";
}
