/** Connects to a server, and looks at the address that it is connected to before anything is sent. */

import { isPalyraError } from "../../errors.ts";
import type { AddressRange } from "../../network/address_range.ts";
import { addressRefusal, isLoopback } from "../../network/address_rules.ts";
import type { Endpoint } from "../../network/endpoint.ts";
import { parseIpAddress } from "../../network/ip_address.ts";
import type { WebProxy } from "../web.ts";
import { askProxy } from "./proxy_tunnel.ts";
import { classifyDialFailure, webFailure } from "./web_failures.ts";

/** Makes a TCP connection to a name or address. A test passes one that knows other names. */
export type Dial = (host: string, port: number, signal: AbortSignal) => Promise<Deno.TcpConn>;

/** The real one: looks the name up and tries its addresses of both families (RFC 8305). */
export function dialTcp(
  hostname: string,
  port: number,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname, port, signal });
}

/** What a connection is held against. */
export interface DialRules {
  readonly allow: readonly AddressRange[];
  readonly proxy: WebProxy | undefined;
  readonly dial: Dial;
}

/**
 * Connects. Throws `denied` when the address is special and not allowed, or a plain request would
 * leave this machine; `connectivity` when there is no connection. Nothing was sent by then.
 */
export async function connectChecked(
  { host, port, isSecure }: Endpoint,
  { allow, proxy, dial }: DialRules,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  if (parseIpAddress(host) !== undefined) requireAllowed(host, host, allow);
  const through = isSecure ? proxy : undefined; // plain requests stay on this machine
  const connection = await reach(host, through ?? { host, port }, dial, signal);
  try {
    if (through !== undefined) await askProxy(connection, through, host, port);
    else requireAllowed(host, connection.remoteAddr.hostname, allow);
    if (!isSecure && !isLoopback(connection.remoteAddr.hostname)) {
      throw webFailure(host, "scheme", false);
    }
    return connection;
  } catch (error) {
    connection.close();
    throw isPalyraError(error) ? error : webFailure(host, "connection", false);
  }
}

async function reach(
  host: string,
  to: { readonly host: string; readonly port: number },
  dial: Dial,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  try {
    return await dial(to.host, to.port, signal);
  } catch (error) {
    throw webFailure(host, to.host === host ? classifyDialFailure(error) : "proxy", false);
  }
}

function requireAllowed(host: string, address: string, allow: readonly AddressRange[]): void {
  const refusal = addressRefusal(address, allow);
  if (refusal === undefined) return;
  const kind = refusal.replace("_", "-");
  throw webFailure(
    host,
    "address",
    false,
    `It is at an address of the kind ${kind}; allow that address by configuration if it is meant`,
  );
}
