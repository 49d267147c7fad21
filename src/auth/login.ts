/**
 * Logging in at an authorization server: by a browser that comes back to this machine or whose address is
 * pasted (RFC 8252, PKCE S256 of RFC 7636), or by a code that is typed elsewhere (RFC 8628). Every step of
 * the protocol is the library's.
 */

import * as oauth from "oauth4webapi";
import { PalyraError } from "../errors.ts";
import type { WebFetch } from "../platform/web.ts";
import type { ServerPreset } from "./preset.ts";
import { pageOf, requireSoundAddresses } from "./server_addresses.ts";
import { believable } from "./token_answer.ts";
import { type TokenSet, tokenSetOf } from "./token_set.ts";

/** The server and who asks it. */
export interface LoginParties {
  readonly server: oauth.AuthorizationServer;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly scopes: readonly string[];
  readonly send: WebFetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A login that was begun with a browser. */
export interface BrowserLogin {
  /** Where the person goes. */
  readonly url: string;
  /** What comes back with the answer. */
  readonly state: string;
  /** Exchanges the answer for tokens. Throws `auth`, `denied`, `connectivity`. */
  complete(answer: URL): Promise<TokenSet>;
}

/** A login that is completed on another device. */
export interface DeviceLogin {
  /** Where the person goes, and what they type there. */
  readonly verificationUri: string;
  readonly userCode: string;
  /** Asks until there is an answer. Throws `auth` when it is no, or too late. */
  complete(pause: (ms: number) => Promise<void>): Promise<TokenSet>;
}

const DEFAULT_INTERVAL_S = 5;
/** RFC 8628 section 3.5. */
const SLOWER_S = 5;
const LONGEST_DEVICE_S = 1_800;
/** What a person can be shown and can type. */
const USER_CODE = /^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/;

/** What a server offers: from its preset, or as it says itself. Throws `connectivity`, `denied`. */
export async function findServer(
  preset: ServerPreset,
  send: WebFetch,
): Promise<oauth.AuthorizationServer> {
  const { issuer, authorizationEndpoint, tokenEndpoint, deviceAuthorizationEndpoint } = preset;
  if (tokenEndpoint !== undefined) {
    return {
      issuer: issuer ?? new URL(tokenEndpoint).origin,
      token_endpoint: tokenEndpoint,
      ...(authorizationEndpoint === undefined
        ? {}
        : { authorization_endpoint: authorizationEndpoint }),
      ...(deviceAuthorizationEndpoint === undefined
        ? {}
        : { device_authorization_endpoint: deviceAuthorizationEndpoint }),
    };
  }
  const url = new URL(issuer!);
  for (const algorithm of ["oidc", "oauth2"] as const) {
    const response = await asked(() =>
      oauth.discoveryRequest(url, { algorithm, ...optionsFor(send) })
    );
    if (response.status === 404 && algorithm === "oidc") continue;
    const server = await understood(() => oauth.processDiscoveryResponse(url, response));
    if (server.token_endpoint === undefined) continue;
    requireSoundAddresses(server);
    return server;
  }
  throw new PalyraError("connectivity", "Cannot log in: the server names no token endpoint");
}

/** Begins a login with a browser. Throws `usage` where the server has none for that. */
export async function beginBrowserLogin(
  parties: LoginParties,
  redirectUri: string,
): Promise<BrowserLogin> {
  const { server, clientId, scopes } = parties;
  if (server.authorization_endpoint === undefined) {
    throw new PalyraError("usage", "Cannot log in by a browser: the server has no page for that");
  }
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = scopes.includes("openid") ? oauth.generateRandomNonce() : undefined;
  const url = new URL(server.authorization_endpoint);
  const parameters = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    ...(scopes.length === 0 ? {} : { scope: scopes.join(" ") }),
    ...(nonce === undefined ? {} : { nonce }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return {
    url: url.href,
    state,
    complete: async (answer) => {
      const client = clientOf(parties);
      const checked = understoodNow(() =>
        oauth.validateAuthResponse(server, client, answer, state)
      );
      const response = await asked(() =>
        oauth.authorizationCodeGrantRequest(
          server,
          client,
          authenticationOf(parties),
          checked,
          redirectUri,
          verifier,
          optionsFor(parties.send),
        )
      );
      const tokens = await understood(async () =>
        await oauth.processAuthorizationCodeResponse(
          server,
          client,
          await believable(response, { idToken: true }),
          nonce === undefined ? {} : { expectedNonce: nonce },
        )
      );
      return tokensIn(tokens, parties.now());
    },
  };
}

/** Begins a login by a code. Throws `usage` where the server does not know that, `denied`, `connectivity`. */
export async function beginDeviceLogin(parties: LoginParties): Promise<DeviceLogin> {
  const { server, scopes, send } = parties;
  if (server.device_authorization_endpoint === undefined) {
    throw new PalyraError("usage", "Cannot log in by a code: the server does not offer that");
  }
  const client = clientOf(parties);
  const authentication = authenticationOf(parties);
  const parameters: Record<string, string> = scopes.length === 0 ? {} : { scope: scopes.join(" ") };
  const response = await asked(() =>
    oauth.deviceAuthorizationRequest(server, client, authentication, parameters, optionsFor(send))
  );
  const begun = await understood(() =>
    oauth.processDeviceAuthorizationResponse(server, client, response)
  );
  const lifeS = Math.min(begun.expires_in, LONGEST_DEVICE_S);
  const firstIntervalS = Math.max(1, begun.interval ?? DEFAULT_INTERVAL_S);
  if (!USER_CODE.test(begun.user_code) || firstIntervalS > LONGEST_DEVICE_S) {
    throw refused(undefined);
  }
  const endsAt = parties.now() + lifeS * 1_000;
  const endpoint = server.device_authorization_endpoint;
  return {
    verificationUri: pageOf(begun.verification_uri, endpoint, "verification_uri"),
    userCode: begun.user_code,
    complete: async (pause) => {
      let intervalS = firstIntervalS;
      for (let leftMs = lifeS * 1_000; leftMs > 0; leftMs = endsAt - parties.now()) {
        await pause(Math.min(intervalS * 1_000, leftMs));
        const answer = await asked(() =>
          oauth.deviceCodeGrantRequest(
            server,
            client,
            authentication,
            begun.device_code,
            optionsFor(send),
          )
        );
        try {
          return tokensIn(
            await oauth.processDeviceCodeResponse(
              server,
              client,
              await believable(answer, { idToken: true }),
            ),
            parties.now(),
          );
        } catch (error) {
          const code = error instanceof oauth.ResponseBodyError ? error.error : undefined;
          if (code === "slow_down") intervalS += SLOWER_S;
          else if (code !== "authorization_pending") throw refused(error);
        }
      }
      throw new PalyraError("auth", "Cannot log in: nobody has typed the code in time");
    },
  };
}

function clientOf({ clientId }: LoginParties): oauth.Client {
  return { client_id: clientId };
}

function authenticationOf({ clientSecret }: LoginParties): oauth.ClientAuth {
  return clientSecret === undefined ? oauth.None() : oauth.ClientSecretPost(clientSecret);
}

/** The port itself allows HTTP to this machine only. */
function optionsFor(
  send: WebFetch,
): {
  [oauth.customFetch]: (url: string, request: object) => Promise<Response>;
  [oauth.allowInsecureRequests]: true;
} {
  return {
    [oauth.customFetch]: (url, request) => send(url, request),
    [oauth.allowInsecureRequests]: true,
  };
}

function tokensIn(answer: oauth.TokenEndpointResponse, now: number): TokenSet {
  const set = tokenSetOf(answer, now);
  if (set !== undefined) return set;
  throw new PalyraError("connectivity", "Cannot log in: the answer holds no usable token");
}

async function asked(request: () => Promise<Response>): Promise<Response> {
  try {
    return await request();
  } catch (error) {
    if (error instanceof PalyraError) throw error;
    throw new PalyraError("connectivity", "Cannot log in: the request failed");
  }
}

async function understood<T>(process: () => Promise<T>): Promise<T> {
  try {
    return await process();
  } catch (error) {
    throw refused(error);
  }
}

function understoodNow<T>(process: () => T): T {
  try {
    return process();
  } catch (error) {
    throw refused(error);
  }
}

/** What a refusal means, in palyra's own words; codes of the standards are named, nothing else. */
function refused(error: unknown): PalyraError {
  if (error instanceof PalyraError) return error;
  const code = error instanceof oauth.ResponseBodyError ||
      error instanceof oauth.AuthorizationResponseError
    ? error.error
    : undefined;
  const known = code !== undefined && CODES.includes(code) ? `, ${code}` : "";
  if (code !== undefined) {
    return new PalyraError("auth", `Cannot log in: the provider refused it${known}`);
  }
  return new PalyraError("connectivity", "Cannot log in: the server's answer is not as it must be");
}

const CODES: readonly string[] = [
  "access_denied",
  "authorization_declined",
  "expired_token",
  "invalid_client",
  "invalid_grant",
  "invalid_request",
  "invalid_scope",
  "server_error",
  "temporarily_unavailable",
  "unauthorized_client",
  "unsupported_grant_type",
];
