/** `palyra auth revoke`: tells the provider that a login is over, then forgets it. */

import { type AuthProfile, isOAuth, parseProfileId } from "../../auth/profile.ts";
import { parseTokenSet, requireFrom } from "../../auth/token_set.ts";
import { isPalyraError, PalyraError } from "../../errors.ts";
import { readSecret } from "../../vault/read_secret.ts";
import { parseSecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { removeProfile } from "../auth/remove_profile.ts";
import { clientSecretOf, secretsIn } from "../auth/tokens.ts";
import { webFor } from "../auth/web.ts";
import { openVaultToRead } from "../stores.ts";
import type { RecordView } from "../view.ts";
import { removedView } from "./auth_profiles.ts";

/** How often a server is asked that is busy or cannot be reached, and how long there is in between. */
const [TRIES, AGAIN_MS] = [3, 500];

/** Revokes (RFC 7009), and deletes the profile. A failure leaves everything as it is. */
export async function authRevoke(
  app: App,
  _flags: Readonly<Record<never, never>>,
  text: string,
): Promise<RecordView> {
  const id = parseProfileId(text);
  // The token that is revoked is the one of now: under the lock nobody refreshes it.
  const removed = await removeProfile(app, id, (profile) => revoke(app, profile));
  const { json, text: told, ...view } = removedView(id, removed);
  const twins = removed.twins.map((twin) => `ended    ${twin}: it was the same login`);
  return { ...view, json: { ...json, ended: removed.twins }, text: [told, ...twins].join("\n") };
}

async function revoke(app: App, profile: AuthProfile): Promise<void> {
  if (!isOAuth(profile) || profile.credential.revocationEndpoint === undefined) {
    const { profileId } = profile;
    throw new PalyraError("usage", `Cannot revoke ${profileId}: its provider offers no way to`, {
      hint: `Revoke it there, then palyra auth profiles delete ${profileId}`,
    });
  }
  const { credential } = profile;
  using vault = await openVaultToRead(app, { opensValues: true });
  using opened = await readSecret(vault, parseSecretId(credential.tokensRef));
  const set = parseTokenSet(opened.value, credential.tokensRef);
  requireFrom(set, profile);
  const { revokeToken } = await import("../../auth/token_endpoint.ts");
  // What may be asked is decided by where tokens come from: no server elsewhere leads to this machine.
  using web = await webFor(app, credential.tokenEndpoint);
  const clientSecret = await clientSecretOf(secretsIn(app, vault), credential);
  const token = set.refreshToken ?? set.accessToken;
  for (let left = TRIES - 1;; left--) {
    try {
      return await revokeToken(credential, token, { clientSecret }, web.send);
    } catch (error) {
      const reason = isPalyraError(error, "connectivity") ? error.details?.["reason"] : undefined;
      const mayPass = reason === "busy" || reason === "connection";
      if (!mayPass || left === 0) throw error;
      await app.platform.clock.pause(AGAIN_MS);
    }
  }
}
