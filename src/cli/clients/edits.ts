/** Settings of clients that palyra edits itself: where nothing else in them can be lost. */

import { decodeUtf8, encodeUtf8 } from "../../crypto/encoding.ts";
import { isPalyraError, PalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import type { Place } from "./client.ts";
import { memberText, setMember } from "./json_text.ts";

const MAX_BYTES = 1_048_576;
const GIT_TIMEOUT_MS = 10_000;

/** A member of JSON settings that is set to a text. */
interface JsonEdit {
  /** Keys from the top. */
  readonly path: readonly string[];
  readonly value: string;
  /** What stood there is a name, and may be told. */
  readonly isName?: boolean;
}

/** Settings in JSON: the file below HOME, and the members that are set. */
const JSON_EDITS: Readonly<
  Record<string, { readonly file: string; readonly edits: (place: Place) => readonly JsonEdit[] }>
> = {
  claude: {
    file: ".claude/settings.json",
    edits: ({ path }) => [{ path: ["apiKeyHelper"], value: path }],
  },
  docker: {
    file: ".docker/config.json",
    edits: () => [{ path: ["credsStore"], value: "palyra", isName: true }],
  },
  openclaw: {
    file: ".openclaw/openclaw.json",
    edits: ({ path }) => [
      { path: ["secrets", "providers", "palyra", "source"], value: "exec" },
      { path: ["secrets", "providers", "palyra", "command"], value: path },
    ],
  },
};

/** A setting that had another value before. */
export interface Replaced {
  readonly setting: string;
  /** Where it is a name; what else stood there may be a secret. */
  readonly was?: string;
}

/** Whether palyra edits the settings of this client. */
export function canEdit(name: string): boolean {
  return name === "git" || Object.hasOwn(JSON_EDITS, name);
}

/** Makes the client use the wrapper; what it was told before of other things stays. Tells what it replaced. */
export async function editConfig(
  app: App,
  name: string,
  place: Place,
): Promise<readonly Replaced[]> {
  if (name === "git") {
    await configureGit(app, place);
    return [];
  }
  const { file, edits } = JSON_EDITS[name]!;
  const home = app.platform.environment.get("HOME");
  if (!home?.startsWith("/")) {
    throw new PalyraError("usage", "Cannot edit the settings: HOME is not set");
  }
  return await editJson(app, `${home}/${file}`, edits(place));
}

/** A setting of a client, and the file it stands in. */
export interface FoundSetting {
  readonly setting: string;
  readonly where: string;
}

/**
 * The setting by which a client still runs the wrapper; `undefined` where none does, or where it cannot be
 * read. Only of clients whose settings palyra edits.
 */
export async function settingThatNames(
  app: App,
  name: string,
  place: Place,
): Promise<FoundSetting | undefined> {
  if (name === "git") {
    const named = (await gitConfig(app)?.helpers())?.includes(place.path);
    return named ? { setting: HELPER, where: "git config --global" } : undefined;
  }
  const { file, edits } = JSON_EDITS[name]!;
  const { path, value } = edits(place).at(-1)!;
  const home = app.platform.environment.get("HOME");
  const text = home?.startsWith("/") ? await settingsText(app, `${home}/${file}`) : undefined;
  if (text === undefined || !isObject(text)) return undefined;
  const found = memberText(text, path);
  const isNamed = found?.startsWith('"') && JSON.parse(found) === value;
  return isNamed ? { setting: path.join("."), where: `~/${file}` } : undefined;
}

async function settingsText(app: App, path: string): Promise<string | undefined> {
  const documents = await app.platform.documents();
  try {
    const bytes = documents.read(documents.realPath(path) ?? path, MAX_BYTES);
    return bytes && decodeUtf8(bytes);
  } catch (error) {
    if (isPalyraError(error)) return undefined; // the wrapper goes all the same
    throw error;
  }
}

const HELPER = "credential.helper";

/** Git knows where its settings are, and keeps all else in them. */
async function configureGit(app: App, { path }: Place): Promise<void> {
  const git = gitConfig(app);
  if (git === undefined) throw new PalyraError("unavailable", "Cannot tell git: there is no git");
  if ((await git.helpers()).includes(path)) return;
  const { status } = await git.run("--add", HELPER, path);
  if (status !== 0) {
    throw new PalyraError("unavailable", `Cannot tell git: git config ended with status ${status}`);
  }
}

/** The user's settings of git; `undefined` where there is no git. */
interface GitConfig {
  run(...args: string[]): Promise<{ readonly status: number; readonly text: string }>;
  helpers(): Promise<readonly string[]>;
}

function gitConfig({ platform }: App): GitConfig | undefined {
  const { processes, environment } = platform;
  const git = processes.find("git", environment.get("PATH"));
  if (git === undefined) return undefined;
  const env = Object.fromEntries(
    ["HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL"].flatMap((name) => {
      const value = environment.get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const run: GitConfig["run"] = async (...args) => {
    const argv: [string, ...string[]] = [git, "config", "--global", ...args];
    const result = await processes.run({
      argv,
      env,
      cwd: "/",
      timeoutMs: GIT_TIMEOUT_MS,
      maxBytes: MAX_BYTES,
    });
    return { status: result.status, text: decodeUtf8(result.stdout) ?? "" };
  };
  const helpers = async (): Promise<string[]> => (await run("--get-all", HELPER)).text.split("\n");
  return { run, helpers };
}

async function editJson(
  app: App,
  path: string,
  edits: readonly JsonEdit[],
): Promise<readonly Replaced[]> {
  const documents = await app.platform.documents();
  const real = documents.realPath(path) ?? path;
  const bytes = documents.read(real, MAX_BYTES);
  const before = bytes === undefined ? "{}\n" : decodeUtf8(bytes);
  if (before === undefined || !isObject(before)) {
    throw new PalyraError("precondition", `Cannot edit ${path}: it is no JSON object`, {
      hint: "Without --write palyra prints what to write there",
    });
  }
  const after = edits.reduce((text, edit) => setMember(text, edit.path, edit.value), before);
  if (after === before) return [];
  documents.requireReplaceable(real);
  documents.makeDirectory(real.slice(0, real.lastIndexOf("/")));
  const temp = documents.tempPath(real);
  using _staged = documents.stage(temp, encodeUtf8(after), real);
  documents.commit(temp, real);
  return edits.flatMap((edit) => replacedBy(before, edit));
}

function replacedBy(text: string, { path, value, isName }: JsonEdit): Replaced[] {
  const old = memberText(text, path);
  const was: unknown = old === undefined ? null : JSON.parse(old);
  if (was === null || was === value) return [];
  const setting = path.join(".");
  return [isName && typeof was === "string" ? { setting, was } : { setting }];
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
