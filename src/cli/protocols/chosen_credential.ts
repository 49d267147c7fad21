/** The credential of a provider for a client: of the profiles that its rules name, the one to use now. */

import type { Credential, ProfileWish } from "../../protocols/protocol.ts";
import { isProfileLabel } from "../../protocols/rules.ts";
import { chooseProfile } from "../auth/chosen.ts";
import { credentialIn } from "../auth/credential.ts";
import type { Client } from "./client.ts";

/** What may be chosen is what the client could name: `auth:PROFILE` of others counts as denied. */
export async function chosenCredential(
  { app, protocol, rules }: Client,
  { provider, agentId }: ProfileWish,
): Promise<Credential | undefined> {
  const profile = await chooseProfile(app, {
    provider,
    agentId,
    mayUse: ({ profileId }) => isProfileLabel(protocol, rules.table, `auth:${profileId}`),
  });
  if (profile === undefined) return undefined;
  return { username: undefined, secret: (await credentialIn(app, profile)).value };
}
