/**
 * Git's credential helper protocol: attributes as `key=value` lines. Source: git-credential(1),
 * "INPUT/OUTPUT FORMAT", and gitcredentials(7), "CUSTOM HELPERS".
 */

import { PalyraError } from "../errors.ts";
import { type Address, parseServer } from "./address.ts";
import type { Call, Credential, Credentials, Failure, Protocol, Reply } from "./protocol.ts";
import { complain, lineOf, say, secretOf, SILENCE } from "./replies.ts";

/** Serves `get`, `store` and `erase`; what is not there is not mentioned, as git wants it. */
export const git: Protocol = { parseAddress: parseServer, serve, failed };

const MAX_LINE_BYTES = 65_535;
const MAX_LINES = 1_000;
/** What is kept beside user name and password, and given back. */
const KEPT: readonly string[] = ["password_expiry_utc", "oauth_refresh_token"];

type Attributes = ReadonlyMap<string, string>;

async function serve(call: Call, credentials: Credentials): Promise<Reply> {
  const operation = call.args.at(-1);
  // Read in any case: git does not like a helper that goes while it is spoken to.
  const attributes = await readAttributes(call);
  const address = addressOf(attributes);
  if (address === undefined) return SILENCE;
  if (operation === "get") return await get(call, credentials, address, attributes);
  if (operation === "store") await store(credentials, address, attributes);
  if (operation === "erase") {
    const [username, secret] = [attributes.get("username"), attributes.get("password")];
    await credentials.erase(address, { username, secret });
  }
  return SILENCE;
}

async function get(
  { now }: Call,
  credentials: Credentials,
  address: Address,
  attributes: Attributes,
): Promise<Reply> {
  const found = await credentials.get(address, attributes.get("username"));
  if (found === undefined || hasExpired(found, now())) return SILENCE;
  const { username, attributes: kept = {} } = found;
  const lines = [
    ...(username === undefined ? [] : [`username=${username}`]),
    `password=${lineOf(found)}`,
    ...KEPT.flatMap((key) => Object.hasOwn(kept, key) ? [`${key}=${kept[key]}`] : []),
  ];
  return say(`${lines.join("\n")}\n`);
}

async function store(
  credentials: Credentials,
  address: Address,
  attributes: Attributes,
): Promise<void> {
  const [username, password] = [attributes.get("username"), attributes.get("password")];
  if (username === undefined || !password || attributes.get("ephemeral") === "1") return;
  using secret = secretOf(password);
  const kept = KEPT.flatMap((key) => attributes.has(key) ? [[key, attributes.get(key)!]] : []);
  await credentials.put(address, { username, secret, attributes: Object.fromEntries(kept) });
}

function hasExpired({ attributes }: Credential, now: number): boolean {
  const at = attributes?.["password_expiry_utc"];
  return at !== undefined && /^\d{1,12}$/.test(at) && Number(at) * 1_000 <= now;
}

/** Lines up to an empty one or the end. Throws `usage` for what is no attribute. */
async function readAttributes({ input }: Call): Promise<Attributes> {
  const attributes = new Map<string, string>();
  for (let count = 0; count < MAX_LINES; count++) {
    const line = await input.line(MAX_LINE_BYTES);
    if (line === undefined || line === "") return attributes;
    const equals = line.indexOf("=");
    if (equals < 1) throw new PalyraError("usage", "Cannot read the request: a line has no key");
    attributes.set(line.slice(0, equals), line.slice(equals + 1));
  }
  throw new PalyraError("usage", `Cannot read the request: more than ${MAX_LINES} lines`);
}

/** `host` holds the port as well; `path` is there only with `credential.useHttpPath`. */
function addressOf(attributes: Attributes): Address | undefined {
  const [scheme, host, path] = ["protocol", "host", "path"].map((key) => attributes.get(key));
  // A slash here would move into the path what git takes for a host.
  if (!scheme || !host || /[/:]/.test(scheme) || host.includes("/")) return undefined;
  const rest = path === undefined || path === "" ? "" : `/${path}`;
  return parseServer(`${scheme}://${host}${rest}`);
}

/** Standard output stays empty: git goes on to its next helper, and shows what is on standard error. */
function failed(failure: Failure): Reply {
  return { ...complain(failure), status: 1 };
}
