/** Addresses that a server names itself: which of them are asked, and which are shown to a person. */

import type { AuthorizationServer } from "oauth4webapi";
import { PalyraError } from "../errors.ts";
import { isOfThisMachine } from "../network/address_rules.ts";
import { parseEndpoint } from "./profile.ts";

const ENDPOINTS = [
  "token_endpoint",
  "device_authorization_endpoint",
  "revocation_endpoint",
] as const;

/** Throws `denied` for metadata with an endpoint that palyra would never ask, or page that nobody should open. */
export function requireSoundAddresses(server: AuthorizationServer): void {
  for (const name of ENDPOINTS) {
    const value: unknown = server[name];
    if (value !== undefined && !isEndpoint(value, server.issuer)) throw unsound(name);
  }
  const page: unknown = server.authorization_endpoint;
  if (page !== undefined) pageOf(page, server.issuer, "authorization_endpoint");
}

/**
 * The address of a page for a person's browser, in ASCII and without control characters: https, or http on
 * this machine where the server `by` is there too. Throws `denied` for any other.
 */
export function pageOf(value: unknown, by: string, name: string): string {
  const url = typeof value === "string" ? URL.parse(value) : null;
  const isSecure = url?.protocol === "https:";
  const isHere = url?.protocol === "http:" && isOfThisMachine(url) &&
    isOfThisMachine(URL.parse(by));
  const isBare = url?.username === "" && url.password === "";
  if (url === null || !isBare || !(isSecure || isHere)) throw unsound(name);
  return url.href;
}

/** A server elsewhere does not lead anybody to a service of this machine. */
function isEndpoint(value: unknown, by: string): boolean {
  try {
    const url = typeof value === "string" ? URL.parse(parseEndpoint(value)) : null;
    return url !== null && (!isOfThisMachine(url) || isOfThisMachine(URL.parse(by)));
  } catch {
    return false;
  }
}

function unsound(name: string): PalyraError {
  return new PalyraError("denied", `Cannot log in: the server's ${name} is no address to go to`, {
    hint: "It is https://, without user, query and fragment",
  });
}
