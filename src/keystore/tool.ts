/** Which program a keystore is reached through, for people who look for what is wrong. */

import { decodeUtf8 } from "../crypto/encoding.ts";
import { isPalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import { causeOf } from "./failure.ts";
import type { KeystoreKind } from "./keystore.ts";
import { runTool } from "./run_tool.ts";

/** A program that is there. */
export interface KeystoreTool {
  readonly path: string;
  /** What it says of itself; secret-tool before 0.21 says nothing. */
  readonly version: string | undefined;
}

const TIMEOUT_MS = 2_500;

/** Finds the program; `undefined` when it is not there. */
export async function findTool(
  platform: Platform,
  kind: KeystoreKind,
): Promise<KeystoreTool | undefined> {
  if (kind === "linux_secret_service") {
    const { SECRET_TOOL_DIRECTORIES } = await import("./linux_secret_service.ts");
    const path = platform.processes.find("secret-tool", SECRET_TOOL_DIRECTORIES);
    try {
      return path === undefined ? undefined : { path, version: await versionOf(platform, path) };
    } catch (error) {
      if (causeOf(error) === "no_tool") return undefined; // it is there, and cannot be started
      throw error;
    }
  }
  if (kind === "macos_keychain") {
    const path = platform.processes.find("security", "/usr/bin");
    return path === undefined ? undefined : { path, version: undefined };
  }
  const { windowsPrograms } = await import("./windows_access.ts");
  try {
    const [path] = windowsPrograms(platform.environment).powershell;
    return platform.userFiles.exists(path) ? { path, version: undefined } : undefined;
  } catch (error) {
    if (isPalyraError(error)) return undefined;
    throw error;
  }
}

async function versionOf({ processes }: Platform, path: string): Promise<string | undefined> {
  const { stdout } = await runTool(processes, "linux_secret_service", {
    argv: [path, "--version"],
    env: { LC_ALL: "C" },
    timeoutMs: TIMEOUT_MS,
    maxBytes: 65_536,
  });
  return /\b\d+\.\d+(?:\.\d+)?\b/.exec(decodeUtf8(stdout) ?? "")?.[0];
}
