/** The token set of a profile: access token, refresh token and expiry, as one secret without history. */

import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import type { OAuthCredential, OAuthProfile } from "./profile.ts";

/** Tokens of one authorization. */
export interface TokenSet {
  readonly accessToken: string;
  /** As the server named it, in lower case: `bearer`. */
  readonly tokenType: string;
  readonly refreshToken: string | undefined;
  /** Milliseconds since 1970; `undefined` when the server did not say. */
  readonly expiresAt: number | undefined;
  /** Milliseconds since 1970. */
  readonly obtainedAt: number;
  /** A refresh was begun with this refresh token, and its answer has not been stored. */
  readonly isRefreshing: boolean;
  /** When it was begun, milliseconds since 1970. */
  readonly begunAt?: number;
  /** Who has given them; absent where somebody has stored them by hand, who answers for that. */
  readonly origin?: TokenOrigin | undefined;
}

/** Where tokens come from, and for which client: to any other server they would give a login away. */
export type TokenOrigin = Pick<OAuthCredential, "tokenEndpoint" | "clientId">;

const VERSION = 1;
/** Most characters of a token: what is longer fits in no header. */
export const MAX_TOKEN = 65_536;

/** The secret of a token set; the caller wipes it. */
export function formatTokenSet(set: TokenSet): SensitiveBytes {
  return new SensitiveBytes(encodeUtf8(JSON.stringify({
    version: VERSION,
    access_token: set.accessToken,
    token_type: set.tokenType,
    ...(set.refreshToken === undefined ? {} : { refresh_token: set.refreshToken }),
    ...(set.expiresAt === undefined ? {} : { expires_at: set.expiresAt }),
    obtained_at: set.obtainedAt,
    ...(set.origin === undefined
      ? {}
      : { token_endpoint: set.origin.tokenEndpoint, client_id: set.origin.clientId }),
    ...(set.isRefreshing ? { refreshing: true, begun_at: set.begunAt } : {}),
  })));
}

/** Reads a token set. Throws `integrity` for a secret that holds none, and quotes nothing of it. */
export function parseTokenSet(secret: SensitiveBytes, what: string): TokenSet {
  const document = parse(secret);
  const { version, access_token, token_type, refresh_token, expires_at, obtained_at, refreshing } =
    document;
  const { token_endpoint, client_id } = document;
  const isSound = version === VERSION && isToken(access_token) && typeof token_type === "string" &&
    (refresh_token === undefined || isToken(refresh_token)) &&
    (expires_at === undefined || isTime(expires_at)) && isTime(obtained_at) &&
    typeof token_endpoint === typeof client_id &&
    (token_endpoint === undefined || typeof token_endpoint === "string");
  if (!isSound) {
    throw new PalyraError("integrity", `Cannot use ${what}: it holds no token set of palyra`, {
      hint: "palyra auth login makes a new one",
    });
  }
  return {
    accessToken: access_token as string,
    tokenType: token_type as string,
    refreshToken: refresh_token as string | undefined,
    expiresAt: expires_at as number | undefined,
    obtainedAt: obtained_at as number,
    isRefreshing: refreshing === true,
    ...(token_endpoint === undefined
      ? {}
      : { origin: { tokenEndpoint: token_endpoint as string, clientId: client_id as string } }),
  };
}

/** Whether tokens were given by the server of a profile, to its client, as far as they say so. */
export function isFrom({ origin }: TokenSet, { tokenEndpoint, clientId }: TokenOrigin): boolean {
  return origin === undefined ||
    (origin.tokenEndpoint === tokenEndpoint && origin.clientId === clientId);
}

/** Throws `auth` for tokens that were given by another server than a profile's, or to another client. */
export function requireFrom(set: TokenSet, { profileId, credential }: OAuthProfile): void {
  if (isFrom(set, credential)) return;
  throw new PalyraError(
    "auth",
    `Cannot use ${profileId}: its tokens come from another server or client`,
    { hint: "Log in again: palyra auth login" },
  );
}

/** By how much a clock may go back without a doubt about what it said. */
const CLOCK_BACK_MS = 300_000;

/**
 * Whether an access token is good for so many milliseconds more; one of unknown end is taken to be. Where
 * tokens live for less than twice that, half of their life has to do: a new one would be no better.
 */
export function isGoodFor(
  { expiresAt, obtainedAt }: TokenSet,
  now: number,
  ttlMs: number,
): boolean {
  // A clock that was set back makes ended tokens look good.
  if (now < obtainedAt - CLOCK_BACK_MS) return false;
  if (expiresAt === undefined) return true;
  return expiresAt - now >= Math.min(ttlMs, (expiresAt - obtainedAt) / 2) && expiresAt > now;
}

/** A server's clock may be ahead, and an answer takes its time: a token is taken to end so much earlier. */
const SKEW_MS = 10_000;
/** Of short lives it is a tenth. */
const SKEW_SHARE = 10;
/** Longest life of an access token that is believed, in seconds: a year. */
const LONGEST_S = 31_536_000;

/** When a token ends that was given now, in milliseconds since 1970; `undefined` for what cannot be believed. */
export function endOf(expiresInS: unknown, now: number): number | undefined {
  const isLifetime = typeof expiresInS === "number" && Number.isFinite(expiresInS) &&
    expiresInS > 0 && expiresInS <= LONGEST_S;
  if (!isLifetime) return undefined;
  const lifeMs = expiresInS * 1_000;
  return Math.floor(now + lifeMs - Math.min(SKEW_MS, lifeMs / SKEW_SHARE));
}

/** The answer of a token endpoint (RFC 6749 section 5.1), as the library has checked it. */
export interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: string;
  readonly refresh_token?: string | undefined;
  readonly expires_in?: number | undefined;
}

/**
 * The token set of an answer that was given now; `undefined` for tokens that cannot be used. Where the
 * server gives no new refresh token, the old one goes on being good (RFC 6749 section 6).
 */
export function tokenSetOf(
  { access_token, token_type, refresh_token, expires_in }: TokenAnswer,
  now: number,
  oldRefreshToken?: string,
): TokenSet | undefined {
  const isSound = isToken(access_token) && token_type.toLowerCase() === "bearer" &&
    (refresh_token === undefined || isToken(refresh_token));
  if (!isSound) return undefined;
  return {
    accessToken: access_token,
    tokenType: "bearer",
    refreshToken: refresh_token ?? oldRefreshToken,
    expiresAt: endOf(expires_in, now),
    obtainedAt: now,
    isRefreshing: false,
  };
}

/** Whether a text can be a token (RFC 6750 section 2.1 and RFC 6749 appendix A). */
export function isToken(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_TOKEN && /^[\x20-\x7e]+$/.test(value);
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function parse(secret: SensitiveBytes): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(decodeUtf8(secret.reveal()) ?? "");
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch { // its message quotes the text
    return {};
  }
}
