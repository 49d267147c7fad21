/** Renewals at the device: a request for its next certificate, and the answer that comes back. */

import { sha256Hex } from "../../crypto/digest.ts";
import { isSigned } from "../../crypto/ed25519.ts";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { equalBytes } from "../../crypto/equal_bytes.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import type { Usage } from "../../x509/certificate.ts";
import { requireDevice } from "../device.ts";
import { lockIdentity } from "../identity.ts";
import { type LeafKey, leafKeyOf, newLeafKey, provenLeaf } from "../leaf.ts";
import { findMembership, keepMembership, type Membership } from "../membership.ts";
import { malformed, parseRecord } from "../record.ts";
import type { JoinContext } from "../pairing/joining.ts";
import { signAsDevice } from "../signing.ts";
import type { IdentityStore } from "../store.ts";
import {
  formatRenewalRequest,
  readRenewalAnswer,
  readRenewalRequest,
  type RenewalAnswer,
  type RenewalAsk,
  renewalMessage,
  replyMessage,
} from "./messages.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const PREFIX = "renewal-";
const WHAT = "a renewal request";
const NONCE_BYTES = 16;
/** So long the same request is given again; after it a new one with a new key. */
const REPEATED_MS = 86_400_000;

/** What is asked for. */
export interface RenewalWish {
  readonly validityS: number;
  readonly usages: readonly Usage[];
  /** A certificate request for a key that the user keeps elsewhere (DER). */
  readonly ownRequest?: Bytes | undefined;
}

/** A request that waits for its answer. */
interface WaitingRenewal {
  readonly key: LeafKey;
  readonly ask: RenewalAsk;
  readonly document: string;
  readonly digest: string;
}

/**
 * Makes a request for the next certificate of a membership; for a day the same one again. Its document,
 * and whether it was made now.
 */
export async function makeRenewalRequest(
  context: JoinContext,
  membership: Membership,
  wish: RenewalWish,
): Promise<{ readonly document: string; readonly changed: boolean }> {
  const { platform, directory, store } = context;
  using _lock = await lockIdentity(platform, directory);
  const now = platform.clock.now();
  const earlier = await findWaiting(store, membership.caFingerprint);
  if (earlier !== undefined && isSame(earlier, wish, now)) {
    return { document: earlier.document, changed: false };
  }
  const device = await requireDevice(store);
  const { key, csr } = await newLeafKey(device.deviceId, wish.ownRequest);
  const ask: RenewalAsk = {
    ca_fingerprint: membership.caFingerprint,
    device_id: device.deviceId,
    identity_key: device.publicKey,
    csr,
    validity_s: wish.validityS,
    usages: wish.usages,
    nonce: platform.random.bytes(NONCE_BYTES),
    created_at: new Date(now).toISOString(),
  };
  const signature = await signAsDevice(store, await renewalMessage(ask));
  const document = formatRenewalRequest({ ...ask, signature });
  using content = new SensitiveBytes(encodeUtf8(JSON.stringify({ document, key })));
  await store.replace(PREFIX + membership.caFingerprint, content);
  return { document, changed: true };
}

/**
 * Proves an answer and keeps its certificate. `changed` is false for one that is kept already. Throws
 * `not_found` when no request waits for it, `denied` when it is not what it must be.
 */
export async function acceptRenewal(
  context: JoinContext,
  document: Bytes,
): Promise<{ readonly membership: Membership; readonly changed: boolean }> {
  const answer = readRenewalAnswer(document);
  const { platform, directory, store } = context;
  using _lock = await lockIdentity(platform, directory);
  const membership = await findMembership(store, answer.ca_fingerprint);
  if (membership === undefined) throw notAsked("this device is not paired with who made it");
  await requireProven(answer, membership);
  const waiting = await findWaiting(store, answer.ca_fingerprint);
  const isWaited = waiting?.digest === answer.request_digest;
  if (equalBytes(membership.leaf.certificate, answer.certificate)) {
    if (isWaited) endWaitingRenewal(store, answer.ca_fingerprint); // a crash came before that
    return { membership, changed: false };
  }
  if (!isWaited) throw notAsked("no request waits for it");
  const { ask, key } = waiting;
  const leaf = await provenLeaf({
    certificate: answer.certificate,
    key,
    csr: ask.csr,
    usages: ask.usages,
    deviceId: ask.device_id,
    authority: membership.caCertificate,
    now: platform.clock.now(),
  });
  const renewed = { ...membership, leaf };
  await keepMembership(store, renewed);
  endWaitingRenewal(store, answer.ca_fingerprint);
  return { membership: renewed, changed: true };
}

/** Drops the request that waits for an answer of this CA, with its key. Under the identity's lock. */
export function endWaitingRenewal(store: IdentityStore, caFingerprint: string): void {
  store.remove(PREFIX + caFingerprint);
}

/** Only the approver that was pinned at the pairing may answer. */
async function requireProven(answer: RenewalAnswer, membership: Membership): Promise<void> {
  const isPinned = answer.approver_id === membership.approverId &&
    equalBytes(answer.approver_key, membership.approverKey);
  const message = await replyMessage(answer);
  if (isPinned && await isSigned(membership.approverKey, answer.signature, message)) return;
  throw new PalyraError(
    "denied",
    "Cannot accept the answer: the approver that this device was paired by has not signed it",
  );
}

async function findWaiting(
  store: IdentityStore,
  caFingerprint: string,
): Promise<WaitingRenewal | undefined> {
  using record = await store.get(PREFIX + caFingerprint);
  if (record === undefined) return undefined;
  const { document, key } = parseRecord(record, WHAT);
  if (typeof document !== "string") throw malformed(WHAT);
  const ask = readRenewalRequest(encodeUtf8(document));
  if (ask.ca_fingerprint !== caFingerprint) throw malformed(WHAT);
  const digest = await sha256Hex(await renewalMessage(ask));
  return { key: leafKeyOf(key, WHAT), ask, document, digest };
}

function isSame({ ask }: WaitingRenewal, wish: RenewalWish, now: number): boolean {
  const age = now - Date.parse(ask.created_at);
  return age >= 0 && age < REPEATED_MS && ask.validity_s === wish.validityS &&
    ask.usages.join() === wish.usages.join() &&
    (wish.ownRequest === undefined || equalBytes(ask.csr, wish.ownRequest));
}

function notAsked(why: string): PalyraError {
  return new PalyraError("not_found", `Cannot accept the answer: ${why}`, {
    hint: "palyra identity csr makes a request; the answer belongs to the device that asked",
  });
}
