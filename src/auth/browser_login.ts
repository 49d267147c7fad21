/**
 * Logging in by a browser that comes back to this machine, or whose last address is given to palyra
 * (RFC 8252, with PKCE S256 of RFC 7636). Every step of the protocol is the library's.
 */

import * as oauth from "oauth4webapi";
import { PalyraError } from "../errors.ts";
import {
  asked,
  authenticationOf,
  clientOf,
  type LoginParties,
  optionsFor,
  tokensIn,
  understood,
  understoodNow,
} from "./login_steps.ts";
import { believable } from "./token_answer.ts";
import type { TokenSet } from "./token_set.ts";

/** A login that was begun with a browser. All but the address is to be kept secret. */
export interface BegunLogin {
  /** Where the person goes. */
  readonly url: string;
  readonly redirectUri: string;
  /** What comes back with the answer. */
  readonly state: string;
  readonly codeVerifier: string;
  /** What the ID token has to hold, where one is asked for. */
  readonly nonce: string | undefined;
}

/** Begins a login with a browser. Throws `usage` where the server has none for that. */
export async function beginBrowserLogin(
  { server, clientId, scopes, isDiscovered }: Omit<LoginParties, "clientSecret" | "send" | "now">,
  redirectUri: string,
): Promise<BegunLogin> {
  if (server.authorization_endpoint === undefined) {
    throw new PalyraError("usage", "Cannot log in by a browser: the server has no page for that");
  }
  const codeVerifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  // Of a server that did not describe itself nobody knows who signs its ID tokens, and how.
  const asksForId = isDiscovered && scopes.includes("openid");
  const nonce = asksForId ? oauth.generateRandomNonce() : undefined;
  const url = new URL(server.authorization_endpoint);
  const parameters = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: "S256",
    state,
    ...(scopes.length === 0 ? {} : { scope: scopes.join(" ") }),
    ...(nonce === undefined ? {} : { nonce }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return { url: url.href, redirectUri, state, codeVerifier, nonce };
}

/** Exchanges the answer that a browser brought for tokens. Throws `auth`, `denied`, `connectivity`. */
export async function completeBrowserLogin(
  parties: Omit<LoginParties, "scopes" | "isDiscovered">,
  { redirectUri, state, codeVerifier, nonce }: Omit<BegunLogin, "url">,
  answer: URL,
): Promise<TokenSet> {
  const { server, send, now } = parties;
  const client = clientOf(parties);
  const checked = understoodNow(() => oauth.validateAuthResponse(server, client, answer, state));
  const response = await asked(() =>
    oauth.authorizationCodeGrantRequest(
      server,
      client,
      authenticationOf(parties),
      checked,
      redirectUri,
      codeVerifier,
      optionsFor(send),
    )
  );
  const tokens = await understood(async () =>
    await oauth.processAuthorizationCodeResponse(
      server,
      client,
      await believable(response, { idToken: nonce !== undefined }),
      nonce === undefined ? {} : { expectedNonce: nonce },
    )
  );
  return tokensIn(tokens, now());
}
