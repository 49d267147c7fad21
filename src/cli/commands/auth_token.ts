/** `palyra auth token` and `refresh`: a credential that can be used now. */

import { decodeUtf8 } from "../../crypto/encoding.ts";
import { PalyraError } from "../../errors.ts";
import { isOAuth, parseAgentId } from "../../auth/profile.ts";
import type { App } from "../app.ts";
import {
  credentialIn,
  enabledProfile,
  giveCredential,
  type GivenCredential,
} from "../auth/credential.ts";
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
 * is named, or of the one that is to be used of a provider. In JSON with what is known of it.
 */
export async function authToken(
  app: App,
  flags: AuthTokenFlags,
  id?: string,
): Promise<BytesView | RecordView> {
  const { provider, agent, "min-ttl": minTtl } = flags;
  if ((id === undefined) === (provider === undefined)) {
    throw new PalyraError("usage", "Cannot give a token: name a profile, or --provider");
  }
  const agentId = parseAgentId(agent);
  const minTtlMs = minTtl === undefined ? undefined : parseDuration(minTtl, "--min-ttl");
  const given = id === undefined
    ? await credentialFrom(app, provider!, agentId, minTtlMs)
    : await giveCredential(app, id, { agentId, minTtlMs });
  if (app.options.format !== "text") return recordOf(given);
  const dispose = (): void => given[Symbol.dispose]();
  return { kind: "bytes", bytes: given.value, newlineOnTerminal: true, [Symbol.dispose]: dispose };
}

function recordOf(given: GivenCredential): RecordView {
  using _wiped = given;
  const { profile, value, tokenType, expiresAt } = given;
  const bytes = value.reveal();
  const token = decodeUtf8(bytes);
  return {
    kind: "record",
    json: {
      profile_id: profile.profileId,
      provider: profile.provider,
      ...(token === undefined ? { base64: bytes.toBase64() } : { token }),
      ...(tokenType === undefined ? {} : { token_type: tokenType }),
      ...(expiresAt === undefined ? {} : { expires_at: new Date(expiresAt).toISOString() }),
    },
    text: "",
  };
}

async function credentialFrom(
  app: App,
  provider: string,
  agentId: string | undefined,
  minTtlMs: number | undefined,
): Promise<GivenCredential> {
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
