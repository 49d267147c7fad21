/** Tokens of profiles for commands: the vault, the network and the signals behind a refresh. */

import type { OAuthCredential, OAuthProfile } from "../../auth/profile.ts";
import { freshTokens, type RefreshContext, type TokenWish } from "../../auth/refresh.ts";
import type { TokenSecrets } from "../../auth/refresh_notes.ts";
import type { TokenSet } from "../../auth/token_set.ts";
import { decodeUtf8 } from "../../crypto/encoding.ts";
import { isPalyraError, PalyraError } from "../../errors.ts";
import { readSecret } from "../../vault/read_secret.ts";
import type { Vault } from "../../vault/vault.ts";
import { parseSecretId } from "../../vault/vault_ref.ts";
import type { App } from "../app.ts";
import { openVaultToRead } from "../stores.ts";
import { lockPlaceOf, pathsOf } from "./profiles.ts";

/** The token set of an OAuth profile, good for as long as is wanted. Throws as `freshTokens` does. */
export async function tokensOf(
  app: App,
  profile: OAuthProfile,
  wish: TokenWish,
): Promise<TokenSet> {
  using vault = await openVaultToRead(app, { opensValues: true });
  const secrets = secretsIn(app, vault);
  const context: RefreshContext = {
    ...lockPlaceOf(app),
    paths: pathsOf(app),
    secrets,
    holdSignals: async () => (await app.platform.heldSignals())(),
    prepare: async (credential) => {
      const { refreshTokens } = await import("../../auth/token_endpoint.ts");
      const { webFor } = await import("./web.ts");
      const clientSecret = await clientSecretOf(secrets, credential);
      const web = await webFor(app, credential.tokenEndpoint);
      const { send } = web;
      const now = (): number => app.platform.clock.now();
      return {
        ask: ({ refreshToken }) =>
          refreshTokens(credential, refreshToken!, { clientSecret }, { send, now }),
        [Symbol.dispose]: () => web[Symbol.dispose](),
      };
    },
  };
  return await freshTokens(context, profile, wish);
}

/** The secrets of a vault that is open to read; it is opened to write when it comes to that. */
export function secretsIn(app: App, vault: Vault): TokenSecrets {
  return {
    read: async (ref) => {
      try {
        const opened = await readSecret(vault, parseSecretId(ref));
        return { value: opened.value, version: opened.version };
      } catch (error) {
        if (isPalyraError(error, "not_found")) return undefined;
        throw error;
      }
    },
    write: async (ref, value, ifVersion) => {
      const { openVaultToChange } = await import("../stores.ts");
      const { setSecret } = await import("../../vault/set_secret.ts");
      using writable = await openVaultToChange(app);
      // An older token would live on in the history.
      const kept = { ...writable, keepVersions: 1 };
      return (await setSecret(kept, parseSecretId(ref), value, { ifVersion })).version;
    },
  };
}

/** The secret of a client; `undefined` for a public one. Throws `not_found`, as text for the request. */
export async function clientSecretOf(
  secrets: TokenSecrets,
  { clientSecretRef }: OAuthCredential,
): Promise<string | undefined> {
  if (clientSecretRef === undefined) return undefined;
  const found = await secrets.read(clientSecretRef);
  using value = found?.value;
  const text = value === undefined ? undefined : decodeUtf8(value.reveal());
  if (text !== undefined) return text;
  throw new PalyraError("not_found", "Cannot refresh the token: the client's secret is not there", {
    hint: `palyra secrets set ${clientSecretRef} stores it`,
  });
}
