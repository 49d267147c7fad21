/** `palyra auth revoke`: tells the provider that a login is over, then forgets it. */

import { PalyraError } from "../../errors.ts";
import { parseTokenSet } from "../../auth/token_set.ts";
import { readProfiles } from "../../auth/profiles_file.ts";
import { readSecret } from "../../vault/read_secret.ts";
import { parseSecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { pathsOf, requireProfile } from "../auth/profiles.ts";
import { clientSecretOf, secretsIn } from "../auth/tokens.ts";
import { webFor } from "../auth/web.ts";
import { openVaultToRead } from "../stores.ts";
import type { RecordView } from "../view.ts";
import { profilesDelete } from "./auth_profiles.ts";

/** Revokes (RFC 7009), and deletes the profile. A failure leaves everything as it is. */
export async function authRevoke(
  app: App,
  flags: Readonly<Record<never, never>>,
  id: string,
): Promise<RecordView> {
  const isThere = app.platform.directories.check(app.stateRoot);
  const profiles = isThere ? await readProfiles(app.platform, pathsOf(app)) : new Map();
  const { credential, profileId } = requireProfile(profiles, id);
  if (credential.type !== "oauth" || credential.revocationEndpoint === undefined) {
    throw new PalyraError("usage", `Cannot revoke ${profileId}: its provider offers no way to`, {
      hint: `Revoke it there, then palyra auth profiles delete ${profileId}`,
    });
  }
  {
    using vault = await openVaultToRead(app, { opensValues: true });
    using opened = await readSecret(vault, parseSecretId(credential.tokensRef));
    const set = parseTokenSet(opened.value, credential.tokensRef);
    const { revokeToken } = await import("../../auth/token_endpoint.ts");
    using web = await webFor(app, credential.revocationEndpoint);
    const clientSecret = await clientSecretOf(secretsIn(app, vault), credential);
    await revokeToken(credential, set.refreshToken ?? set.accessToken, { clientSecret }, web.send);
  }
  return await profilesDelete(app, flags, profileId);
}
