/** Addresses of servers (URLs) that requests may be sent to: HTTPS, or HTTP to this machine itself. */

import { PalyraError } from "../errors.ts";
import { isLoopback } from "./address_rules.ts";

/** Where a request goes. */
export interface Endpoint {
  readonly url: URL;
  /** Name or address, without brackets. */
  readonly host: string;
  readonly port: number;
  readonly isSecure: boolean;
}

const LONGEST = 8192;

/**
 * Throws `usage` for what is no URL, or has a user or a fragment (RFC 6749, 3.2: an endpoint has
 * none), `denied` for any scheme but HTTPS, save HTTP to a loopback address or `localhost`. No
 * message repeats the URL: its query may hold what nobody should see.
 */
export function parseEndpoint(text: string): Endpoint {
  const url = text.length <= LONGEST ? URL.parse(text) : null;
  if (url === null) throw new PalyraError("usage", "Cannot send a request: its address is no URL");
  if (url.username !== "" || url.password !== "" || text.includes("#")) {
    throw new PalyraError("usage", "Cannot send a request: its address has a user or a fragment");
  }
  const isSecure = url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (!isSecure && !(url.protocol === "http:" && (isLoopback(host) || isLocalhost(host)))) {
    throw new PalyraError("denied", "Cannot send a request: its address is not HTTPS", {
      hint: "Plain HTTP is for servers on this machine only: localhost, 127.0.0.1, [::1]",
      details: { reason: "scheme", request_may_have_arrived: false },
    });
  }
  return { url, host, port: Number(url.port || (isSecure ? "443" : "80")), isSecure };
}

/** RFC 6761, 6.3; that it leads to this machine is looked at once more when it is connected to. */
function isLocalhost(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost");
}
