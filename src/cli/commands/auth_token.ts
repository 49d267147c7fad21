/** `palyra auth token` and `refresh`: a credential that can be used now. */

import { PalyraError } from "../../errors.ts";
import type { App } from "../app.ts";
import { credentialOf, enabledProfile, isOAuth } from "../auth/credential.ts";
import { tokensOf } from "../auth/tokens.ts";
import { parseDuration } from "../values.ts";
import type { BytesView, RecordView } from "../view.ts";

/** Flags of `auth token`. */
export interface AuthTokenFlags {
  readonly "min-ttl"?: string | undefined;
}

/** The key of a profile, or an access token of it that is good for at least so long. */
export async function authToken(app: App, flags: AuthTokenFlags, id: string): Promise<BytesView> {
  const minTtl = flags["min-ttl"];
  const bytes = minTtl === undefined
    ? await credentialOf(app, id)
    : await credentialOf(app, id, parseDuration(minTtl, "--min-ttl"));
  return {
    kind: "bytes",
    bytes,
    newlineOnTerminal: true,
    [Symbol.dispose]: () => bytes[Symbol.dispose](),
  };
}

/** Asks the server for new tokens, whether or not those that are there are good. */
export async function authRefresh(
  app: App,
  _flags: Readonly<Record<never, never>>,
  id: string,
): Promise<RecordView> {
  const profile = await enabledProfile(app, id);
  if (!isOAuth(profile)) {
    throw new PalyraError("usage", `Cannot refresh ${profile.profileId}: it has a key, not tokens`);
  }
  const { expiresAt } = await tokensOf(app, profile, { minTtlMs: 0, force: true });
  const ends = expiresAt === undefined ? undefined : new Date(expiresAt).toISOString();
  return {
    kind: "record",
    json: {
      changed: true,
      profile_id: profile.profileId,
      ...(ends === undefined ? {} : { expires_at: ends }),
    },
    text: `refreshed  ${profile.profileId}, ${
      ends === undefined ? "end not known" : `until ${ends}`
    }`,
  };
}
