/** What a token endpoint is asked, and what its answer means: the steps of the protocol by the library. */

import * as oauth from "oauth4webapi";
import { PalyraError } from "../errors.ts";
import type { WebFetch } from "../platform/web.ts";
import type { Failure } from "./failures.ts";
import { authenticationOf, clientOf, optionsFor } from "./login_steps.ts";
import type { OAuthCredential } from "./profile.ts";
import { believable } from "./token_answer.ts";
import { type TokenSet, tokenSetOf } from "./token_set.ts";

/** A refusal or failure, and what it means for the next attempt. */
export class TokenFailure extends Error {
  constructor(
    readonly failure: Failure,
    /** What the user is told. */
    readonly error: PalyraError,
    /** The server may have used the refresh token up. */
    readonly mayHaveArrived: boolean,
  ) {
    super(error.message);
  }
}

/** How a client names itself. */
export interface ClientSecrets {
  /** Text; the caller wipes what it was made of. */
  readonly clientSecret: string | undefined;
}

const MAX_RETRY_AFTER_MS = 86_400_000;
/** Refusals after which this refresh token will never do; GitHub has a word of its own. */
const ENDED: readonly string[] = ["invalid_grant", "bad_refresh_token"];
/** Refusals that are about the client, which a person has to mend. */
const CLIENT: readonly string[] = [
  "invalid_client",
  "incorrect_client_credentials", // GitHub's
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
];

/** Refreshes. Throws {@link TokenFailure}. */
export async function refreshTokens(
  credential: OAuthCredential,
  refreshToken: string,
  { clientSecret }: ClientSecrets,
  { send, now }: { readonly send: WebFetch; readonly now: () => number },
): Promise<TokenSet> {
  const server: oauth.AuthorizationServer = {
    issuer: credential.issuer ?? new URL(credential.tokenEndpoint).origin,
    token_endpoint: credential.tokenEndpoint,
  };
  const party = { ...credential, clientSecret };
  const [client, authentication] = [clientOf(party), authenticationOf(party)];
  const options = {
    ...optionsFor(async (url, request) =>
      await believable(await send(url, request), { idToken: false })
    ),
    ...(credential.scopes.length === 0
      ? {}
      : { additionalParameters: { scope: credential.scopes.join(" ") } }),
  };
  let response: Response;
  try {
    response = await oauth.refreshTokenGrantRequest(
      server,
      client,
      authentication,
      refreshToken,
      options,
    );
  } catch (error) {
    throw unreachable(error);
  }
  const asked = now();
  try {
    const answer = await oauth.processRefreshTokenResponse(server, client, response);
    const set = tokenSetOf(answer, asked, refreshToken);
    if (set === undefined) throw malformed();
    return set;
  } catch (error) {
    if (error instanceof TokenFailure) throw error;
    throw refused(response, error, asked);
  }
}

/** Revokes a token (RFC 7009). Throws `auth`, `connectivity`, whose reason is `busy` for a status over 499. */
export async function revokeToken(
  credential: OAuthCredential,
  token: string,
  { clientSecret }: ClientSecrets,
  send: WebFetch,
): Promise<void> {
  const server: oauth.AuthorizationServer = {
    issuer: credential.issuer ?? new URL(credential.tokenEndpoint).origin,
    ...(credential.revocationEndpoint === undefined
      ? {}
      : { revocation_endpoint: credential.revocationEndpoint }),
  };
  const party = { ...credential, clientSecret };
  const [client, authentication] = [clientOf(party), authenticationOf(party)];
  let isBusy = false;
  try {
    const response = await oauth.revocationRequest(
      server,
      client,
      authentication,
      token,
      optionsFor(send),
    );
    isBusy = response.status >= 500;
    await oauth.processRevocationResponse(await believable(response, { idToken: false }));
  } catch (error) {
    if (error instanceof PalyraError) throw error;
    if (error instanceof oauth.ResponseBodyError && CLIENT.includes(error.error)) {
      throw new PalyraError("auth", "Cannot revoke the login: the provider refused the client", {
        hint: "Look at client_id and client secret of the profile",
      });
    }
    throw new PalyraError("connectivity", "Cannot revoke the login: the provider did not do it", {
      hint: "The profile and its tokens are still there",
      ...(isBusy ? { details: { reason: "busy" } } : {}),
    });
  }
}

/** Errors of the port are palyra's own already. */
function unreachable(error: unknown): TokenFailure {
  const known = error instanceof PalyraError
    ? error
    : new PalyraError("connectivity", "Cannot refresh the token: the request failed");
  const mayHaveArrived = known.details?.["request_may_have_arrived"] !== false;
  return new TokenFailure({ kind: "refresh_failed" }, known, mayHaveArrived);
}

function refused(response: Response, error: unknown, now: number): TokenFailure {
  const retryAfterMs = retryAfterOf(response.headers.get("retry-after"), now);
  const code = error instanceof oauth.ResponseBodyError ? error.error : undefined;
  const { status } = response;
  if (code !== undefined && ENDED.includes(code)) {
    const told = new PalyraError(
      "auth",
      "Cannot refresh the token: the provider has ended this login",
      {
        hint: "Log in again: palyra auth login",
      },
    );
    return new TokenFailure({ kind: "auth_invalid" }, told, true);
  }
  if (code !== undefined && CLIENT.includes(code)) {
    const told = new PalyraError(
      "auth",
      "Cannot refresh the token: the provider refused the client",
      {
        hint: "Look at client_id, client secret and scopes of the profile",
      },
    );
    return new TokenFailure({ kind: "config_missing" }, told, false);
  }
  if (status === 429 || code === "slow_down") {
    const told = new PalyraError(
      "connectivity",
      "Cannot refresh the token: the provider asks to wait",
    );
    return new TokenFailure({ kind: "rate_limit", retryAfterMs }, told, true);
  }
  if (status >= 500) {
    const told = new PalyraError(
      "connectivity",
      `Cannot refresh the token: the provider answered with status ${status}`,
    );
    return new TokenFailure({ kind: "refresh_failed", retryAfterMs }, told, true);
  }
  if (code !== undefined || status >= 400) {
    const told = new PalyraError(
      "auth",
      `Cannot refresh the token: the provider refused it with status ${status}`,
    );
    return new TokenFailure({ kind: "refresh_failed", retryAfterMs }, told, true);
  }
  return malformed();
}

function malformed(): TokenFailure {
  return new TokenFailure(
    { kind: "refresh_failed" },
    new PalyraError("connectivity", "Cannot refresh the token: the answer holds no usable token"),
    true,
  );
}

/** Seconds, or an HTTP date (RFC 9110 section 10.2.3), in milliseconds. */
function retryAfterOf(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  const ms = /^[0-9]+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now;
  return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : undefined;
}
