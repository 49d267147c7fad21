/**
 * What an address is for, where it is not an ordinary one of the public Internet.
 *
 * Sources: the IANA registries of special-purpose addresses for IPv4 and IPv6 (RFC 6890, RFC 8190),
 * of multicast and of the IPv6 address space. Blocks that IANA calls globally reachable, yet which
 * hold no server that anybody logs in to (AS112, AMT, the anycast addresses of 192.0.0.0/24), are
 * taken for special as well.
 */

import { type AddressRange, isWithin, parseAddressRange } from "./address_range.ts";
import { type IpAddress, unmapped } from "./ip_address.ts";

/** The kinds of special addresses. */
export type SpecialUse =
  | "unspecified"
  | "loopback"
  | "private"
  | "shared"
  | "link_local"
  | "metadata"
  | "multicast"
  | "documentation"
  | "benchmarking"
  | "protocol"
  | "transition"
  | "reserved";

/** The first that holds counts: metadata services lie within wider ranges, or are public. */
const RANGES: readonly (readonly [SpecialUse, readonly string[]])[] = [
  // The services that hand credentials of a machine to whoever asks from it.
  ["metadata", [
    "169.254.169.254", // AWS, Azure, Google, DigitalOcean, Oracle and most others
    "169.254.169.253", // AWS: DNS
    "169.254.170.2", // AWS: credentials of containers
    "169.254.170.23", // AWS: credentials of pods
    "168.63.129.16", // Azure: wire server; lies in public space
    "100.100.100.200", // Alibaba
    "192.0.0.192", // Oracle, classic
    "fd00:ec2::254", // AWS
    "fd00:ec2::253", // AWS: DNS
    "fd00:ec2::23", // AWS: credentials of pods
    "fd20:ce::254", // Google
  ]],
  ["unspecified", ["0.0.0.0/8", "::/128"]], // RFC 791: "this network"; Linux takes it for itself
  ["loopback", ["127.0.0.0/8", "::1/128"]],
  ["private", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"]],
  ["shared", ["100.64.0.0/10"]], // RFC 6598: carriers, and overlay networks
  ["link_local", ["169.254.0.0/16", "fe80::/10"]],
  ["multicast", ["224.0.0.0/4", "ff00::/8"]],
  ["documentation", [
    ...["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"],
    ...["2001:db8::/32", "3fff::/20"],
  ]],
  ["benchmarking", ["198.18.0.0/15", "2001:2::/48"]],
  ["transition", [
    "192.88.99.0/24", // 6to4 relays
    "64:ff9b:1::/48", // NAT64 within one network
    "2001::/32", // Teredo
    "2002::/16", // 6to4: any IPv4 address may be within
    "::/96", // IPv4-compatible
    "::ffff:0:0:0/96", // SIIT
  ]],
  ["protocol", [
    "192.0.0.0/24",
    "192.31.196.0/24", // AS112
    "192.52.193.0/24", // AMT
    "192.175.48.0/24", // AS112
    "2001::/23",
    "2620:4f:8000::/48", // AS112
    "100::/64", // discarded
    "100:0:0:1::/64", // dummy prefix
    "5f00::/16", // segment routing
  ]],
  ["reserved", ["240.0.0.0/4"]],
];

const PARSED: readonly (readonly [SpecialUse, readonly AddressRange[]])[] = RANGES.map(
  ([use, ranges]) => [use, ranges.map(parseAddressRange)],
);
const GLOBAL_UNICAST = parseAddressRange("2000::/3");
/** RFC 6052: an IPv4 address of the public Internet, seen through the translator of a network. */
const NAT64 = parseAddressRange("64:ff9b::/96");

/** What an address is for; `undefined` for ordinary public ones. What nobody has assigned is reserved. */
export function specialUseOf(address: IpAddress): SpecialUse | undefined {
  const own = unmapped(address);
  if (isWithin(own, NAT64)) return specialUseOf(own.slice(12));
  for (const [use, ranges] of PARSED) {
    if (ranges.some((range) => isWithin(own, range))) return use;
  }
  return own.length === 4 || isWithin(own, GLOBAL_UNICAST) ? undefined : "reserved";
}
