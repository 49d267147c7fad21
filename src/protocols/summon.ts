/**
 * A provider of Summon: a path as argument, or a stream of paths with a base64 line for each. Source:
 * github.com/cyberark/summon, "Providers".
 */

import { PalyraError } from "../errors.ts";
import { parseLabel } from "./address.ts";
import type { Call, Credential, Credentials, Failure, Protocol, Reply } from "./protocol.ts";
import { complain, giveValue, nothingFor, say, SILENCE } from "./replies.ts";

/** Serves `PATH`, or without an argument the paths of standard input, one a line. */
export const summon: Protocol = { parseAddress: parseLabel, serve, failed };

const MAX_LINE_BYTES = 4_096;

async function serve(call: Call, credentials: Credentials): Promise<Reply> {
  const { args, version } = call;
  if (args.length === 0) return await stream(call, credentials);
  const [path, ...more] = args as [string, ...string[]];
  if (path === "-V" || path === "--version") return say(`palyra ${version}\n`);
  if (more.length > 0) throw new PalyraError("usage", "Cannot give a value: one path is needed");
  const found = await find(path, credentials);
  if (found === undefined) return nothingFor("this path");
  return giveValue(found);
}

async function stream({ input, write }: Call, credentials: Credentials): Promise<Reply> {
  for (;;) {
    const line = await input.line(MAX_LINE_BYTES);
    if (line === undefined) return SILENCE;
    // No path ends in CR; where summon runs on Windows, lines may.
    const found = await find(line.replace(/\r$/, ""), credentials);
    // A line that is missing would give each later path the value of the one after it.
    if (found === undefined) return nothingFor("a path");
    await write(`${found.secret.reveal().toBase64()}\n`);
  }
}

async function find(path: string, credentials: Credentials): Promise<Credential | undefined> {
  const address = parseLabel(path);
  return address && await credentials.get(address);
}

function failed(failure: Failure): Reply {
  return complain(failure);
}
