/**
 * The command line of Python's keyring, as pip and uv call it. Sources: pip's user guide,
 * "Authentication", and the sources of pip and uv.
 */

import { PalyraError } from "../errors.ts";
import { type Address, parseServerOrLabel } from "./address.ts";
import type { Call, Credentials, Protocol, Reply } from "./protocol.ts";
import { complain, lineOf, say, secretOf, SILENCE } from "./replies.ts";

/** Serves `get`, `set` and `del`, with `--mode=creds` and `--output=json` anywhere. */
export const keyring: Protocol = { parseAddress, serve, failed: complain };

const MAX_BYTES = 1_048_576;
/** What keyring says of a missing password: its status, and nothing else. */
const NOTHING: Reply = { status: 1 };

interface Options {
  readonly words: readonly string[];
  readonly wantsBoth: boolean;
  readonly isJson: boolean;
}

async function serve({ args, input }: Call, credentials: Credentials): Promise<Reply> {
  const { words, wantsBoth, isJson } = readOptions(args);
  const [operation, service, username, ...more] = words;
  const address = service === undefined ? undefined : parseAddress(service);
  if (more.length > 0 || !["get", "set", "del"].includes(operation ?? "")) {
    throw new PalyraError(
      "usage",
      "Cannot serve: only get, set and del of a service are understood",
    );
  }
  if (address === undefined) return NOTHING;
  if (operation === "get") {
    const found = await credentials.get(address, username);
    if (found === undefined || (wantsBoth && found.username === undefined)) return NOTHING;
    const name = found.username ?? "";
    const password = lineOf(found);
    if (isJson) return say(`${JSON.stringify({ username: name, password })}\n`);
    return say(wantsBoth ? `${name}\n${password}\n` : `${password}\n`);
  }
  if (username === undefined) throw new PalyraError("usage", "Cannot serve: a user name is needed");
  if (operation === "del") {
    await credentials.erase(address, { username });
    return SILENCE;
  }
  using secret = secretOf((await input.all(MAX_BYTES)).replace(/\r?\n$/, ""));
  if (secret.reveal().length === 0) {
    throw new PalyraError("usage", "Cannot store: nothing was given");
  }
  if (await credentials.put(address, { username, secret })) return SILENCE;
  throw new PalyraError("denied", "Cannot store the password: [helper.keyring] has no store_scope");
}

/**
 * pip gives the URL of an index with or without its slash at the end, which is one and the same to it;
 * both give the host alone as well, and that is a label.
 */
function parseAddress(service: string): Address | undefined {
  const address = parseServerOrLabel(service);
  if (address?.kind !== "server" || /[/*]$/.test(address.path)) return address;
  return { ...address, path: `${address.path}/` };
}

function readOptions(args: readonly string[]): Options {
  const words: string[] = [];
  let wantsBoth = false;
  let isJson = false;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    const [flag, given] = arg.split("=", 2) as [string, string?];
    if (flag !== "--mode" && flag !== "--output") {
      words.push(arg);
      continue;
    }
    const value = given ?? args[++at];
    if (flag === "--mode" && value === "creds") wantsBoth = true;
    else if (flag === "--output" && value === "json") isJson = true;
    else if (value !== "password" && value !== "plain") {
      throw new PalyraError("usage", `Cannot serve: ${flag} has a value that is not understood`);
    }
  }
  return { words, wantsBoth, isJson };
}
