/** Requests for a new certificate and their answers: members, and the bytes that are signed (PAIRING.md). */

import { sha256 } from "../../crypto/digest.ts";
import { encodeTranscript, type Field } from "../../crypto/transcript.ts";
import {
  bytesMember,
  formatDocument,
  hexMember,
  idMember,
  keyMember,
  type Read,
  readDocument,
  signatureMember,
  timeMember,
  usagesMember,
  validityMember,
} from "../document.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const REQUEST_KIND = "palyra.renewal.request";
const ANSWER_KIND = "palyra.renewal.answer";
const DIGEST_BYTES = 32;

const ASKED = {
  ca_fingerprint: hexMember(DIGEST_BYTES),
  device_id: idMember,
  identity_key: keyMember,
  csr: bytesMember(1, 4_096),
  validity_s: validityMember,
  usages: usagesMember,
  nonce: bytesMember(16),
  created_at: timeMember,
};

const ANSWERED = {
  ca_fingerprint: hexMember(DIGEST_BYTES),
  device_id: idMember,
  request_digest: hexMember(DIGEST_BYTES),
  certificate: bytesMember(1, 8_192),
  approver_id: idMember,
  approver_key: keyMember,
  answered_at: timeMember,
};

const SIGNED = { signature: signatureMember };

/** What a paired device asks for. */
export type RenewalAsk = Read<typeof ASKED>;

/** The same, signed by its identity key. */
export type RenewalRequest = RenewalAsk & Read<typeof SIGNED>;

/** What the authority says to it. */
export type RenewalReply = Read<typeof ANSWERED>;

/** The same, signed by the approver's identity key. */
export type RenewalAnswer = RenewalReply & Read<typeof SIGNED>;

/** Reads a request. Throws `usage`; proves nothing yet. */
export function readRenewalRequest(bytes: Uint8Array): RenewalRequest {
  return readDocument(bytes, REQUEST_KIND, { ...ASKED, ...SIGNED });
}

/** The text of a request. */
export function formatRenewalRequest(request: RenewalRequest): string {
  return formatDocument(REQUEST_KIND, { ...request });
}

/** Reads an answer. Throws `usage`; proves nothing yet. */
export function readRenewalAnswer(bytes: Uint8Array): RenewalAnswer {
  return readDocument(bytes, ANSWER_KIND, { ...ANSWERED, ...SIGNED });
}

/** The text of an answer. */
export function formatRenewalAnswer(answer: RenewalAnswer): string {
  return formatDocument(ANSWER_KIND, { ...answer });
}

/** What a device signs. */
export async function renewalMessage(ask: RenewalAsk): Promise<Bytes> {
  const fields: Field[] = [
    "palyra/v1/renewal-request",
    "to-approver",
    Uint8Array.fromHex(ask.ca_fingerprint),
    ask.device_id,
    ask.identity_key,
    await sha256(ask.csr),
    String(ask.validity_s),
    ask.usages.join(","),
    ask.nonce,
    ask.created_at,
  ];
  return encodeTranscript(fields);
}

/** What an approver signs. */
export async function replyMessage(reply: RenewalReply): Promise<Bytes> {
  const fields: Field[] = [
    "palyra/v1/renewal-answer",
    "to-device",
    Uint8Array.fromHex(reply.ca_fingerprint),
    reply.device_id,
    Uint8Array.fromHex(reply.request_digest),
    await sha256(reply.certificate),
    reply.approver_id,
    reply.approver_key,
    reply.answered_at,
  ];
  return encodeTranscript(fields);
}
