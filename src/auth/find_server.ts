/** What an authorization server offers: from its preset, or as it says itself (RFC 8414, OpenID Connect Discovery). */

import * as oauth from "oauth4webapi";
import { PalyraError } from "../errors.ts";
import type { WebFetch } from "../platform/web.ts";
import { asked, optionsFor, understood } from "./login_steps.ts";
import type { ServerPreset } from "./preset.ts";
import { requireSoundAddresses } from "./server_addresses.ts";

/** What a server offers: from its preset, or as it says itself. Throws `connectivity`, `denied`. */
export async function findServer(
  preset: ServerPreset,
  send: WebFetch,
): Promise<oauth.AuthorizationServer> {
  const { issuer, authorizationEndpoint, tokenEndpoint, deviceAuthorizationEndpoint } = preset;
  if (tokenEndpoint !== undefined) {
    return {
      issuer: issuer ?? new URL(tokenEndpoint).origin,
      token_endpoint: tokenEndpoint,
      token_endpoint_auth_methods_supported: ["client_secret_post"],
      ...(authorizationEndpoint === undefined
        ? {}
        : { authorization_endpoint: authorizationEndpoint }),
      ...(deviceAuthorizationEndpoint === undefined
        ? {}
        : { device_authorization_endpoint: deviceAuthorizationEndpoint }),
    };
  }
  const url = new URL(issuer!);
  for (const algorithm of ["oidc", "oauth2"] as const) {
    const response = await asked(() =>
      oauth.discoveryRequest(url, { algorithm, ...optionsFor(send) })
    );
    if (response.status !== 200 && algorithm === "oidc") continue; // then perhaps as RFC 8414 has it
    const server = await understood(() => oauth.processDiscoveryResponse(url, response));
    if (server.token_endpoint === undefined) continue;
    requireSoundAddresses(server);
    return server;
  }
  throw new PalyraError("connectivity", "Cannot log in: the server names no token endpoint");
}
