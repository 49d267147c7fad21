/** IP addresses as text and as bytes; strict, so that no second spelling of an address passes a rule. */

/** An address in network byte order: 4 bytes for IPv4, 16 for IPv6. */
export type IpAddress = Uint8Array<ArrayBuffer>;

const OCTET = /^(?:0|[1-9]\d{0,2})$/;
const GROUP = /^[0-9A-Fa-f]{1,4}$/;

/**
 * The address that a text is; `undefined` when it is none. IPv4 is four decimal numbers without
 * leading zeros (RFC 6943, 3.1.1); IPv6 is RFC 4291, 2.2, without a zone: what has a zone belongs
 * to one link, and is nothing that a rule could be about.
 */
export function parseIpAddress(text: string): IpAddress | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** The IPv4 address within an IPv4-mapped one (`::ffff:a.b.c.d`); every other address as it is. */
export function unmapped(address: IpAddress): IpAddress {
  const isMapped = address.length === 16 && address.subarray(0, 10).every((byte) => byte === 0) &&
    address[10] === 0xff && address[11] === 0xff;
  return isMapped ? address.slice(12) : address;
}

function parseIpv4(text: string): IpAddress | undefined {
  const octets = text.split(".");
  if (octets.length !== 4 || !octets.every((octet) => OCTET.test(octet) && Number(octet) < 256)) {
    return undefined;
  }
  return Uint8Array.from(octets, Number);
}

function parseIpv6(text: string): IpAddress | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [before, after] = halves.map((half, at) => groupsOf(half, at === halves.length - 1));
  if (before === undefined) return undefined;
  if (halves.length === 1) return before.length === 16 ? Uint8Array.from(before) : undefined;
  if (after === undefined || before.length + after.length > 14) return undefined; // "::" is a group
  const whole = new Uint8Array(16);
  whole.set(before);
  whole.set(after, 16 - after.length);
  return whole;
}

/** The bytes of groups between colons; `undefined` when one is none. The last may be an IPv4 address. */
function groupsOf(text: string, isEnd: boolean): number[] | undefined {
  const bytes: number[] = [];
  const groups = text === "" ? [] : text.split(":");
  for (const [at, group] of groups.entries()) {
    const embedded = isEnd && at === groups.length - 1 ? parseIpv4(group) : undefined;
    if (embedded !== undefined) bytes.push(...embedded);
    else if (GROUP.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else return undefined;
  }
  return bytes;
}
