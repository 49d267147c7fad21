/**
 * The credential helpers of Bazel: a URI in, HTTP headers out. Source:
 * github.com/EngFlow/credential-helper-spec.
 */

import { PalyraError } from "../errors.ts";
import { parseServer } from "./address.ts";
import type { Call, Credential, Credentials, Protocol, Reply } from "./protocol.ts";
import { complain, lineOf, objectOf, say } from "./replies.ts";

/** Serves `get`. With a user name in the map the header is Basic, else Bearer. */
export const bazel: Protocol = { parseAddress: parseServer, serve, failed: complain };

const MAX_BYTES = 262_144;

async function serve({ args, input }: Call, credentials: Credentials): Promise<Reply> {
  if (args.length !== 1 || args[0] !== "get") {
    throw new PalyraError("usage", "Cannot give headers: the one command is get");
  }
  const { uri } = objectOf(await input.all(MAX_BYTES));
  // A query belongs to what is fetched, not to whom it is fetched from.
  const address = typeof uri === "string" ? parseServer(uri.replace(/[?#].*$/s, "")) : undefined;
  if (address === undefined) {
    throw new PalyraError("usage", "Cannot give headers: the request has no URI of a server");
  }
  const found = await credentials.get(address);
  const answer = found === undefined ? {} : { headers: { Authorization: [headerOf(found)] } };
  return say(`${JSON.stringify(answer)}\n`);
}

function headerOf(credential: Credential): string {
  const { username } = credential;
  const secret = lineOf(credential);
  if (username === undefined || username === "") return `Bearer ${secret}`;
  return `Basic ${new TextEncoder().encode(`${username}:${secret}`).toBase64()}`;
}
