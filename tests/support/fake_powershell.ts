/**
 * Stands for Windows `powershell.exe` with the one script that seals and opens by DPAPI, and refuses
 * every other use. Run it in the real one's place, with these words before the tool's own:
 *
 * - `--fake-key=FILE`: the user's master key, made when it is missing; another file is another user
 * - `--fake-script-sha256=HEX`: the only script that it runs; any that keeps the rules without it
 * - `--fake-mode=MODE`, or `--fake-mode-file=FILE` that holds it: how it behaves, see `MODES`
 * - `--fake-log=FILE`: gets one JSON line a call, with `argv`, `env` and `stdin`
 */

import {
  type FakeAnswer,
  type FakeCall,
  hang,
  logFakeCall,
  parseFakeCall,
  readStdin,
  speak,
} from "./fake_call.ts";
import { FakeDpapiError, HRESULT, protect, unprotect } from "./fake_dpapi.ts";

/** What it can be like. */
const MODES = {
  ok: "as the real one is taken to be",
  slow: "two seconds late",
  hang: "takes the input and never ends",
  stub: "a program of this name that does nothing, and exits 0",
  noise: "progress on standard error, as CLIXML",
  bom: "a byte order mark before the answer",
  badcrypt: "the master key is lost: nothing opens any more",
  protectfail: "DPAPI refuses to protect",
  garbage: "the marks, and between them no base64, with status 0",
  clm: "Constrained Language Mode: the script ends before it reads",
  policy: "the administrator forbids commands: the script never starts",
  hostfail: "the host fails before the script could answer",
} as const;

type Mode = keyof typeof MODES;

/** Ends of a process that never came to read its input. */
const EARLY_ENDS: Partial<Record<Mode, FakeAnswer>> = {
  stub: { status: 0 },
  policy: { status: 64, err: "Commands cannot be run: the policy allows files only.\r\n" },
  hostfail: { status: 1, err: "The shell cannot be started.\r\n" },
  clm: { status: 41 },
};

/** Like no status of the script or its host, so that no test takes a refusal for an answer. */
const REFUSED = 99;
const FLAGS = "-nologo -noprofile -noninteractive -command";
const PROGRESS =
  '#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"></Objs>';
/** .NET wants the padding; white space may be anywhere. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const SLOW_MS = 2_000;

if (import.meta.main) {
  const answer = await main(Deno.args);
  if (answer.hangs) hang();
  speak(answer);
  Deno.exit(answer.status);
}

async function main(args: readonly string[]): Promise<FakeAnswer> {
  const call = parseFakeCall(args, ["key", "script-sha256", "mode", "mode-file", "log"]);
  const mode = modeOf(call);
  const objection = await objectionTo(call);
  const early = objection === undefined
    ? EARLY_ENDS[mode]
    : { status: REFUSED, err: `fake_powershell: ${objection}\r\n` };
  if (early !== undefined) {
    logFakeCall(call);
    return early;
  }
  const stdin = await readStdin();
  logFakeCall(call, stdin);
  if (mode === "hang") return { status: 0, hangs: true };
  if (mode === "slow") await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
  if (mode === "noise") speak({ err: PROGRESS });
  return await runScript(new TextDecoder().decode(stdin), mode, call.own.get("key")!);
}

function modeOf({ own }: FakeCall): Mode {
  const file = own.get("mode-file");
  const mode = file === undefined ? own.get("mode") ?? "ok" : Deno.readTextFileSync(file).trim();
  if (!Object.hasOwn(MODES, mode)) throw new Error(`Unknown mode: ${mode}`);
  return mode as Mode;
}

/** Why a call may not work on a real machine, or would not be ours. */
async function objectionTo({ own, words }: FakeCall): Promise<string | undefined> {
  if (!own.has("key")) throw new Error("--fake-key is missing");
  const [script] = words.slice(4);
  if (words.slice(0, 4).join(" ").toLowerCase() !== FLAGS) return `only ${FLAGS} SCRIPT is known`;
  if (script === undefined || words.length > 5) return "-Command takes the script as one word";
  if (script === "-") return "-Command - reads standard input line by line, as a person would type";
  if (/\$\{?input\b/i.test(script)) return "with $input the host swallows standard input";
  if (script.includes('"')) return "a double quote may not survive the command line";
  // deno-lint-ignore no-control-regex -- all of ASCII, and nothing else
  if (!/^[\x00-\x7f]*$/.test(script)) {
    return "letters outside ASCII may not survive the command line";
  }
  const known = own.get("script-sha256");
  if (known !== undefined && known !== await sha256(script)) return "this is another script";
  return undefined;
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}

/** What the script does with its three lines, in its order. */
async function runScript(stdin: string, mode: Mode, keyFile: string): Promise<FakeAnswer> {
  const [operation, entropyText, ...rest] = stdin.split(/\r\n|\n|\r/);
  const entropy = fromBase64(entropyText);
  const data = fromBase64(rest.join("\n"));
  if (entropy === undefined || data === undefined) {
    return { status: 44, err: "PALYRAERR:other:System.FormatException" };
  }
  if (operation !== "protect" && operation !== "unprotect") return { status: 42 };
  try {
    if (operation === "protect" && mode === "protectfail") {
      throw new FakeDpapiError(HRESULT.accessDenied);
    }
    if (operation === "unprotect" && mode === "badcrypt") {
      throw new FakeDpapiError(HRESULT.badKeyState);
    }
    const convert = operation === "protect" ? protect : unprotect;
    const result = await convert(data, entropy, keyFile);
    const shown = mode === "garbage" ? "A=B=" : result.toBase64();
    return { status: 0, out: `${mode === "bom" ? "\ufeff" : ""}PALYRA1:${shown}:END` };
  } catch (error) {
    if (!(error instanceof FakeDpapiError)) throw error;
    const hresult = error.hresult.toString(16).toUpperCase();
    return { status: 43, err: `PALYRAERR:crypto:0x${hresult}` };
  }
}

function fromBase64(text: string | undefined): Uint8Array<ArrayBuffer> | undefined {
  const digits = text?.replaceAll(/[ \t\r\n]/g, "");
  return digits !== undefined && BASE64.test(digits) ? Uint8Array.fromBase64(digits) : undefined;
}
