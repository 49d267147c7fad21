/** The programs of Windows that palyra starts, and a directory closed to everyone but this user. */

import { decodeUtf8 } from "../crypto/encoding.ts";
import type { Environment, Platform, ProcessRequest, ProcessResult } from "../platform/platform.ts";
import { causeOf, keystoreFailure } from "./failure.ts";
import { runTool, toolEnvironment } from "./run_tool.ts";

/** How the programs are started, and with which environment. */
export interface WindowsPrograms {
  readonly powershell: readonly [string, ...string[]];
  readonly whoami: readonly [string, ...string[]];
  readonly icacls: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

/** Never PSModulePath: inherited from PowerShell 7 it breaks 5.1. */
const PASSED = [
  "SystemRoot",
  "windir",
  "SystemDrive",
  "TEMP",
  "TMP",
  "USERPROFILE",
  "LOCALAPPDATA",
  "APPDATA",
  "USERNAME",
  "USERDOMAIN",
];
const SYSTEM_ROOT = /^[A-Za-z]:\\[^"<>|]+$/;
const SID = /^S-1-[0-9-]{1,180}$/;
/** S-1-5-18 is the system itself, by its well-known id: names are translated. */
const SYSTEM_SID = "S-1-5-18";
const TIMEOUT_MS = 20_000;

/** The programs by absolute path. Throws `unavailable` where Windows does not say where it is. */
export function windowsPrograms(environment: Environment): WindowsPrograms {
  const root = environment.get("SystemRoot");
  if (root === undefined || !SYSTEM_ROOT.test(root)) {
    throw keystoreFailure("windows_dpapi", "no_tool");
  }
  const system = `${root}\\System32`;
  const env = toolEnvironment(environment, PASSED, { PATH: system });
  return {
    powershell: [`${system}\\WindowsPowerShell\\v1.0\\powershell.exe`],
    whoami: [`${system}\\whoami.exe`],
    icacls: [`${system}\\icacls.exe`],
    env,
  };
}

/**
 * Gives a directory to this user and the system alone, instead of what it inherits. DPAPI protects
 * what is in it all the same, so that a file system without access lists is no failure.
 */
export async function tighten(
  { processes, environment }: Pick<Platform, "processes" | "environment">,
  directory: string,
  programs: WindowsPrograms = windowsPrograms(environment),
): Promise<boolean> {
  const { whoami, icacls, env } = programs;
  const bounds = { env, timeoutMs: TIMEOUT_MS, maxBytes: 65_536 };
  const run = (argv: ProcessRequest["argv"]): Promise<ProcessResult> =>
    runTool(processes, "windows_dpapi", { argv, ...bounds });
  try {
    const who = await run([...whoami, "/user", "/fo", "csv", "/nh"]);
    const sid = /"([^"]*)"\s*$/.exec(decodeUtf8(who.stdout) ?? "")?.[1];
    if (who.status !== 0 || sid === undefined || !SID.test(sid)) return false;
    const rights = (of: string): string => `*${of}:(OI)(CI)F`;
    const words = ["/inheritance:r", "/grant:r", rights(sid), rights(SYSTEM_SID), "/q"];
    const path = directory.replaceAll("/", "\\");
    return (await run([...icacls, path, ...words])).status === 0;
  } catch (error) {
    if (causeOf(error) === undefined) throw error;
    return false;
  }
}
