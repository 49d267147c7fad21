/** Settings of clients that palyra edits itself: where nothing else in them can be lost. */

import { decodeUtf8, encodeUtf8 } from "../../crypto/encoding.ts";
import { PalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import type { Place } from "./client.ts";

const MAX_BYTES = 1_048_576;
const GIT_TIMEOUT_MS = 10_000;

type Json = Record<string, unknown>;

/** Settings in JSON: the file below HOME, and the members that are set. */
const JSON_EDITS: Readonly<
  Record<string, { readonly file: string; readonly edit: (settings: Json, place: Place) => Json }>
> = {
  claude: {
    file: ".claude/settings.json",
    edit: (settings, { path }) => ({ ...settings, apiKeyHelper: path }),
  },
  docker: {
    file: ".docker/config.json",
    edit: (settings) => ({ ...settings, credsStore: "palyra" }),
  },
  openclaw: {
    file: ".openclaw/openclaw.json",
    edit: (settings, { path }) => {
      const secrets = objectIn(settings, "secrets");
      const providers = objectIn(secrets, "providers");
      const palyra = { ...objectIn(providers, "palyra"), source: "exec", command: path };
      return { ...settings, secrets: { ...secrets, providers: { ...providers, palyra } } };
    },
  },
};

/** Whether palyra edits the settings of this client. */
export function canEdit(name: string): boolean {
  return name === "git" || Object.hasOwn(JSON_EDITS, name);
}

/** Makes the client use the wrapper; what it was told before of other things stays. */
export async function editConfig(app: App, name: string, place: Place): Promise<void> {
  if (name === "git") return await configureGit(app, place);
  const { file, edit } = JSON_EDITS[name]!;
  const home = app.platform.environment.get("HOME");
  if (!home?.startsWith("/")) {
    throw new PalyraError("usage", "Cannot edit the settings: HOME is not set");
  }
  await editJson(app, `${home}/${file}`, (settings) => edit(settings, place));
}

/** Git knows where its settings are, and keeps all else in them. */
async function configureGit({ platform }: App, { path }: Place): Promise<void> {
  const { processes, environment } = platform;
  const git = processes.find("git", environment.get("PATH"));
  if (git === undefined) throw new PalyraError("unavailable", "Cannot tell git: there is no git");
  const env = Object.fromEntries(
    ["HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL"].flatMap((name) => {
      const value = environment.get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const run = async (...args: string[]): Promise<{ status: number; text: string }> => {
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
  const { text } = await run("--get-all", "credential.helper");
  if (text.split("\n").includes(path)) return;
  const { status } = await run("--add", "credential.helper", path);
  if (status !== 0) {
    throw new PalyraError("unavailable", `Cannot tell git: git config ended with status ${status}`);
  }
}

async function editJson(app: App, path: string, edit: (settings: Json) => Json): Promise<void> {
  const documents = await app.platform.documents();
  const real = documents.realPath(path) ?? path;
  const before = documents.read(real, MAX_BYTES);
  const text = before === undefined ? "{}" : decodeUtf8(before);
  const settings = text === undefined ? undefined : parse(text);
  if (settings === undefined) {
    throw new PalyraError("precondition", `Cannot edit ${path}: it is no JSON object`, {
      hint: "Without --write palyra prints what to write there",
    });
  }
  const after = edit(settings);
  if (JSON.stringify(after) === JSON.stringify(settings)) return;
  documents.requireReplaceable(real);
  documents.makeDirectory(real.slice(0, real.lastIndexOf("/")));
  const temp = documents.tempPath(real);
  const indent = /\n([ \t]+)"/.exec(text ?? "")?.[1] ?? "  ";
  using _staged = documents.stage(
    temp,
    encodeUtf8(`${JSON.stringify(after, null, indent)}\n`),
    real,
  );
  documents.commit(temp, real);
}

/** An object that is there, or an empty one. Throws `precondition` for what is no object. */
function objectIn(settings: Json, name: string): Json {
  const value = settings[name] ?? {};
  if (typeof value === "object" && !Array.isArray(value)) return { ...value };
  throw new PalyraError("precondition", `Cannot edit the settings: ${name} is no object`);
}

function parse(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? { ...value }
      : undefined;
  } catch {
    return undefined;
  }
}
