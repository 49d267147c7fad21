/** Flags that every command takes, before or after the subcommand, never after `--`. */

import { PalyraError } from "../errors.ts";

/** How results are printed. */
export type OutputFormat = "text" | "json" | "ndjson";

/** What the global flags say. */
export interface GlobalOptions {
  readonly config: string | undefined;
  /** Whether a config that is not named may be one that stands above the working directory. */
  readonly searchesConfig: boolean;
  readonly stateRoot: string | undefined;
  readonly format: OutputFormat;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Whether palyra may ask on the terminal. */
  readonly interactive: boolean;
  /** Whether a keystore may open a dialog to be unlocked. */
  readonly unlock: boolean;
  /** Where the passphrase that protects the identity is read. */
  readonly passphraseFile: string | undefined;
  readonly version: boolean;
}

/** The options, and the arguments without the global flags. */
export interface SplitArguments {
  readonly options: GlobalOptions;
  readonly rest: readonly string[];
}

/** Global flags for help texts: spelling and meaning. */
export const GLOBAL_FLAGS: readonly (readonly [string, string])[] = [
  ["--config PATH", "Configuration file (PALYRA_CONFIG)"],
  ["--state-root DIR", "Where the vault and the identity are (PALYRA_STATE_ROOT)"],
  ["--json", "Print one JSON object; the same as --output-format json"],
  ["--output-format FORMAT", "text, json or ndjson"],
  ["--no-color", "No colours (NO_COLOR)"],
  ["-q, --quiet", "No notes on standard error"],
  ["-v, --verbose", "More notes on standard error"],
  ["--no-input", "Never ask on the terminal"],
  ["--unlock", "Let a locked keystore ask for its password"],
  ["--passphrase-file FILE", "The identity's passphrase; also /dev/fd/N"],
  ["-h, --help", "Print help"],
  ["-V, --version", "Print the version"],
];

/** The format that an error is printed in when the flags themselves are wrong. */
export function guessFormat(args: readonly string[]): OutputFormat {
  const before = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  const json = before.some((arg) =>
    arg === "--json" || /^(?:--output-format=)?(?:nd)?json$/.test(arg)
  );
  return json ? "json" : "text";
}

/** The first word of the command, also when the flags themselves are wrong. */
export function guessCommand(args: readonly string[]): string | undefined {
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (WITH_VALUE.some((flag) => flag === arg)) at++;
    else if (!arg.startsWith("-")) return arg;
  }
  return undefined;
}

const FORMATS: readonly OutputFormat[] = ["text", "json", "ndjson"];
const WITH_VALUE = ["--config", "--state-root", "--output-format", "--passphrase-file"] as const;
const SHORT = /^-[qvV]+$/;
/** Flags of commands that take a value: what follows one is never a global flag. */
const COMMAND_VALUE_FLAGS: readonly string[] = [
  "--accept-signer",
  "--backend",
  "--backup-passphrase-file",
  "--backups",
  "--bytes",
  "--ci",
  "--env",
  "--env-file",
  "--dialect",
  "--dir",
  "--expires-in",
  "--field",
  "--format",
  "--from",
  "--from-file",
  "--identity-file",
  "--if-version",
  "--in",
  "--label",
  "--lines",
  "--new-passphrase-file",
  "--only",
  "--out",
  "--protect",
  "--recipient",
  "--scan",
  "--scope",
  "--to",
  "--answer",
  "--csr",
  "--device",
  "--exec",
  "--kind",
  "--next",
  "--of",
  "--reason",
  "--request",
  "--state",
  "--ttl",
  "--usage",
  "--validity",
  "--agent",
  "--api-key-ref",
  "--client-id",
  "--client-secret-ref",
  "--credential",
  "--deny",
  "--issuer",
  "--name",
  "--oauth-scope",
  "--profile",
  "--provider",
  "--revocation-endpoint",
  "--token-endpoint",
  "--tokens-ref",
  "--min-ttl",
  "--authorization-endpoint",
  "--device-endpoint",
  "--port",
  "--base-url",
  "-i",
  "-o",
];
/** Most arguments: a command line of the system may hold more than a call of a function can take. */
const MAX_ARGUMENTS = 10_000;

interface Mutable {
  values: Partial<Record<typeof WITH_VALUE[number], string>>;
  set: Set<string>;
}

/** Takes the global flags out of the arguments. Throws `usage` for a missing or wrong value. */
export function splitGlobalFlags(args: readonly string[]): SplitArguments {
  requireReadable(args);
  const found: Mutable = { values: {}, set: new Set() };
  const rest: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === "--") {
      rest.push(...args.slice(at));
      break;
    }
    requireText(arg, args[at - 1]);
    if (COMMAND_VALUE_FLAGS.includes(arg)) {
      rest.push(...args.slice(at, at + 2));
      if (args[++at] === "") requireText("", arg);
      continue;
    }
    const taken = takeValueFlag(found, arg, args[at + 1]);
    if (taken > 0) at += taken - 1;
    else if (!takeSwitch(found, arg)) rest.push(arg);
  }
  return { options: optionsOf(found), rest };
}

/** The runtime puts U+FFFD in the place of bytes that are not UTF-8: another path would be used. */
function requireReadable(args: readonly string[]): void {
  if (args.length > MAX_ARGUMENTS) {
    throw new PalyraError(
      "usage",
      `Cannot read the command line: more than ${MAX_ARGUMENTS} arguments`,
    );
  }
  if (args.some((arg) => arg.includes("\ufffd"))) {
    throw new PalyraError("usage", "Cannot read the command line: an argument is not valid UTF-8");
  }
  if (args[0] === "--") {
    throw new PalyraError("usage", "Cannot read the command line: -- stands before the command");
  }
}

/** A flag's value may not be empty: an unset variable in a script must not become one. */
function requireText(arg: string, before: string | undefined): void {
  const flag = arg === "" ? before : /^(--[a-z-]+)=$/.exec(arg)?.[1];
  if (flag === undefined || !flag.startsWith("--") || SWITCHES.has(flag)) return;
  throw new PalyraError("usage", `Cannot read the command line: ${flag} needs a value`);
}

/** How many arguments a flag with a value took: none when it is no such flag. */
function takeValueFlag({ values }: Mutable, arg: string, next: string | undefined): number {
  for (const flag of WITH_VALUE) {
    if (arg.startsWith(`${flag}=`)) {
      values[flag] = required(flag, arg.slice(flag.length + 1));
      return 1;
    }
    if (arg === flag) {
      values[flag] = required(flag, next === "--" ? undefined : next);
      return 2;
    }
  }
  return 0;
}

function required(flag: string, value: string | undefined): string {
  if (value !== undefined && value !== "") return value;
  throw new PalyraError("usage", `Cannot read the command line: ${flag} needs a value`);
}

const SWITCHES: ReadonlyMap<string, string> = new Map(Object.entries({
  "--json": "json",
  "--no-color": "no-color",
  "--quiet": "q",
  "--verbose": "v",
  "--no-input": "no-input",
  "--unlock": "unlock",
  "--version": "V",
}));

function takeSwitch({ set }: Mutable, arg: string): boolean {
  const name = SWITCHES.get(arg);
  if (name !== undefined) set.add(name);
  else if (SHORT.test(arg)) { for (const letter of arg.slice(1)) set.add(letter); }
  else return false;
  return true;
}

function optionsOf({ values, set }: Mutable): GlobalOptions {
  return {
    config: values["--config"],
    searchesConfig: true,
    stateRoot: values["--state-root"],
    format: formatOf(values["--output-format"], set.has("json")),
    quiet: set.has("q"),
    verbose: set.has("v"),
    interactive: !set.has("no-input"),
    unlock: set.has("unlock"),
    passphraseFile: values["--passphrase-file"],
    version: set.has("V"),
  };
}

function formatOf(named: string | undefined, json: boolean): OutputFormat {
  const format = FORMATS.find((known) => known === named);
  if (named !== undefined && format === undefined) {
    throw new PalyraError("usage", "Cannot use --output-format: it is text, json or ndjson");
  }
  if (json && format !== undefined && format !== "json") {
    throw new PalyraError("usage", "Cannot use --json and another --output-format together");
  }
  return json ? "json" : format ?? "text";
}
