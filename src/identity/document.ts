/** The documents that devices exchange: one JSON object each, with exactly the members that it must have. */

import { ED25519_SIGNATURE_BYTES, isPublicKey } from "../crypto/ed25519.ts";
import { decodeBase64Url, decodeUtf8, encodeBase64Url } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import type { Usage } from "../x509/certificate.ts";
import { ULID } from "./ulid.ts";

/** Most bytes of a document. */
export const MAX_DOCUMENT_BYTES = 65_536;

/** The version of every document. */
export const DOCUMENT_VERSION = 1;

/** Reads one member; `undefined` for what it must not be. */
export type Member<T> = (value: unknown) => T | undefined;

/** The members of a document, by name. */
export type Members = Readonly<Record<string, Member<unknown>>>;

/** What the members hold. */
export type Read<M extends Members> = {
  readonly [K in keyof M]: Exclude<ReturnType<M[K]>, undefined>;
};

/** The kinds of devices. */
export const DEVICE_KINDS = ["cli", "desktop", "node"] as const;

/** What kind of device it is: a label for people, which grants nothing. */
export type DeviceKind = typeof DEVICE_KINDS[number];

/** Bounds of what a device may ask for, in seconds: an hour, and 397 days. */
export const VALIDITY_BOUNDS_S = [3_600, 397 * 86_400] as const;

/** Most characters of a reason. */
export const MAX_REASON = 240;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/**
 * Reads a document of a kind. Throws `usage` for any other one, another version, a member that is
 * missing, unknown or not as palyra writes it; and quotes nothing of it.
 */
export function readDocument<const M extends Members>(
  bytes: Uint8Array,
  kind: string,
  members: M,
): Read<M> {
  if (bytes.length > MAX_DOCUMENT_BYTES) throw unreadable(kind, "it is too long");
  const found = parse(bytes);
  if (found === undefined) throw unreadable(kind, "it is no plain JSON object");
  if (found["kind"] !== kind) throw unreadable(kind, "it is another kind of document");
  if (found["version"] !== DOCUMENT_VERSION) {
    throw unreadable(kind, "it is of another version: both sides need the same palyra");
  }
  const names = Object.keys(members);
  const known = new Set(["kind", "version", ...names]);
  if (Object.keys(found).length !== known.size) throw unreadable(kind, "it has other members");
  const read = names.map((name) => {
    const value = Object.hasOwn(found, name) ? members[name]!(found[name]) : undefined;
    if (value === undefined) throw unreadable(kind, `its ${name} is not as palyra writes it`);
    return [name, value] as const;
  });
  return Object.fromEntries(read) as Read<M>;
}

/** The text of a document: one line, bytes as base64url. */
export function formatDocument(
  kind: string,
  members: Readonly<Record<string, string | number | readonly string[] | Uint8Array>>,
): string {
  const entries = Object.entries(members).map(([name, value]) =>
    [name, value instanceof Uint8Array ? encodeBase64Url(value) : value] as const
  );
  return JSON.stringify({ kind, version: DOCUMENT_VERSION, ...Object.fromEntries(entries) });
}

/** Bytes as base64url, of a length or between two. */
export function bytesMember(least: number, most = least): Member<Uint8Array<ArrayBuffer>> {
  return (value) => {
    const bytes = typeof value === "string" ? decodeBase64Url(value) : undefined;
    return bytes !== undefined && bytes.length >= least && bytes.length <= most ? bytes : undefined;
  };
}

/** Lower-case hexadecimal of so many bytes. */
export function hexMember(length: number): Member<string> {
  const form = new RegExp(`^[0-9a-f]{${length * 2}}$`);
  return (value) => typeof value === "string" && form.test(value) ? value : undefined;
}

/** One of some words. */
export function wordMember<const W extends string>(words: readonly W[]): Member<W> {
  return (value) => words.find((word) => word === value);
}

/** A ULID. */
export const idMember: Member<string> = (value) =>
  typeof value === "string" && ULID.test(value) ? value : undefined;

/** An Ed25519 public key. */
export const keyMember: Member<Uint8Array<ArrayBuffer>> = (value) => {
  const bytes = bytesMember(32)(value);
  return bytes !== undefined && isPublicKey(bytes) ? bytes : undefined;
};

/** An Ed25519 signature. */
export const signatureMember: Member<Uint8Array<ArrayBuffer>> = bytesMember(
  ED25519_SIGNATURE_BYTES,
);

/** A time as palyra writes it. */
export const timeMember: Member<string> = (value) => {
  if (typeof value !== "string" || !TIME.test(value)) return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) || new Date(ms).toISOString() !== value ? undefined : value;
};

/** A validity that is asked for, in seconds. */
export const validityMember: Member<number> = (value) => {
  const [least, most] = VALIDITY_BOUNDS_S;
  return typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most
    ? value
    : undefined;
};

/** What a certificate is asked for: each once, in this order. */
export const usagesMember: Member<readonly Usage[]> = (value) => {
  const all: readonly Usage[] = ["clientAuth", "serverAuth"];
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const usages = all.filter((usage) => value.includes(usage));
  return usages.length === value.length && usages.every((usage, at) => value[at] === usage)
    ? usages
    : undefined;
};

/** A reason that somebody gave: one line without control characters, or nothing. */
export const reasonMember: Member<string> = (value) =>
  typeof value === "string" && isReason(value) ? value : undefined;

/** Whether a text can be a reason. */
export function isReason(text: string): boolean {
  // deno-lint-ignore no-control-regex -- these are what is refused
  return text.length <= MAX_REASON && !/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text) &&
    text.isWellFormed();
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const text = decodeUtf8(bytes) ?? "";
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject && namesIn(text) === Object.keys(value).length
      ? value as Readonly<Record<string, unknown>>
      : undefined;
  } catch { // its message quotes the text
    return undefined;
  }
}

/** How many names of members a JSON text holds: a name that stands twice is two things to two readers. */
function namesIn(text: string): number {
  const strings = text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g);
  return [...strings].filter(([, colon]) => colon !== undefined).length;
}

function unreadable(kind: string, why: string): PalyraError {
  return new PalyraError("usage", `Cannot read the document (${kind}): ${why}`);
}
