/**
 * Which variables the command of `run` gets, and from where. Later sources win: the environment, the
 * config (`--all`), the env file, `--env`.
 */

import { type DotenvEntry, readDotenv } from "../ci/read_dotenv.ts";
import { requireVariableName, variableName } from "../ci/variable.ts";
import { decodeUtf8 } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import type { App } from "./app.ts";
import { type Asked, namedAs, requireDistinct, type Wanted } from "./wanted.ts";

/** Flags that say which variables there are. */
export interface VariableFlags {
  readonly env?: readonly string[] | undefined;
  readonly all?: boolean | undefined;
  readonly only?: readonly string[] | undefined;
  readonly "env-file"?: string | undefined;
  readonly "clean-env"?: boolean | undefined;
  readonly "keep-palyra-env"?: boolean | undefined;
}

/** What is to be done about variables. */
export interface VariablePlan {
  readonly cleared: boolean;
  readonly dropped: readonly string[];
  /** Variables whose text is known already. */
  readonly plain: ReadonlyMap<string, string>;
  readonly asked: readonly Asked[];
  readonly all: boolean;
  readonly choose: (wanted: readonly Wanted[]) => readonly Wanted[];
  readonly nameOf: (wanted: Wanted) => string;
}

/** A text that is a reference as a whole: the only form that is replaced unasked. */
const REFERENCE = "vault://";
const PALYRAS_OWN = "PALYRA_";
/** Those that palyra obeys: they are dropped even where their text cannot be read. */
const KNOWN_OWN: readonly string[] = [
  "PALYRA_CONFIG",
  "PALYRA_STATE_ROOT",
  "PALYRA_VAULT_BACKEND",
  "PALYRA_RUNTIME_DIR",
];
/** A config could otherwise choose which programs run, and what they load. */
const NOT_FROM_CONFIG = /^(?:PATH|IFS|BASH_ENV|ENV|NODE_OPTIONS|LD_.*|DYLD_.*|GIT_.*|PALYRA_.*)$/;
const MAX_FILE_BYTES = 1_048_576;

/** Reads flags, environment and env file. Throws `usage`; with `choose`, `denied` too. */
export async function planVariables(
  app: App,
  flags: VariableFlags,
  inherited: ReadonlyMap<string, string>,
): Promise<VariablePlan> {
  const { only, all = false, "clean-env": cleared = false } = flags;
  const isWanted = (name: string): boolean => only === undefined || only.includes(name);
  const own = [...inherited.keys()].filter((name) => name.startsWith(PALYRAS_OWN));
  const plain = new Map<string, string>();
  const asked = new Map<string, Asked>();
  const explicit = new Set<string>();
  for (const [name, text] of cleared ? [] : inherited) {
    if (text.startsWith(REFERENCE) && !name.startsWith(PALYRAS_OWN) && isWanted(name)) {
      asked.set(name, ofEnvironment(name, text));
    }
  }
  for (const { name, value, line } of await entriesOf(app, flags["env-file"])) {
    explicit.add(name);
    asked.delete(name);
    if (!value.startsWith(REFERENCE) || !isWanted(name)) plain.set(name, value);
    else asked.set(name, inFile(name, value, line));
  }
  for (const one of (flags.env ?? []).map(ofFlag)) {
    explicit.add(one.name);
    plain.delete(one.name);
    asked.set(one.name, one);
  }
  requireDistinct((flags.env ?? []).map((text) => ofFlag(text).name));
  const nameOf = ({ name, named, stem }: Wanted): string => named ? name : variableName(stem);
  const choose = (wanted: readonly Wanted[]): readonly Wanted[] => {
    const ofConfig = wanted.filter((one) => !one.named && isWanted(nameOf(one)))
      .filter((one) => !explicit.has(nameOf(one)));
    const names = ofConfig.map(nameOf);
    requireDistinct(names);
    names.forEach(requireAllowed);
    const others = wanted.filter((one) => one.named && !names.includes(one.name));
    const chosen = [...others, ...ofConfig];
    requireAllFound(only ?? [], chosen.map(nameOf));
    return chosen;
  };
  const dropped = flags["keep-palyra-env"] ? [] : [...own, ...KNOWN_OWN];
  return { cleared, dropped, plain, asked: [...asked.values()], all, choose, nameOf };
}

function ofEnvironment(name: string, text: string): Asked {
  try {
    return namedAs(name, text);
  } catch (cause) {
    throw new PalyraError(
      "usage",
      `Cannot read the variable ${name}: it begins with ${REFERENCE} and is no reference`,
      { cause },
    );
  }
}

async function entriesOf(app: App, path: string | undefined): Promise<DotenvEntry[]> {
  if (path === undefined) return [];
  const bytes = await app.platform.userFiles.read(path, MAX_FILE_BYTES);
  const text = decodeUtf8(bytes);
  if (text !== undefined) return readDotenv(text);
  throw new PalyraError("usage", "Cannot read the env file: it is not valid UTF-8");
}

function inFile(name: string, value: string, line: number): Asked {
  try {
    return namedAs(name, value);
  } catch (cause) {
    throw new PalyraError(
      "usage",
      `Cannot read line ${line} of the env file: it begins with ${REFERENCE} and is no reference`,
      { cause },
    );
  }
}

function ofFlag(text: string): Asked {
  const equals = text.indexOf("=");
  if (equals === -1) {
    throw new PalyraError("usage", "Cannot use --env: it takes NAME=REF", {
      hint: "A value is never an argument: store it first with palyra secrets set",
    });
  }
  requireVariableName(text.slice(0, equals));
  return namedAs(text.slice(0, equals), text.slice(equals + 1));
}

function requireAllowed(name: string): void {
  if (!NOT_FROM_CONFIG.test(name)) return;
  throw new PalyraError("denied", `Cannot run: the config may not set ${name}`, {
    hint: "--env gives a field of the config another name: --env NAME=config:FIELD",
  });
}

function requireAllFound(only: readonly string[], names: readonly string[]): void {
  if (only.every((name) => names.includes(name))) return;
  throw new PalyraError("usage", "Cannot run: --only names a variable that is no reference");
}
