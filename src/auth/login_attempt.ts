/**
 * A login that one command begins and another one ends: what has to be remembered in between, as one
 * secret that expires. What stands in it is claimed before it is used, so that an answer of a browser
 * counts once.
 */

import type { AuthorizationServer } from "oauth4webapi";
import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import type { BegunLogin } from "./browser_login.ts";
import { isOAuth, type OAuthProfile } from "./profile.ts";
import { profileFrom, type ProfileTable, tableOf } from "./profile_table.ts";

/** How long a person has for a login, in milliseconds; what came of it is told for as long. */
export const ATTEMPT_MS = 600_000;

/** An attempt, by what has become of it. */
export type LoginAttempt = PendingAttempt | EndedAttempt;

/** Nobody has come back yet. */
export interface PendingAttempt {
  readonly state: "pending";
  /** What becomes of the profile. */
  readonly profile: OAuthProfile;
  readonly server: AuthorizationServer;
  readonly begun: Omit<BegunLogin, "url">;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** An answer has come. */
export interface EndedAttempt {
  /** `claimed` while the server is asked, and for ever where that process was killed. */
  readonly state: "claimed" | "succeeded" | "failed";
  readonly profileId: string;
  /** One clause for people. */
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly completedAt: number;
}

const VERSION = 1;
/** What the library looks at when an answer is judged; all else that a server says is not kept. */
const KEPT = [
  "issuer",
  "token_endpoint",
  "revocation_endpoint",
  "authorization_response_iss_parameter_supported",
  "id_token_signing_alg_values_supported",
] as const;

/** The secret of an attempt; the caller wipes it. */
export function formatAttempt(attempt: LoginAttempt): SensitiveBytes {
  const fields = attempt.state === "pending"
    ? {
      profile_id: attempt.profile.profileId,
      profile: tableOf(attempt.profile),
      server: Object.fromEntries(KEPT.map((key) => [key, attempt.server[key]])),
      redirect_uri: attempt.begun.redirectUri,
      oauth_state: attempt.begun.state,
      code_verifier: attempt.begun.codeVerifier,
      nonce: attempt.begun.nonce,
      expires_at: attempt.expiresAt,
    }
    : {
      profile_id: attempt.profileId,
      message: attempt.message,
      completed_at: attempt.completedAt,
    };
  const document = { version: VERSION, state: attempt.state, ...fields };
  return new SensitiveBytes(encodeUtf8(JSON.stringify(document)));
}

/** Reads an attempt. Throws `integrity` for a secret that holds none, and quotes nothing of it. */
export function parseAttempt(secret: SensitiveBytes): LoginAttempt {
  try {
    const document = JSON.parse(decodeUtf8(secret.reveal()) ?? "");
    if (document.version !== VERSION) throw new Error("another version");
    return document.state === "pending" ? pendingIn(document) : endedIn(document);
  } catch { // its message quotes the text
    throw new PalyraError("integrity", "Cannot go on with the login: nothing sound is kept of it", {
      hint: "Begin it again",
    });
  }
}

function pendingIn(document: Record<string, unknown>): PendingAttempt {
  const { server, nonce } = document;
  const profile = profileFrom(textIn(document, "profile_id"), document["profile"] as ProfileTable);
  if (!isOAuth(profile)) throw new Error();
  if (typeof server !== "object" || server === null || !("issuer" in server)) throw new Error();
  return {
    state: "pending",
    profile,
    server: server as AuthorizationServer,
    begun: {
      redirectUri: textIn(document, "redirect_uri"),
      state: textIn(document, "oauth_state"),
      codeVerifier: textIn(document, "code_verifier"),
      nonce: nonce === undefined ? undefined : textIn(document, "nonce"),
    },
    expiresAt: numberIn(document, "expires_at"),
  };
}

function endedIn(document: Record<string, unknown>): EndedAttempt {
  const { state } = document;
  if (state !== "claimed" && state !== "succeeded" && state !== "failed") throw new Error();
  return {
    state,
    profileId: textIn(document, "profile_id"),
    message: textIn(document, "message"),
    completedAt: numberIn(document, "completed_at"),
  };
}

function textIn(document: Record<string, unknown>, key: string): string {
  const value = document[key];
  if (typeof value !== "string") throw new Error();
  return value;
}

function numberIn(document: Record<string, unknown>, key: string): number {
  const value = document[key];
  if (typeof value !== "number") throw new Error();
  return value;
}
