/** Ranges of IP addresses, as prefix and length (CIDR, RFC 4632). */

import { PalyraError } from "../errors.ts";
import { type IpAddress, parseIpAddress } from "./ip_address.ts";

/** All addresses that begin with the first `bits` bits of `prefix`. */
export interface AddressRange {
  readonly prefix: IpAddress;
  readonly bits: number;
}

/**
 * Reads `10.0.0.0/8`, `fd00::/8`, or one address. Throws `usage` for anything else, and where bits
 * are set after the prefix: `10.1.2.3/8` is a mistake that would allow far more than it names.
 */
export function parseAddressRange(text: string): AddressRange {
  const [address, length, more] = text.split("/");
  const prefix = parseIpAddress(address!);
  const bits = length === undefined ? (prefix?.length ?? 0) * 8 : Number(length);
  const isWhole = length === undefined || /^(?:0|[1-9]\d{0,2})$/.test(length);
  if (prefix === undefined || more !== undefined || !isWhole || bits > prefix.length * 8) {
    throw new PalyraError("usage", "Cannot read a range of addresses: it is no address or prefix", {
      hint: "Write it as 10.0.0.0/8, fd00::/8 or 127.0.0.1",
    });
  }
  for (let bit = bits; bit < prefix.length * 8; bit++) {
    if (((prefix[bit >> 3]! >> (7 - (bit & 7))) & 1) === 0) continue;
    throw new PalyraError(
      "usage",
      "Cannot read a range of addresses: bits are set after its prefix",
    );
  }
  return { prefix, bits };
}

/** Whether an address is of a range. An IPv4 address is of no IPv6 range, nor the other way. */
export function isWithin(address: IpAddress, { prefix, bits }: AddressRange): boolean {
  if (address.length !== prefix.length) return false;
  const whole = bits >> 3;
  for (let at = 0; at < whole; at++) if (address[at] !== prefix[at]) return false;
  const rest = bits & 7;
  return rest === 0 || ((address[whole]! ^ prefix[whole]!) >> (8 - rest)) === 0;
}

/** Whether a range is one address and no more. */
export function isOneAddress({ prefix, bits }: AddressRange): boolean {
  return bits === prefix.length * 8;
}
