/** `palyra auth token` and `refresh`: a credential that can be used now. */

import type { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import { isOAuth, parseAgentId } from "../../auth/profile.ts";
import type { App } from "../app.ts";
import { credentialIn, credentialOf, enabledProfile } from "../auth/credential.ts";
import { tokensOf } from "../auth/tokens.ts";
import { parseDuration } from "../values.ts";
import type { BytesView, RecordView } from "../view.ts";

/** Flags of `auth token`. */
export interface AuthTokenFlags {
  readonly provider?: string | undefined;
  readonly agent?: string | undefined;
  readonly "min-ttl"?: string | undefined;
}

/**
 * The key of a profile, or an access token of it that is good for at least so long: of the profile that
 * is named, or of the one that is to be used of a provider.
 */
export async function authToken(app: App, flags: AuthTokenFlags, id?: string): Promise<BytesView> {
  const { provider, agent, "min-ttl": minTtl } = flags;
  if ((id === undefined) === (provider === undefined)) {
    throw new PalyraError("usage", "Cannot give a token: name a profile, or --provider");
  }
  const agentId = agent === undefined ? undefined : parseAgentId(agent);
  const minTtlMs = minTtl === undefined ? undefined : parseDuration(minTtl, "--min-ttl");
  const bytes = id === undefined
    ? await credentialFrom(app, provider!, agentId, minTtlMs)
    : await credentialOf(app, id, { agentId, minTtlMs });
  return {
    kind: "bytes",
    bytes,
    newlineOnTerminal: true,
    [Symbol.dispose]: () => bytes[Symbol.dispose](),
  };
}

async function credentialFrom(
  app: App,
  provider: string,
  agentId: string | undefined,
  minTtlMs: number | undefined,
): Promise<SensitiveBytes> {
  const { chooseProfile } = await import("../auth/chosen.ts");
  const profile = await chooseProfile(app, { provider, agentId });
  if (profile !== undefined) return await credentialIn(app, profile, minTtlMs);
  const asked = `--provider ${provider}${agentId === undefined ? "" : ` --agent ${agentId}`}`;
  throw new PalyraError(
    "not_found",
    `Cannot give a token: no profile of ${provider} can be used now`,
    {
      hint: `palyra auth profiles explain-selection ${asked} tells why`,
    },
  );
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
