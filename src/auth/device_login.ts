/** Logging in by a code that is typed in a browser anywhere (RFC 8628). Every step is the library's. */

import * as oauth from "oauth4webapi";
import { isPalyraError, PalyraError } from "../errors.ts";
import {
  asked,
  authenticationOf,
  clientOf,
  type LoginParties,
  optionsFor,
  refused,
  tokensIn,
  understood,
} from "./login_steps.ts";
import { pageOf } from "./server_addresses.ts";
import { believable } from "./token_answer.ts";
import type { TokenSet } from "./token_set.ts";

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
/** Of a server that is too busy, or between two of its starts. */
const PASSING: readonly number[] = [429, 500, 502, 503, 504];
const LONGEST_DEVICE_S = 1_800;
/** What a person can be shown and can type. */
const USER_CODE = /^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/;

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
        const answer = await askedLeniently(() =>
          oauth.deviceCodeGrantRequest(
            server,
            client,
            authentication,
            begun.device_code,
            optionsFor(send),
          )
        );
        if (answer === undefined) {
          intervalS += SLOWER_S;
          continue;
        }
        try {
          return tokensIn(
            await oauth.processDeviceCodeResponse(
              server,
              client,
              await believable(answer, { idToken: parties.isDiscovered }),
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

/** An answer; `undefined` for a failure that passes: the person is still typing (RFC 8628 section 3.5). */
async function askedLeniently(request: () => Promise<Response>): Promise<Response | undefined> {
  try {
    const answer = await asked(request);
    return PASSING.includes(answer.status) ? undefined : answer;
  } catch (error) {
    const reason = isPalyraError(error, "connectivity") ? error.details?.["reason"] : undefined;
    if (reason === "connection" || reason === "timeout" || reason === "name") return undefined;
    throw error;
  }
}
