/** `palyra auth openai api-key` and `auth anthropic api-key`: a key that was tried, and a profile that names it. */

import {
  type AuthProfile,
  parseEndpoint,
  parseProfileId,
  parseProfileScope,
} from "../../auth/profile.ts";
import { changeProfiles } from "../../auth/profiles_file.ts";
import { baseOf, checkKey, type KeyProvider } from "../../auth/key_check.ts";
import { parseProvider } from "../../auth/provider.ts";
import { lockTokens, REFRESH_MS } from "../../auth/token_lock.ts";
import { decodeUtf8 } from "../../crypto/encoding.ts";
import { PalyraError } from "../../errors.ts";
import { setSecret } from "../../vault/set_secret.ts";
import { parseSecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { ownedRef } from "../auth/owned.ts";
import { lockPlaceOf, pathsOf, profileBefore } from "../auth/profiles.ts";
import { removeReplaced } from "../auth/remove_replaced.ts";
import { requireStorable } from "../auth/require_storable.ts";
import { webFor } from "../auth/web.ts";
import { readValue } from "../read_value.ts";
import { openVaultToWrite } from "../stores.ts";
import type { RecordView } from "../view.ts";

/** Flags of `auth … api-key`. */
export interface ApiKeyFlags {
  readonly profile?: string | undefined;
  readonly name?: string | undefined;
  readonly scope?: string | undefined;
  readonly "base-url"?: string | undefined;
  readonly "value-stdin"?: boolean | undefined;
  readonly "from-file"?: string | undefined;
}

/** Tries the key; only then key and profile are stored. */
export async function authApiKey(
  app: App,
  flags: ApiKeyFlags,
  provider: KeyProvider,
): Promise<RecordView> {
  const id = parseProfileId(flags.profile ?? provider);
  const given = flags.scope === undefined ? undefined : parseProfileScope(flags.scope);
  const base = parseEndpoint(flags["base-url"] ?? baseOf(provider));
  const before = await profileBefore(app, id, parseProvider(provider));
  const scope = given ?? before?.scope ?? "global";
  const apiKeyRef = await ownedRef(parseProvider(provider), scope, id, "api_key");
  const profile: AuthProfile = {
    profileId: id,
    provider: parseProvider(provider),
    profileName: flags.name ?? before?.profileName ?? id,
    scope,
    enabled: true,
    credential: { type: "api_key", apiKeyRef },
  };
  await requireStorable(app, profile);
  using key = await readValue(app, flags, `the key of ${provider}`);
  const text = decodeUtf8(key.reveal());
  if (text === undefined) throw new PalyraError("usage", "Cannot use the key: it is not text");
  {
    using web = await webFor(app, base);
    await checkKey(provider, text, { base, send: web.send });
  }
  const { vault } = await openVaultToWrite(app);
  using _open = vault;
  // A profile that is being deleted goes before it comes again.
  using _lock = await lockTokens(lockPlaceOf(app), apiKeyRef, REFRESH_MS);
  let changed = false;
  const change = await changeProfiles(
    app.platform,
    pathsOf(app),
    () => new Map([[id, profile]]),
    async () => {
      ({ changed } = await setSecret(vault, parseSecretId(apiKeyRef), key));
    },
  );
  await removeReplaced(app, vault, id, change);
  return {
    kind: "record",
    json: { changed, profile_id: id, provider, secret: apiKeyRef, checked: true },
    text: `stored  ${id}, the key is good`,
  };
}
