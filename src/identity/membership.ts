/** What this device holds of one that has paired it: the pinned CA and approver, and its certificate. */

import { sha256Hex } from "../crypto/digest.ts";
import { decodeBase64Url, encodeBase64Url, encodeUtf8 } from "../crypto/encoding.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { type Leaf, leafIn, leafRecord } from "./leaf.ts";
import { malformed, parseRecord } from "./record.ts";
import type { IdentityStore } from "./store.ts";
import { ULID } from "./ulid.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const PREFIX = "membership-";
const WHAT = "a pinned authority";

/** A device that has paired this one. */
export interface Membership {
  /** SHA-256 of the CA's certificate, lower-case hexadecimal. */
  readonly caFingerprint: string;
  /** DER, pinned. */
  readonly caCertificate: Bytes;
  readonly approverId: string;
  /** Ed25519 public key, pinned. */
  readonly approverKey: Bytes;
  /** Milliseconds since 1970. */
  readonly pairedAt: number;
  readonly leaf: Leaf;
}

/** All memberships, in the order of their fingerprints. Throws `integrity`. */
export async function listMemberships(store: IdentityStore): Promise<Membership[]> {
  const found = await Promise.all(store.keys(PREFIX).map((key) => read(store, key)));
  return found.filter((one) => one !== undefined);
}

/** The membership under a CA; `undefined` when there is none. Throws `integrity`. */
export async function findMembership(
  store: IdentityStore,
  caFingerprint: string,
): Promise<Membership | undefined> {
  return await read(store, PREFIX + caFingerprint);
}

/** Keeps a membership in place of an earlier one. Callers hold the identity's lock. */
export async function keepMembership(store: IdentityStore, one: Membership): Promise<void> {
  const document = {
    ca_certificate: encodeBase64Url(one.caCertificate),
    approver_id: one.approverId,
    approver_key: encodeBase64Url(one.approverKey),
    paired_at: one.pairedAt,
    leaf: leafRecord(one.leaf),
  };
  using content = new SensitiveBytes(encodeUtf8(JSON.stringify(document)));
  await store.replace(PREFIX + one.caFingerprint, content);
}

async function read(store: IdentityStore, key: string): Promise<Membership | undefined> {
  using record = await store.get(key);
  if (record === undefined) return undefined;
  const { ca_certificate, approver_id, approver_key, paired_at, leaf } = parseRecord(record, WHAT);
  const caCertificate = bytesOf(ca_certificate);
  const caFingerprint = key.slice(PREFIX.length);
  const isSound = typeof approver_id === "string" && ULID.test(approver_id) &&
    typeof paired_at === "number" && typeof leaf === "object" && leaf !== null &&
    await sha256Hex(caCertificate) === caFingerprint;
  if (!isSound) throw malformed(WHAT);
  return {
    caFingerprint,
    caCertificate,
    approverId: approver_id,
    approverKey: bytesOf(approver_key),
    pairedAt: paired_at,
    leaf: leafIn({ ...leaf }, WHAT),
  };
}

function bytesOf(value: unknown): Bytes {
  const bytes = typeof value === "string" ? decodeBase64Url(value) : undefined;
  if (bytes === undefined) throw malformed(WHAT);
  return bytes;
}
