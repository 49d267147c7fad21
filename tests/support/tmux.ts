/** A shell in a real terminal of its own (tmux): keys are typed into it, and its screen is read. */

import { runProcess } from "./process.ts";

/** A terminal with one program in it. */
export interface Screen extends AsyncDisposable {
  /** Types text, then named keys (`Enter`, `Tab`, `C-c`). */
  type(text: string, ...keys: readonly string[]): Promise<void>;
  /** What is on the screen, without blanks at the ends of lines. */
  read(): Promise<string>;
  /** Waits until the screen is as wanted; the screen, also when that never comes. */
  waitFor(wanted: RegExp): Promise<string>;
}

const TMUX = "/usr/bin/tmux";
const LINES = 200;
const LOOK_EVERY_MS = 30;
const PATIENCE_MS = 60_000;

/** Starts a program in a terminal. */
export async function openScreen(
  argv: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<Screen> {
  const base = [TMUX, "-S", `${cwd}/tmux.socket`, "-f", "/dev/null"];
  const tmux = async (...args: readonly string[]): Promise<string> => {
    const ended = await runProcess({
      argv: [...base, ...args],
      env: { ...env, TERM: "xterm" },
      cwd,
    });
    if (ended.status !== 0) throw new Error(`tmux ${args[0]}: ${ended.err}`);
    return ended.out;
  };
  const size = ["-x", "180", "-y", `${LINES}`];
  const variables = Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
  await tmux("new-session", "-d", ...size, ...variables, ...argv);
  const read = async (): Promise<string> =>
    (await tmux("capture-pane", "-p")).replaceAll(/[ \t]+$/gm, "").trimEnd();
  return {
    read,
    type: async (text, ...keys) => {
      if (text !== "") await tmux("send-keys", "-l", text);
      if (keys.length > 0) await tmux("send-keys", ...keys);
    },
    waitFor: async (wanted) => {
      const end = Date.now() + PATIENCE_MS;
      let screen = await read();
      while (!wanted.test(screen) && Date.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
        screen = await read();
      }
      return screen;
    },
    [Symbol.asyncDispose]: async () => {
      await tmux("kill-server").catch(() => {});
    },
  };
}
