/** Signs of a `configure` at work, seen from outside: what appears in its directories, and its process. */

import { type Place, run } from "./configure_place.ts";
import type { Ran } from "./crash_process.ts";

/** Something that can be seen: a transaction begins, the new text is written, it is in place. */
export type Sign = "transaction" | "new text" | "replaced";

/** All of them. */
export const SIGNS: readonly Sign[] = ["transaction", "new text", "replaced"];

const NAMES: Readonly<Record<Sign, RegExp>> = {
  transaction: /\/vault\.db-journal$/,
  "new text": /\/\.palyra\.toml\.palyra-[0-9a-f]+$/,
  replaced: /\/palyra\.toml$/,
};

/** A command at work. */
export interface Prey {
  readonly ended: Promise<Ran>;
  /** Resolves when it is seen for the first time; to false when the command has ended before. */
  seen(sign: Sign): Promise<boolean>;
  /** Sends a signal, unless it has ended. */
  send(signal: Deno.Signal): void;
}

/** Starts a command and watches its traces. Its process writes down its number before it is palyra. */
export function start(
  place: Place,
  { args, stdin }: { readonly args: readonly string[]; readonly stdin: string | undefined },
): Prey {
  const file = Deno.makeTempFileSync({ prefix: "palyra-pid-" });
  const through = ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', file];
  const first = new Map(SIGNS.map((sign) => [sign, Promise.withResolvers<boolean>()]));
  const watcher = Deno.watchFs([place.path, `${place.state}/vault`], { recursive: false });
  const watching = tell(watcher, (sign) => first.get(sign)!.resolve(true));
  let running = true;
  const ended = run(place, args, { stdin, through }).finally(async () => {
    running = false;
    watcher.close();
    await watching;
    first.forEach(({ resolve }) => resolve(false));
    Deno.removeSync(file);
  });
  return {
    ended,
    seen: (sign) => first.get(sign)!.promise,
    send(signal): void {
      const pid = running ? Number(Deno.readTextFileSync(file)) : 0;
      if (pid === 0) return;
      try {
        Deno.kill(pid, signal);
      } catch { /* it has just ended */ }
    },
  };
}

async function tell(watcher: Deno.FsWatcher, found: (sign: Sign) => void): Promise<void> {
  for await (const { kind, paths } of watcher) {
    if (kind === "access") continue;
    for (const sign of SIGNS) {
      if (paths.some((path) => NAMES[sign].test(path))) found(sign);
    }
  }
}
