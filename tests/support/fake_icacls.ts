/**
 * Stands for the two programs of Windows that close a directory to others: `whoami.exe`, which tells
 * the user's SID, and `icacls.exe`. Run it in the place of either, with these words before its own:
 *
 * - `--fake-mode=MODE`: how both behave, see `MODES`; `ok` by default
 * - `--fake-log=FILE`: gets one JSON line a call, with `argv`, `env` and `stdin`
 */

import { type FakeAnswer, hang, logFakeCall, parseFakeCall, speak } from "./fake_call.ts";

/** What they can be like. */
const MODES: Readonly<Record<string, string>> = {
  ok: "as the real ones are taken to be",
  whoamifail: "whoami fails",
  nosid: "whoami says something else",
  icaclsfail: "icacls fails: a file system without access lists, or a directory of others",
  hang: "neither ends",
};

/** Who asks; another one than the system and the administrators. */
const SID = "S-1-5-21-1004336348-1177238915-682003330-1001";
const WHOAMI = "/user /fo csv /nh";
const RIGHTS = /^\*S-1-[0-9-]+:\(OI\)\(CI\)F$/;
const NO_SUCH_FILE = 2;
const ACCESS_DENIED = 5;
const INVALID_PARAMETER = 87;

if (import.meta.main) {
  const call = parseFakeCall(Deno.args, ["mode", "log"]);
  const mode = call.own.get("mode") ?? "ok";
  if (!Object.hasOwn(MODES, mode)) throw new Error(`Unknown mode: ${mode}`);
  logFakeCall(call);
  if (mode === "hang") hang();
  const answer = call.words[0] === "/user" ? whoami(call.words, mode) : icacls(call.words, mode);
  speak(answer);
  Deno.exit(answer.status);
}

function whoami(words: readonly string[], mode: string): FakeAnswer {
  if (words.join(" ") !== WHOAMI) return { status: 1, err: "ERROR: Invalid argument/option.\r\n" };
  if (mode === "whoamifail") return { status: 1, err: "ERROR: Unable to get user name.\r\n" };
  return { status: 0, out: mode === "nosid" ? '"host\\user"\r\n' : `"host\\user","${SID}"\r\n` };
}

function icacls([directory = "", ...words]: readonly string[], mode: string): FakeAnswer {
  const [inheritance, grant, ...rights] = words.filter((word) => word.toLowerCase() !== "/q");
  const isUsable = inheritance === "/inheritance:r" && grant === "/grant:r" &&
    rights.length > 0 && rights.every((right) => RIGHTS.test(right));
  if (!isUsable) {
    const wrong = [inheritance, grant, ...rights].join(" ");
    return { status: INVALID_PARAMETER, err: `Invalid parameter "${wrong}"\r\n` };
  }
  if (!isDirectory(directory)) return failure(NO_SUCH_FILE, directory, "No such file.");
  if (mode === "icaclsfail") return failure(ACCESS_DENIED, directory, "Access is denied.");
  return { status: 0, out: summary(1, 0) };
}

function failure(status: number, directory: string, why: string): FakeAnswer {
  return { status, out: summary(0, 1), err: `${directory}: ${why}\r\n` };
}

function summary(done: number, failed: number): string {
  return `Successfully processed ${done} files; Failed processing ${failed} files\r\n`;
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
