/**
 * A real authorization server on this machine, for logins: `authorization_server.ts ACCESS_TTL`, with the
 * seconds that access tokens live. Prints its issuer, then a line for every token request.
 */

import { createServer } from "node:http";
import process from "node:process";

const LIBRARY: string = "oidc-provider"; // it has a lock file of its own: it is no library of palyra
const { default: Provider } = await import(LIBRARY);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const ttl = Number(process.argv[2] ?? "3600");
const server = createServer();
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as { port: number };
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [{
    client_id: "public",
    token_endpoint_auth_method: "none",
    application_type: "native",
    grant_types: [
      "authorization_code",
      "refresh_token",
      "urn:ietf:params:oauth:grant-type:device_code",
    ],
    redirect_uris: ["http://127.0.0.1/callback"],
    response_types: ["code"],
  }, {
    client_id: "secretive",
    client_secret: "client-secret-of-the-test",
    token_endpoint_auth_method: "client_secret_post",
    application_type: "native",
    grant_types: ["authorization_code", "refresh_token"],
    redirect_uris: ["http://127.0.0.1/callback"],
    response_types: ["code"],
  }],
  cookies: { keys: ["a key of a test"] },
  features: {
    deviceFlow: { enabled: true },
    revocation: { enabled: true },
    devInteractions: { enabled: true },
  },
  pkce: { required: () => true },
  rotateRefreshToken: () => true,
  issueRefreshToken: (_context: unknown, client: { grantTypeAllowed(type: string): boolean }) =>
    client.grantTypeAllowed("refresh_token"),
  ttl: { AccessToken: ttl, RefreshToken: 86_400, DeviceCode: 600, AuthorizationCode: 60 },
  findAccount: (_context: unknown, id: string) => ({
    accountId: id,
    claims: () => ({ sub: id }),
  }),
});
const handle = provider.callback();
server.on("request", (request, response) => {
  if (request.url?.startsWith("/token")) {
    response.on("finish", () => say(`token ${response.statusCode}`));
  }
  handle(request, response);
});
provider.on("grant.revoked", () => say("grant revoked"));
say(issuer);
