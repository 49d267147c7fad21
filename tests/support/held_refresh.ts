/** A refresh whose answer is held back, and processes that wait for it. */

import { sha256Hex } from "../../src/crypto/digest.ts";
import { type CliResult, type Machine, resultOf } from "./cli_run.ts";
import { json, type ScriptedServer } from "./scripted_login.ts";
import { PROFILE, TOKENS_REF } from "./token_profile.ts";

/** What a refresh gives. */
export const FRESH = {
  access_token: "access-of-refresh",
  token_type: "Bearer",
  refresh_token: "refresh-2",
  expires_in: 3_600,
};

/** Holds the answer to a refresh until it is told what it is. */
export function hold(
  server: ScriptedServer,
): { asked: Promise<void>; answer: (text: string) => void } {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<string>();
  server.talks.set("/token", ({ form }) => {
    if (form.get("grant_type") !== "refresh_token") return json({ ...FRESH, access_token: "new" });
    asked.resolve();
    return answer.promise;
  });
  return { asked: asked.promise, answer: answer.resolve };
}

/** The refresh tokens that a server was sent. */
export function refreshes({ seen }: ScriptedServer): string[] {
  return seen.filter(({ form }) => form.get("grant_type") === "refresh_token")
    .map(({ form }) => form.get("refresh_token")!);
}

/** The lock of a token set, whichever profiles name it. */
export async function lockName(ref: string): Promise<string> {
  return (await sha256Hex(new TextEncoder().encode(ref))).slice(0, 32);
}

/** A command that by now waits for another process that is at the tokens. */
export async function waitingAsk(
  machine: Machine,
  args: readonly string[] = ["auth", "token", PROFILE],
  tokensRef = TOKENS_REF,
): Promise<{ readonly result: Promise<CliResult> }> {
  const child = await machine.spawn(args);
  const result = resultOf(child);
  const lock = `${machine.stateRoot}/auth/${await lockName(tokensRef)}.lock`;
  const isWaiting = (): boolean => {
    const fds = `/proc/${child.pid}/fd`; // not there any more when it has not waited
    return [...Deno.readDirSync(fds)].some(({ name }) => {
      try {
        return Deno.readLinkSync(`${fds}/${name}`) === lock;
      } catch { // closed meanwhile
        return false;
      }
    });
  };
  while (!isWaiting()) await new Promise((resolve) => setTimeout(resolve, 20));
  return { result };
}
