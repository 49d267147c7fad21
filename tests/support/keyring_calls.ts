/** Programs that palyra starts, seen from outside by strace: their words, variables and lifetimes. */

import assert from "node:assert/strict";
import { assertNoTrace, type Canary } from "./canary.ts";
import { keptTexts, type KeyringUser } from "./keyring_user.ts";
import type { SecretService } from "./secret_service.ts";
import { STRACE } from "./strace.ts";

/** What one command started. */
export interface Calls {
  /** First arguments of `secret-tool`, in their order. */
  readonly verbs: readonly string[];
  /** Their attribute `kind`. */
  readonly kinds: readonly string[];
  /** The second was started before the first had ended. */
  readonly isTogether: boolean;
  /** Everything that strace saw: all arguments and variables. */
  readonly log: string;
}

/** Runs commands under strace. */
export interface Watcher {
  (args: readonly string[], stdin?: string | Uint8Array): Promise<Calls>;
  /** Commands so far. */
  count(): number;
  /** Calls of `secret-tool` so far. */
  started(): number;
}

interface Started {
  readonly argv: readonly string[];
  readonly env: readonly string[];
  /** Lines of the log at which it began and ended. */
  readonly from: number;
  readonly to: number;
}

const TOOL = "/usr/bin/secret-tool";
const SEEN = [...STRACE, "-v", "-s", "1000000", "-e", "trace=execve", "-o"];
/** Variables that `secret-tool` may be given. */
const ALLOWED = [
  "DBUS_SESSION_BUS_ADDRESS",
  "DISPLAY",
  "HOME",
  "LC_ALL",
  "WAYLAND_DISPLAY",
  "XDG_RUNTIME_DIR",
];
/** What palyra is given, and must not pass on as it is; the display only stands for one. */
const ENVIRONMENT = {
  LC_ALL: "de_DE.UTF-8",
  LD_PRELOAD: "",
  SECRET_BACKEND: "file",
  SECRET_FILE_TEST_PATH: "/nonexistent",
  G_MESSAGES_DEBUG: "all",
  PALYRA_ELSEWHERE: "1",
  WAYLAND_DISPLAY: "wayland-none",
};

/** Watches a user's commands; none of them may give a trace of the canary to a program. */
export function callsOf(user: KeyringUser, canary: Canary): Watcher {
  let [commands, tools] = [0, 0];
  const watch = async (args: readonly string[], stdin?: string | Uint8Array): Promise<Calls> => {
    const log = Deno.makeTempFileSync({ prefix: "palyra-calls-" });
    try {
      await user.succeed(args, { stdin, env: ENVIRONMENT, through: [...SEEN, log] });
      const calls = readCalls(Deno.readTextFileSync(log), canary, args.join(" "));
      commands++;
      tools += calls.verbs.length;
      return calls;
    } finally {
      Deno.removeSync(log);
    }
  };
  return Object.assign(watch, { count: () => commands, started: () => tools });
}

/** None of the texts that the keyring holds was an argument or a variable. */
export async function assertBlobsHidden(service: SecretService, { log }: Calls): Promise<void> {
  const texts = await keptTexts(service);
  assert.ok(texts.length > 0, "the keyring holds something");
  for (const text of texts) {
    for (const part of [text.slice(0, 24), text.slice(-24), ...text.split(".")]) {
      if (part.length >= 16) assert.ok(!log.includes(part), "a kept text is in an argument");
    }
  }
}

function readCalls(log: string, canary: Canary, what: string): Calls {
  assertNoTrace([canary], log, `programs started by ${what}`);
  const [own, ...started] = startedIn(log);
  assert.ok(own !== undefined, `${what}: strace saw nothing`);
  for (const { argv, env } of started) {
    assert.equal(argv[0], TOOL, `${what} starts ${argv[0]}`);
    const names = env.map((entry) => entry.slice(0, entry.indexOf("=")));
    assert.deepEqual(names.filter((name) => !ALLOWED.includes(name)), [], what);
    assert.ok(names.includes("WAYLAND_DISPLAY"), "a dialog could find the screen");
    assert.ok(env.includes("LC_ALL=C"), "messages are English");
  }
  const [first, second] = started;
  return {
    verbs: started.map(({ argv }) => argv[1]!),
    kinds: started.map(({ argv }) => argv[argv.indexOf("kind") + 1]!),
    isTogether: first !== undefined && second !== undefined && second.from < first.to,
    log,
  };
}

function startedIn(log: string): Started[] {
  const lines = log.split("\n");
  return lines.flatMap((line, from) => {
    const [, pid, argv, env] = /^(\d+) +execve\("[^"]*", \[(.*?)\], \[(.*?)\]/.exec(line) ?? [];
    if (pid === undefined) return [];
    const ended = new RegExp(`^${pid} +\\+\\+\\+ `);
    const to = lines.findIndex((line, at) => at > from && ended.test(line));
    return [{ argv: textsIn(argv!), env: textsIn(env!), from, to }];
  });
}

function textsIn(list: string): string[] {
  return [...list.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1]!);
}
