/**
 * Stands for macOS `/usr/bin/security`, generic passwords, with the surprises of the real tool. Run it
 * in the real one's place, with these words before the tool's own:
 *
 * - `--fake-state=FILE`: items and behaviour as JSON, see `State`; the file need not be there. Its path
 *   is that of the default keychain, unless it says otherwise
 * - `--fake-log=FILE`: gets one JSON line a call, with `argv`, `env` and `stdin`
 */

import {
  type FakeAnswer,
  hang,
  logFakeCall,
  parseFakeCall,
  readStdin,
  speak,
} from "./fake_call.ts";
import { runCommand } from "./fake_security_commands.ts";
import type { State } from "./fake_security_items.ts";
import { getopt } from "./fake_security_options.ts";
import { usage } from "./fake_security_statuses.ts";
import { splitLines, splitWords } from "./fake_security_words.ts";

if (import.meta.main) Deno.exit(await main(Deno.args) & 0xff);

async function main(args: readonly string[]): Promise<number> {
  const call = parseFakeCall(args, ["state", "log"]);
  const stateFile = call.own.get("state");
  if (stateFile === undefined) throw new Error("--fake-state is missing");
  const { flags, values, wrong, rest } = getopt(call.words, "hilp:qvR");
  const isInteractive = wrong === undefined && rest.length === 0 &&
    (flags.has("i") || values.has("p"));
  const stdin = isInteractive ? await readStdin() : new Uint8Array(); // others never read it
  logFakeCall(call, stdin);
  if (isInteractive) return interact(stdin, stateFile, flags.has("q"));
  const isUsable = wrong === undefined && !flags.has("h") && rest.length > 0;
  return tell(isUsable ? change(stateFile, (state) => runCommand(rest, state)) : usage("security"));
}

/** Runs line after line; only the status of the last one is told. */
function interact(stdin: Uint8Array, stateFile: string, isQuiet: boolean): number {
  let last = 0;
  for (const line of splitLines(stdin)) {
    const words = splitWords(line);
    last = tell(change(stateFile, (state) => runCommand(words, state)));
    if (last !== 0 && !isQuiet) speak({ err: `${words[0]}: returned ${last}\n` });
  }
  return last;
}

function tell(answer: FakeAnswer): number {
  if (answer.hangs) hang(); // not while the state is locked: others get as far as they can
  speak(answer);
  return answer.status;
}

/** Lets one call at a time see and change the state; who reads the file finds it whole. */
function change(path: string, run: (state: State) => FakeAnswer): FakeAnswer {
  using lock = Deno.openSync(`${path}.lock`, { create: true, write: true, mode: 0o600 });
  lock.lockSync(true);
  const before = read(path);
  const state: State = { items: [], defaultKeychain: path, ...JSON.parse(before) };
  const answer = run(state);
  if (JSON.stringify(state) === before) return answer;
  Deno.writeTextFileSync(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
  Deno.renameSync(`${path}.new`, path);
  return answer;
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "{}";
    throw error;
  }
}
