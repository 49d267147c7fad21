/**
 * The protocol of docker-credential-helpers: one word as argument, JSON or a URL on standard input,
 * and errors on standard output. Source: github.com/docker/docker-credential-helpers, credentials/.
 */

import {
  type Address,
  formatAddress,
  parseHost,
  parseServer,
  type ServerAddress,
} from "./address.ts";
import type { Call, Credentials, Failure, Protocol, Reply } from "./protocol.ts";
import { objectOf, say, secretOf, SILENCE, textOf } from "./replies.ts";

/** Serves `store`, `get`, `erase`, `list` and `version`. */
export const docker: Protocol = { parseAddress: parseRegistry, inFull: withScheme, serve, failed };

const MAX_BYTES = 1_048_576;
/** These three are compared by docker, letter by letter. */
const NOT_FOUND = "credentials not found in native keychain\n";
const NO_URL = "no credentials server URL\n";
const NO_USERNAME = "no credentials username\n";
const USAGE = "Usage: docker-credential-palyra <store|get|erase|list|version>\n";
/** Stands for the scheme where docker names a registry without one. */
const NO_SCHEME = "registry";

async function serve(call: Call, credentials: Credentials): Promise<Reply> {
  const [operation, ...more] = call.args;
  if (more.length > 0) return say(USAGE, 1);
  switch (operation) {
    case "store":
      return await store(await call.input.all(MAX_BYTES), credentials);
    case "get":
      return await get((await call.input.all(MAX_BYTES)).trim(), credentials);
    case "erase":
      return await erase((await call.input.all(MAX_BYTES)).trim(), credentials);
    case "list":
      return await list(credentials);
    case "version":
      return say(`docker-credential-palyra ${call.version}\n`);
    default:
      return say(USAGE, 1);
  }
}

async function get(server: string, credentials: Credentials): Promise<Reply> {
  if (server === "") return say(NO_URL, 1);
  const address = parseRegistry(server);
  const found = address && await credentials.get(address);
  if (found === undefined) return say(NOT_FOUND, 1);
  if (found.username === undefined) return say(NO_USERNAME, 1);
  const { username } = found;
  const answer = { ServerURL: server, Username: username, Secret: textOf(found) };
  return say(`${JSON.stringify(answer)}\n`);
}

async function store(text: string, credentials: Credentials): Promise<Reply> {
  const { ServerURL: server, Username: username, Secret: password } = objectOf(text);
  if (typeof server !== "string" || server === "") return say(NO_URL, 1);
  if (typeof username !== "string" || username === "") return say(NO_USERNAME, 1);
  const address = parseRegistry(server);
  if (typeof password !== "string" || password === "" || address === undefined) {
    return say("palyra cannot store this credential\n", 1);
  }
  using secret = secretOf(password);
  const isKept = await credentials.put(address, { username, secret, attributes: { server } });
  // In silence docker would say "Login Succeeded", and the next pull would fail.
  return isKept
    ? SILENCE
    : say("palyra does not store it: [helper.docker] has no store_scope\n", 1);
}

async function erase(server: string, credentials: Credentials): Promise<Reply> {
  if (server === "") return say(NO_URL, 1);
  const address = parseRegistry(server);
  if (address !== undefined) await credentials.erase(address);
  return SILENCE; // docker erases several spellings of what it knows by one
}

async function list(credentials: Credentials): Promise<Reply> {
  const all = (await credentials.list()).map(({ address, username }) => [address, username]);
  return say(`${JSON.stringify(Object.fromEntries(all))}\n`);
}

/** A registry as docker names it: often without a scheme, and then that is a part of its name. */
function parseRegistry(text: string): ServerAddress | undefined {
  return parseHost(text, NO_SCHEME);
}

/** What docker names without a scheme it speaks HTTPS with, unless it was told otherwise: never HTTP. */
function withScheme(address: Address): ServerAddress | undefined {
  if (address.kind === "label" || address.scheme !== NO_SCHEME) return undefined;
  return parseServer(formatAddress({ ...address, scheme: "https" }));
}

/** Docker shows what stands on standard output. */
function failed({ message }: Failure): Reply {
  return say(`palyra: ${message}\n`, 1);
}
