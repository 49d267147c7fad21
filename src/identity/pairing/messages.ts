/** Requests and decisions of a pairing: their members, and the bytes that are signed and MACed (PAIRING.md). */

import { sha256 } from "../../crypto/digest.ts";
import { encodeTranscript, type Field } from "../../crypto/transcript.ts";
import {
  bytesMember,
  DEVICE_KINDS,
  formatDocument,
  hexMember,
  idMember,
  keyMember,
  type Read,
  readDocument,
  reasonMember,
  signatureMember,
  timeMember,
  usagesMember,
  validityMember,
  wordMember,
} from "../document.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const REQUEST_KIND = "palyra.pairing.request";
const DECISION_KIND = "palyra.pairing.decision";
const MAX_CSR_BYTES = 4_096;
const MAX_CERTIFICATE_BYTES = 8_192;
const DIGEST_BYTES = 32;

/** What both documents say of the request. */
const SHARED = {
  code_id: hexMember(16),
  ca_fingerprint: hexMember(DIGEST_BYTES),
  device_id: idMember,
  device_kind: wordMember(DEVICE_KINDS),
  identity_key: keyMember,
  csr: bytesMember(1, MAX_CSR_BYTES),
  validity_s: validityMember,
  usages: usagesMember,
  nonce: bytesMember(16),
  created_at: timeMember,
  expires_at: timeMember,
};

const PROOFS = { signature: signatureMember, mac: bytesMember(DIGEST_BYTES) };

const DECIDED = {
  request_digest: hexMember(DIGEST_BYTES),
  verdict: wordMember(["approved", "rejected"]),
  reason: reasonMember,
  certificate: bytesMember(0, MAX_CERTIFICATE_BYTES),
  ca_certificate: bytesMember(1, MAX_CERTIFICATE_BYTES),
  approver_id: idMember,
  approver_key: keyMember,
  decided_at: timeMember,
};

/** What a joiner asks for. */
export type PairingAsk = Read<typeof SHARED>;

/** What an approver answers, without its proofs. */
export type PairingVerdict = PairingAsk & Read<typeof DECIDED>;

/** Signature of an identity key, and a MAC under the code's key over message and signature. */
export type Proofs = Read<typeof PROOFS>;

/** A request as it travels. */
export type PairingRequest = PairingAsk & Proofs;

/** A decision as it travels. */
export type PairingDecision = PairingVerdict & Proofs;

/** Reads a request. Throws `usage`; proves nothing yet. */
export function readRequestDocument(bytes: Uint8Array): PairingRequest {
  return readDocument(bytes, REQUEST_KIND, { ...SHARED, ...PROOFS });
}

/** The text of a request. */
export function formatRequestDocument(request: PairingRequest): string {
  return formatDocument(REQUEST_KIND, inOrder({ ...SHARED, ...PROOFS }, request));
}

/** Reads a decision. Throws `usage`; proves nothing yet. */
export function readDecisionDocument(bytes: Uint8Array): PairingDecision {
  return readDocument(bytes, DECISION_KIND, { ...SHARED, ...DECIDED, ...PROOFS });
}

/** The text of a decision. */
export function formatDecisionDocument(decision: PairingDecision): string {
  return formatDocument(DECISION_KIND, inOrder({ ...SHARED, ...DECIDED, ...PROOFS }, decision));
}

/** What a joiner signs. */
export async function requestMessage(ask: PairingAsk): Promise<Bytes> {
  return encodeTranscript([
    "palyra/v1/pairing-request",
    "to-approver",
    ...await sharedFields(ask),
  ]);
}

/** What an approver signs. */
export async function decisionMessage(verdict: PairingVerdict): Promise<Bytes> {
  return encodeTranscript([
    "palyra/v1/pairing-decision",
    "to-joiner",
    ...await sharedFields(verdict),
    Uint8Array.fromHex(verdict.request_digest),
    verdict.verdict,
    verdict.reason,
    verdict.certificate.length === 0 ? "" : await sha256(verdict.certificate),
    verdict.approver_id,
    verdict.approver_key,
    verdict.decided_at,
  ]);
}

/** What the MAC of either covers: the message, and the signature of it. */
export function proofMessage(message: Bytes, signature: Bytes): Bytes {
  return encodeTranscript([message, signature]);
}

async function sharedFields(ask: PairingAsk): Promise<Field[]> {
  return [
    Uint8Array.fromHex(ask.code_id),
    Uint8Array.fromHex(ask.ca_fingerprint),
    ask.device_id,
    ask.device_kind,
    ask.identity_key,
    await sha256(ask.csr),
    String(ask.validity_s),
    ask.usages.join(","),
    ask.nonce,
    ask.created_at,
    ask.expires_at,
  ];
}

function inOrder<M extends Readonly<Record<string, unknown>>>(
  members: M,
  values: { readonly [K in keyof M]: string | number | readonly string[] | Uint8Array },
): Record<string, string | number | readonly string[] | Uint8Array> {
  return Object.fromEntries(Object.keys(members).map((name) => [name, values[name]!]));
}
