/** Which addresses may be connected to: public ones, and special ones that were allowed by name. */

import { type AddressRange, isOneAddress, isWithin } from "./address_range.ts";
import { parseIpAddress, unmapped } from "./ip_address.ts";
import { type SpecialUse, specialUseOf } from "./special_ranges.ts";

/** Why an address is refused. */
export type AddressRefusal = SpecialUse | "unreadable";

/**
 * Why an address may not be connected to; `undefined` when it may. A metadata service is allowed
 * by its very address only: who allows a whole network does not mean the credentials of the machine.
 */
export function addressRefusal(
  text: string,
  allowed: readonly AddressRange[],
): AddressRefusal | undefined {
  const address = parseIpAddress(text);
  if (address === undefined) return "unreadable";
  const use = specialUseOf(address);
  if (use === undefined) return undefined;
  const own = unmapped(address);
  const isAllowed = allowed.some((range) =>
    isWithin(own, range) && (use !== "metadata" || isOneAddress(range))
  );
  return isAllowed ? undefined : use;
}

/** Whether a text is an address of this machine itself. */
export function isLoopback(text: string): boolean {
  const address = parseIpAddress(text);
  return address !== undefined && specialUseOf(address) === "loopback";
}

/** Whether a URL leads to this machine by its name `localhost` or by an address. */
export function isOfThisMachine(url: URL | null): boolean {
  const host = url?.hostname.replace(/^\[|\]$/g, "") ?? "";
  return host === "localhost" || isLoopback(host);
}
