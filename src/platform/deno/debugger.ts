/**
 * Keeps the runtime's debugger closed. From half a second after its start the runtime opens one at
 * SIGUSR1, on a port that every user of the machine can connect to, and no option prevents it
 * (denoland/deno#35738). Who connects runs code as this user; so it is closed as it opens.
 */

import { pause } from "./environment.ts";

/** The runtime opens it a little later than listeners hear of the signal. */
const OPENS_WITHIN_MS = 3_000;
const LOOK_EVERY_MS = 1;

type Inspector = Pick<typeof import("node:inspector"), "url" | "close">;
let loading: Promise<Inspector> | undefined;

/** Makes {@link closeDebugger} ready to act at once. */
export async function prepareToClose(): Promise<void> {
  loading ??= import("node:inspector");
  await loading;
}

/** To be called at SIGUSR1: waits for the debugger, and closes it. */
export async function closeDebugger(): Promise<void> {
  loading ??= import("node:inspector");
  const inspector = await loading;
  for (let waited = 0; waited < OPENS_WITHIN_MS; waited += LOOK_EVERY_MS) {
    if (inspector.url() !== undefined) {
      inspector.close();
      return;
    }
    await pause(LOOK_EVERY_MS);
  }
}
