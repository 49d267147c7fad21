/** What all ways of logging in share: the client, its requests, and what refusals of a server mean. */

import * as oauth from "oauth4webapi";
import { PalyraError } from "../errors.ts";
import type { WebFetch } from "../platform/web.ts";
import type { ClientAuthentication } from "./profile.ts";
import { type TokenSet, tokenSetOf } from "./token_set.ts";

/** The server and who asks it. */
export interface LoginParties {
  readonly server: oauth.AuthorizationServer;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly clientAuthentication?: ClientAuthentication;
  readonly scopes: readonly string[];
  /** The server has described itself: its ID tokens can be judged. */
  readonly isDiscovered: boolean;
  readonly send: WebFetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Who asks a server. */
export type ClientParty = Pick<
  LoginParties,
  "clientId" | "clientSecret" | "clientAuthentication"
>;

/** The client, as the library names it. */
export function clientOf({ clientId }: ClientParty): oauth.Client {
  return { client_id: clientId };
}

/** How the client shows who it is. */
export function authenticationOf(
  { clientSecret, clientAuthentication }: ClientParty,
): oauth.ClientAuth {
  if (clientSecret === undefined) return oauth.None();
  return clientAuthentication === "client_secret_basic"
    ? oauth.ClientSecretBasic(clientSecret)
    : oauth.ClientSecretPost(clientSecret);
}

/** What a server takes of a client that has a secret; a form where it takes both. */
export function clientAuthenticationFor(
  { token_endpoint_auth_methods_supported: methods }: oauth.AuthorizationServer,
): ClientAuthentication {
  // RFC 8414 section 2: a server that does not say so takes the header.
  return methods?.includes("client_secret_post") ? "client_secret_post" : "client_secret_basic";
}

/** How requests are sent; the port itself allows HTTP to this machine only. */
export function optionsFor(
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

/** The tokens of an answer that the library has checked. Throws `connectivity` for what cannot be used. */
export function tokensIn(answer: oauth.TokenEndpointResponse, now: number): TokenSet {
  const set = tokenSetOf(answer, now);
  if (set !== undefined) return set;
  throw new PalyraError("connectivity", "Cannot log in: the answer holds no usable token");
}

/** Sends a request. Throws what the port throws, and `connectivity` for all else. */
export async function asked(request: () => Promise<Response>): Promise<Response> {
  try {
    return await request();
  } catch (error) {
    if (error instanceof PalyraError) throw error;
    throw new PalyraError("connectivity", "Cannot log in: the request failed");
  }
}

/** Has an answer checked. Throws `auth` for a refusal, `connectivity` for what is no proper answer. */
export async function understood<T>(process: () => Promise<T>): Promise<T> {
  try {
    return await process();
  } catch (error) {
    throw refused(error);
  }
}

/** The same for a check that needs no waiting. */
export function understoodNow<T>(process: () => T): T {
  try {
    return process();
  } catch (error) {
    throw refused(error);
  }
}

/** What a refusal means, in palyra's own words; codes of the standards are named, nothing else. */
export function refused(error: unknown): PalyraError {
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
