/** Ends a login that another command has begun: the answer counts once, whoever gives it. */

import { completeBrowserLogin } from "../../auth/browser_login.ts";
import type { EndedAttempt, PendingAttempt } from "../../auth/login_attempt.ts";
import type { TokenSet } from "../../auth/token_set.ts";
import { clauseOf, isPalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import { endAttempt, type KeptAttempt } from "./attempts.ts";
import { secretOf } from "./login_target.ts";
import { pastedAnswer } from "./pasted_address.ts";
import { storeLogin } from "./store_login.ts";
import { webFor } from "./web.ts";

/** What came of it. */
export interface CompletedAttempt {
  readonly done: KeptAttempt;
  readonly tokens: TokenSet;
}

/**
 * Reads the browser's answer, claims the attempt, exchanges the code and stores the login. An address that
 * is no answer to this login leaves it as it is. Throws as a login does, `precondition` where another
 * process was faster.
 */
export async function completeAttempt(
  app: App,
  kept: KeptAttempt,
  pending: PendingAttempt,
): Promise<CompletedAttempt> {
  const { profile, begun } = pending;
  const answer = await pastedAnswer(app, begun);
  const ended = (state: EndedAttempt["state"], message: string): EndedAttempt => ({
    state,
    profileId: profile.profileId,
    message,
    completedAt: app.platform.clock.now(),
  });
  // Before the server is asked: of two processes with one answer, one gets through.
  const claimed = await endAttempt(app, kept, ended("claimed", "the provider is being asked"));
  try {
    const tokens = await exchange(app, pending, answer);
    await storeLogin(app, profile, tokens);
    return { done: await endAttempt(app, claimed, ended("succeeded", "logged in")), tokens };
  } catch (error) {
    const why = isPalyraError(error) ? clauseOf(error) : "palyra failed";
    try {
      await endAttempt(app, claimed, ended("failed", why));
    } catch { /* what went wrong first is what is told */ }
    throw error;
  }
}

async function exchange(
  app: App,
  { profile, begun, server }: PendingAttempt,
  answer: URL,
): Promise<TokenSet> {
  const { clientId, clientSecretRef, clientAuthentication, tokenEndpoint } = profile.credential;
  using web = await webFor(app, tokenEndpoint);
  const clientSecret = clientSecretRef === undefined
    ? undefined
    : await secretOf(app, clientSecretRef);
  const parties = {
    server,
    clientId,
    clientSecret,
    ...(clientAuthentication === undefined ? {} : { clientAuthentication }),
    send: web.send,
    now: () => app.platform.clock.now(),
  };
  return await completeBrowserLogin(parties, begun, answer);
}
