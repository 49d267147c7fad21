/**
 * Cargo's credential provider protocol, version 1: palyra speaks first, then answers a line for each
 * line. Source: The Cargo Book, "Credential Provider Protocol".
 */

import { PalyraError } from "../errors.ts";
import { parseServer } from "./address.ts";
import type { Call, Credentials, Failure, Protocol, Reply } from "./protocol.ts";
import { lineOf, objectOf, say, secretOf, SILENCE } from "./replies.ts";

/** Serves `--cargo-plugin` until the end of the input. */
export const cargo: Protocol = { parseAddress: parseServer, serve, failed };

const VERSION = 1;
const MAX_LINE_BYTES = 1_048_576;

async function serve({ input, write }: Call, credentials: Credentials): Promise<Reply> {
  await write(`${JSON.stringify({ v: [VERSION] })}\n`);
  for (;;) {
    const line = await input.line(MAX_LINE_BYTES);
    if (line === undefined) return SILENCE;
    if (line.trim() !== "") await write(`${JSON.stringify(await answer(line, credentials))}\n`);
  }
}

async function answer(line: string, credentials: Credentials): Promise<unknown> {
  const { v, kind, registry, token } = objectOf(line);
  if (v !== VERSION) {
    throw new PalyraError("usage", "Cannot read the request: its version is not 1");
  }
  const { "index-url": url } = Object(registry) as { "index-url"?: unknown };
  const address = typeof url === "string" ? parseServer(url) : undefined;
  if (address === undefined) return { Err: { kind: "url-not-supported" } };
  if (kind === "get") {
    const found = await credentials.get(address);
    if (found === undefined) return { Err: { kind: "not-found" } };
    const given = { kind, token: lineOf(found), cache: "session", operation_independent: true };
    return { Ok: given };
  }
  if (kind === "login" && typeof token === "string" && token !== "") {
    using secret = secretOf(token);
    const isKept = await credentials.put(address, { username: "", secret });
    return isKept ? { Ok: { kind } } : refused("[helper.cargo] has no store_scope");
  }
  if (kind === "login") return refused("cargo login needs the token on its standard input");
  if (kind !== "logout") return { Err: { kind: "operation-not-supported" } };
  await credentials.erase(address);
  return { Ok: { kind } };
}

function refused(why: string): unknown {
  return {
    Err: { kind: "other", message: `palyra cannot store the token: ${why}`, "caused-by": [] },
  };
}

function failed({ message }: Failure): Reply {
  return say(`${JSON.stringify({ Err: { kind: "other", message, "caused-by": [] } })}\n`);
}
