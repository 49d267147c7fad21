/** A `configure` that is stopped right after one of its system calls, so that others act in between. */

import assert from "node:assert/strict";
import type { Change } from "./configure_change.ts";
import { type Place, run } from "./configure_place.ts";
import type { Call } from "./crash_calls.ts";
import type { Ran } from "./crash_process.ts";
import { pause } from "./dice.ts";
import { SIGNALLING_STRACE } from "./strace.ts";

/** Where it is stopped: the new text is on disk beside the old one; or it has replaced the old one. */
export type Stage = "new text" | "replaced";

/** Which `fsync` of the process comes last before each stage. */
export type Stops = Readonly<Record<Stage, number>>;

/** A stopped process; it is killed at the end if it has not ended by then. */
export interface Held extends AsyncDisposable {
  /** Lets it go on, and tells how it ended. */
  release(): Promise<Ran>;
  /** Ends it where it stands. */
  kill(): Promise<Ran>;
}

const STOPPED = "--- stopped by SIGSTOP ---";
const POLL_MS = 5;
/** As the suite that watches calls does it: threads of the runtime's cache make calls of their own. */
const ENV = { DENO_DIR: "/dev/null/none" };

/** Where a command can be stopped, by the calls of one like it. */
export function stopsIn({ path }: Place, calls: readonly Call[]): Stops {
  const syncs = calls.filter(({ name }) => name === "fsync");
  const numberOf = (isIt: (call: Call) => boolean): number => syncs.find(isIt)!.at;
  return {
    "new text": numberOf(({ paths }) => paths[0]!.includes("/.palyra.toml.palyra-")),
    replaced: numberOf(({ paths }) => paths[0] === path),
  };
}

/** Starts a change and resolves once it stands still. */
export async function hold(place: Place, change: Change, at: number): Promise<Held> {
  const directory = Deno.makeTempDirSync({ prefix: "palyra-held-" });
  const [log, number] = [`${directory}/log`, `${directory}/pid`];
  const inject = ["-e", "trace=fsync", "-e", `inject=fsync:signal=SIGSTOP:when=${at}`];
  const through = [...SIGNALLING_STRACE, "-o", log, ...inject];
  const noted = ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', number];
  let over = false;
  const { args, stdin } = change;
  const options = { stdin, through: [...through, ...noted], env: ENV };
  const ended = run(place, args, options).finally(() => {
    over = true;
    Deno.removeSync(directory, { recursive: true });
  });
  while (!textOr(log).includes(STOPPED)) {
    if (over) assert.fail(`it was not stopped: ${(await ended).err}`);
    await pause(POLL_MS);
  }
  const end = async (signal: Deno.Signal): Promise<Ran> => {
    Deno.kill(Number(Deno.readTextFileSync(number)), signal);
    return await ended;
  };
  return {
    release: () => end("SIGCONT"),
    kill: () => end("SIGKILL"),
    async [Symbol.asyncDispose](): Promise<void> {
      if (!over) await end("SIGKILL");
    },
  };
}

function textOr(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
