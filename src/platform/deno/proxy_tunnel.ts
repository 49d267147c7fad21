/** A connection to a server through the HTTP proxy that the user configured (RFC 9110, 9.3.6). */

import { webFailure } from "./web_failures.ts";
import type { WebProxy } from "../web.ts";
import { writeAll } from "./socks_greeting.ts";

const LONGEST_HEAD = 8192;

/**
 * Asks a proxy, on a fresh connection to it, to connect to a server. Credentials go to the proxy
 * alone. Throws `connectivity` when it does not; the connection is the caller's to close.
 */
export async function askProxy(
  connection: Deno.Conn,
  { credentials }: WebProxy,
  host: string,
  port: number,
): Promise<void> {
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const authorization = credentials === undefined
    ? ""
    : `Proxy-Authorization: Basic ${credentials.toBase64()}\r\n`;
  const head = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`;
  await writeAll(connection, new TextEncoder().encode(head));
  const answer = await readHead(connection);
  if (!/^HTTP\/1\.[01] 2\d\d(?: |\r)/.test(answer ?? "")) {
    const hint = /^HTTP\/1\.[01] 407/.test(answer ?? "")
      ? "The proxy asks for other credentials"
      : undefined;
    throw webFailure(host, "proxy", false, hint);
  }
}

/** The head of an answer; `undefined` when it does not end, or more than a head came. */
async function readHead(connection: Deno.Conn): Promise<string | undefined> {
  const bytes = new Uint8Array(LONGEST_HEAD);
  for (let length = 0; length < LONGEST_HEAD;) {
    const read = await connection.read(bytes.subarray(length));
    if (read === null) return undefined;
    length += read;
    const text = new TextDecoder("latin1").decode(bytes.subarray(0, length));
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0) return end + 4 === length ? text : undefined; // the client of TLS speaks first
  }
  return undefined;
}
