/**
 * Terraform's credentials helpers: a host name as argument, JSON with a token. Source:
 * developer.hashicorp.com/terraform/internals/credentials-helpers.
 */

import { PalyraError } from "../errors.ts";
import { parseHost, type ServerAddress } from "./address.ts";
import type { Call, Credentials, Protocol, Reply } from "./protocol.ts";
import { complain, lineOf, objectOf, say, secretOf, SILENCE } from "./replies.ts";

/** Serves `get`, `store` and `forget`, each with a host name. */
export const terraform: Protocol = { parseAddress: parseHostname, serve, failed: complain };

const MAX_BYTES = 1_048_576;

async function serve({ args, input }: Call, credentials: Credentials): Promise<Reply> {
  const [operation, host] = args.slice(-2); // arguments of the configuration come before
  const address = host === undefined ? undefined : parseHostname(host);
  if (address === undefined) {
    throw new PalyraError("usage", "Cannot give a token: get, store or forget needs a host name");
  }
  if (operation === "get") {
    const found = await credentials.get(address);
    return say(`${JSON.stringify(found === undefined ? {} : { token: lineOf(found) })}\n`);
  }
  if (operation === "store") return await store(address, await input.all(MAX_BYTES), credentials);
  if (operation !== "forget") {
    throw new PalyraError(
      "usage",
      "Cannot give a token: the operation is not get, store or forget",
    );
  }
  await credentials.erase(address);
  return SILENCE;
}

async function store(
  address: ServerAddress,
  text: string,
  credentials: Credentials,
): Promise<Reply> {
  const { token, ...others } = objectOf(text);
  // The documentation asks helpers to refuse what they cannot give back.
  if (typeof token !== "string" || token === "" || Object.keys(others).length > 0) {
    throw new PalyraError("usage", "Cannot store the credentials: they are no object with a token");
  }
  using secret = secretOf(token);
  if (await credentials.put(address, { username: "", secret })) return SILENCE;
  throw new PalyraError("denied", "Cannot store the token: [helper.terraform] has no store_scope");
}

function parseHostname(text: string): ServerAddress | undefined {
  return parseHost(text, "host");
}
