/** The end of a pairing at the joiner: the decision is proven, then CA and approver are pinned. */

import { sha256Hex } from "../../crypto/digest.ts";
import { isSigned } from "../../crypto/ed25519.ts";
import { equalBytes } from "../../crypto/equal_bytes.ts";
import { PalyraError } from "../../errors.ts";
import { lockIdentity } from "../identity.ts";
import { provenLeaf } from "../leaf.ts";
import { findMembership, type Membership } from "../membership.ts";
import { endWaitingRenewal } from "../renewal/asking.ts";
import { endWaiting, findWaiting, type JoinContext, type WaitingRequest } from "./joining.ts";
import { decisionMessage, type PairingDecision, readDecisionDocument } from "./messages.ts";
import { hasMac } from "./requests.ts";

/** How a pairing has ended. */
export interface Completion {
  /** `undefined` when the request was rejected. */
  readonly membership: Membership | undefined;
  readonly reason: string;
  readonly approverId: string;
  readonly changed: boolean;
}

/**
 * Proves a decision and acts on it: pins CA and approver, or drops the request. Throws `not_found` when
 * no request waits for it, `denied` when any part of it is not what it must be; then the request goes on
 * waiting.
 */
export async function completePairing(
  context: JoinContext,
  document: Uint8Array<ArrayBuffer>,
): Promise<Completion> {
  const decision = readDecisionDocument(document);
  const { platform, directory, store } = context;
  using _lock = await lockIdentity(platform, directory);
  using waiting = await findWaiting(store, decision.code_id);
  if (waiting === undefined) return await completedBefore(context, decision);
  await requireProven(decision, waiting);
  await requireSameApprover(context, decision);
  const { reason, approver_id: approverId, code_id: codeId } = decision;
  const membership = decision.verdict === "approved"
    ? await membershipOf(context, decision, waiting)
    : undefined;
  await endWaiting(context, codeId, membership);
  // What was asked for under an earlier pairing is answered no more.
  if (membership !== undefined) endWaitingRenewal(store, membership.caFingerprint);
  return { membership, reason, approverId, changed: true };
}

async function requireProven(decision: PairingDecision, waiting: WaitingRequest): Promise<void> {
  const { ask } = waiting;
  const message = await decisionMessage(decision);
  if (!await hasMac(waiting.macKey, message, decision)) {
    throw refused("who made it does not know the code");
  }
  if (decision.request_digest !== waiting.digest) throw refused("it is about another request");
  if (decision.device_id !== ask.device_id) throw refused("it is for another device");
  if (!await isSigned(decision.approver_key, decision.signature, message)) {
    throw refused("it is not signed by the identity key that it names");
  }
  const fingerprint = await sha256Hex(decision.ca_certificate);
  if (fingerprint !== ask.ca_fingerprint || decision.ca_fingerprint !== ask.ca_fingerprint) {
    throw refused("its CA is not the one of the code");
  }
}

/** A CA is that of one device: another approver under it comes from somebody who has only its certificate. */
async function requireSameApprover(
  { store }: JoinContext,
  { ca_fingerprint, approver_id, approver_key }: PairingDecision,
): Promise<void> {
  const known = await findMembership(store, ca_fingerprint);
  const isSame = known === undefined ||
    known.approverId === approver_id && equalBytes(known.approverKey, approver_key);
  if (!isSame) throw refused("this CA is pinned with another approver");
}

async function membershipOf(
  { platform }: JoinContext,
  decision: PairingDecision,
  { ask, key }: WaitingRequest,
): Promise<Membership> {
  const now = platform.clock.now();
  const leaf = await provenLeaf({
    certificate: decision.certificate,
    key,
    csr: ask.csr,
    usages: ask.usages,
    deviceId: ask.device_id,
    authority: decision.ca_certificate,
    now,
  });
  return {
    caFingerprint: ask.ca_fingerprint,
    caCertificate: decision.ca_certificate,
    approverId: decision.approver_id,
    approverKey: decision.approver_key,
    pairedAt: now,
    leaf,
  };
}

/**
 * The same decision once more: everything is in place already, or nothing has ever been asked. The key of
 * its MAC is gone, the approver's is pinned.
 */
async function completedBefore(
  { store }: JoinContext,
  decision: PairingDecision,
): Promise<Completion> {
  const { approver_id: approverId, approver_key, certificate, reason, signature } = decision;
  const membership = await findMembership(store, decision.ca_fingerprint);
  const isSame = membership !== undefined && decision.verdict === "approved" &&
    equalBytes(membership.leaf.certificate, certificate);
  if (isSame) {
    const isPinned = approverId === membership.approverId &&
      equalBytes(approver_key, membership.approverKey);
    const message = await decisionMessage(decision);
    if (isPinned && await isSigned(membership.approverKey, signature, message)) {
      return { membership, reason, approverId, changed: false };
    }
    throw refused("the approver that this device is paired with has not signed it");
  }
  throw new PalyraError(
    "not_found",
    "Cannot complete the pairing: no request of this device waits for this decision",
    { hint: "palyra pairing request makes one; it belongs to the device on which it was made" },
  );
}

function refused(why: string): PalyraError {
  return new PalyraError("denied", `Cannot accept the decision: ${why}`);
}
