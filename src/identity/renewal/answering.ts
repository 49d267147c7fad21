/** Renewals at the authority: a paired device that is not revoked gets a new certificate without being asked about. */

import { sha256Hex } from "../../crypto/digest.ts";
import { isSigned } from "../../crypto/ed25519.ts";
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { PalyraError } from "../../errors.ts";
import { serialOf } from "../../x509/certificate.ts";
import { readRequest } from "../../x509/request.ts";
import type { DeviceCa } from "../ca_certificate.ts";
import { requireDevice } from "../device.ts";
import {
  grantedSince,
  issueCertificate,
  prune,
  revokeCertificates,
} from "../registry/certificates.ts";
import {
  findDevice,
  type PairedDevice,
  putRenewed,
  requirePaired,
  unknownDevice,
} from "../registry/devices.ts";
import type { Registry } from "../registry/registry.ts";
import { textOf } from "../registry/rows.ts";
import { ANSWERS } from "../registry/tables.ts";
import { signAsDevice } from "../signing.ts";
import {
  formatRenewalAnswer,
  readRenewalRequest,
  renewalMessage,
  type RenewalReply,
  type RenewalRequest,
  replyMessage,
} from "./messages.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const SKEW_MS = 300_000;
/** An older request is refused: its answer may have been forgotten, and it would be answered twice. */
const MAX_AGE_MS = 7 * 86_400_000;

/** An answer, and whether a certificate was issued for it now. */
export interface Answered {
  readonly deviceId: string;
  readonly document: string;
  readonly changed: boolean;
}

/** How a renewal is answered. */
export interface AnswerWish {
  /** Only a request of this device is answered. */
  readonly deviceId?: string | undefined;
  /** Revoke what the device had before; otherwise it stays good until it expires. */
  readonly revokeOld: boolean;
}

/**
 * Answers a renewal. The same request again gives the same answer and issues nothing. Throws `not_found`
 * for a device that is not paired, `denied` for one that is revoked, for a request that is not its own, and
 * for one that asks for more than was approved, `precondition` for one that is too old.
 */
export async function answerRenewal(
  registry: Registry,
  ca: DeviceCa,
  document: Bytes,
  wish: AnswerWish,
): Promise<Answered> {
  const request = readRenewalRequest(document);
  const { device_id: deviceId } = request;
  if (wish.deviceId !== undefined && wish.deviceId !== deviceId) {
    throw refused("it comes from another device");
  }
  if (request.ca_fingerprint !== ca.fingerprint) throw refused("it is for another device's CA");
  const message = await renewalMessage(request);
  const digest = await sha256Hex(message);
  const isOwn = await isSigned(request.identity_key, request.signature, message);
  if (!isOwn) throw refused("it is not signed by the identity key that it names");
  const publicKey = await readRequest(request.csr);
  const approver = await requireDevice(registry.store);
  return await registry.rows.database.write(async () => {
    const device = await requirePinned(registry, request);
    const earlier = await registry.rows.get(ANSWERS, digest);
    if (earlier !== undefined) {
      return { deviceId, document: textOf(earlier, "document"), changed: false };
    }
    const now = registry.platform.clock.now();
    requireFresh(Date.parse(request.created_at), device.pairedAt, now);
    const validityS = await grantedValidity(registry, device, request);
    const certificate = await issueCertificate(registry, ca, {
      deviceId,
      publicKey,
      validityS,
      usages: request.usages,
    });
    if (wish.revokeOld) {
      await revokeCertificates(registry, deviceId, "superseded", serialOf(certificate));
    }
    await putRenewed(registry, deviceId);
    const answer = await signedAnswer(registry, {
      ca_fingerprint: ca.fingerprint,
      device_id: deviceId,
      request_digest: digest,
      certificate,
      approver_id: approver.deviceId,
      approver_key: approver.publicKey,
      answered_at: new Date(now).toISOString(),
    });
    await registry.rows.put(ANSWERS, {
      digest,
      device_id: deviceId,
      answered_at: now,
      document: answer,
    });
    prune(registry);
    return { deviceId, document: answer, changed: true };
  });
}

/** The device must be known by the key that it was paired with, and not be revoked. */
async function requirePinned(registry: Registry, request: RenewalRequest): Promise<PairedDevice> {
  const device = await findDevice(registry, request.device_id);
  if (device === undefined) throw unknownDevice(request.device_id);
  requirePaired(device, "renew the certificate of");
  if (device.identityKey !== encodeBase64Url(request.identity_key)) {
    throw refused("it is signed by another identity key than the one that was paired");
  }
  return device;
}

/** Nobody is asked about a renewal: it is for what was approved, and for no longer. In seconds. */
async function grantedValidity(
  registry: Registry,
  { deviceId, pairedAt }: PairedDevice,
  request: RenewalRequest,
): Promise<number> {
  const granted = await grantedSince(registry, deviceId, pairedAt);
  if (request.usages.every((usage) => granted.usages.has(usage))) {
    return Math.min(request.validity_s, granted.validityS);
  }
  throw new PalyraError(
    "denied",
    "Cannot renew: the request is refused, it asks for a usage that was not approved",
    { hint: "A new pairing, with a new code, can be approved for more" },
  );
}

/** Requests from before the pairing may be for keys because of which the device was removed. */
function requireFresh(createdAt: number, pairedAt: number, now: number): void {
  if (createdAt > now + SKEW_MS) throw refused("it was made in the future: compare the clocks");
  if (createdAt < pairedAt - SKEW_MS) throw refused("it was made before the device was paired");
  if (now - createdAt <= MAX_AGE_MS) return;
  throw new PalyraError("precondition", "Cannot renew: the request is older than a week", {
    hint: "palyra identity csr, on the device, makes a new one",
  });
}

async function signedAnswer({ store }: Registry, reply: RenewalReply): Promise<string> {
  const signature = await signAsDevice(store, await replyMessage(reply));
  return formatRenewalAnswer({ ...reply, signature });
}

function refused(why: string): PalyraError {
  return new PalyraError("denied", `Cannot renew: the request is refused, ${why}`);
}
