/** Addresses that clients ask for: of a server, compared part by part, or a label, compared exactly. */

/** The address of a server, or what the client calls a thing. */
export type Address = ServerAddress | LabelAddress;

/** Scheme, host, port and path of a server. */
export interface ServerAddress {
  readonly kind: "server";
  /** Lower case. */
  readonly scheme: string;
  /** ASCII, lower case; an IPv6 address in brackets. */
  readonly host: string;
  /** `undefined` where the client names none and the scheme has no usual one. */
  readonly port: number | undefined;
  /** As it was given, from its first slash on; empty without one. */
  readonly path: string;
}

/** A profile, an id, a prompt: whatever the client calls what it wants. */
export interface LabelAddress {
  readonly kind: "label";
  readonly label: string;
}

/** Most characters of an address. */
export const MAX_ADDRESS_LENGTH = 4_096;

const USUAL_PORTS: Readonly<Record<string, number>> = {
  https: 443,
  http: 80,
  ssh: 22,
  ftp: 21,
  "sparse+https": 443, // cargo's own schemes
  "sparse+http": 80,
};
const PARTS =
  /^([a-z][a-z0-9+.-]{0,31}):\/\/(\[[0-9a-f:.]{2,45}\]|[a-z0-9_-](?:[a-z0-9._-]{0,251}[a-z0-9_-])?)(?::([1-9][0-9]{0,4}))?(\/.*)?$/is;
const MAX_PORT = 65_535;
/** Control characters, spaces, what would begin another part of a URL, and what some read as a slash. */
const UNFIT_PATH = /[\p{Cc}\p{Cs}\s?#\\]|%(?![0-9a-f]{2})|%(?:00|0a|0d|23|25|2e|2f|3f|5c)/iu;
/** A last label that makes the whole host an IPv4 address (URL standard, "ends in a number"). */
const NUMBER = /^(?:\d+|0x[0-9a-f]*)$/;
const OCTET = /^(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])$/;
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;

/**
 * Reads the address of a server. Nothing is normalised but letter case and the usual port: a text
 * that other programs could read in another way is none. So there is no user information, query,
 * fragment, dot segment, encoded slash, or host name outside ASCII.
 */
export function parseServer(text: string): ServerAddress | undefined {
  if (text.length > MAX_ADDRESS_LENGTH) return undefined;
  const parts = PARTS.exec(text);
  if (parts === null) return undefined;
  const [, givenScheme, givenHost, givenPort, path = ""] = parts;
  const scheme = givenScheme!.toLowerCase();
  const host = givenHost!.toLowerCase();
  if (!isPlainHost(host) || UNFIT_PATH.test(path) || DOT_SEGMENT.test(path)) return undefined;
  const port = givenPort === undefined ? USUAL_PORTS[scheme] : Number(givenPort);
  if (port !== undefined && port > MAX_PORT) return undefined;
  return { kind: "server", scheme, host, port, path };
}

/** A host that nobody normalises: `127.1` and `0x7f.0.0.1` are numbers for others, and names for none. */
function isPlainHost(host: string): boolean {
  if (host.startsWith("[")) {
    return URL.canParse(`http://${host}/`) && new URL(`http://${host}/`).hostname === host;
  }
  const labels = host.split(".");
  if (labels.includes("")) return false;
  return !NUMBER.test(labels.at(-1)!) ||
    (labels.length === 4 && labels.every((one) => OCTET.test(one)));
}

/** A server that is named with its scheme or, as some clients do, without: then `scheme` stands for it. */
export function parseHost(text: string, scheme: string): ServerAddress | undefined {
  return parseServer(text.includes("://") ? text : `${scheme}://${text}`);
}

/** A server where there is a scheme, a label otherwise. */
export function parseServerOrLabel(text: string): Address | undefined {
  return text.includes("://") ? parseServer(text) : parseLabel(text);
}

/** Reads a label: one line of text. */
export function parseLabel(text: string): LabelAddress | undefined {
  const fits = text !== "" && text.length <= MAX_ADDRESS_LENGTH && !/[\p{Cc}\p{Cs}]/u.test(text);
  return fits ? { kind: "label", label: text } : undefined;
}

/** The canonical text: equal for equal addresses, and for no others. */
export function formatAddress(address: Address): string {
  if (address.kind === "label") return `label:${address.label}`;
  const { scheme, host, port, path } = address;
  return `${scheme}://${host}${port === undefined ? "" : `:${port}`}${path}`;
}

/** Whether a rule's address covers another one: equal, or up to one `*` at the end of its path. */
export function covers(rule: Address, address: Address): boolean {
  if (rule.kind === "label" || address.kind === "label") {
    return rule.kind === "label" && address.kind === "label" && rule.label === address.label;
  }
  const sameServer = rule.scheme === address.scheme && rule.host === address.host &&
    rule.port === address.port;
  if (!sameServer) return false;
  if (!rule.path.endsWith("*")) return rule.path === address.path;
  const prefix = rule.path.slice(0, -1);
  return address.path.startsWith(prefix) || (prefix === "/" && address.path === "");
}

/** Whether `*` stands only where a rule may have it. */
export function isFitRule(address: Address): boolean {
  return address.kind === "label" || !address.path.slice(0, -1).includes("*");
}
