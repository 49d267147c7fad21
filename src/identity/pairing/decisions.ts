/** Decisions at the approver: made once, signed, and told again as often as somebody asks. */

import { encodeBase64Url } from "../../crypto/encoding.ts";
import { hmac, importMacKey } from "../../crypto/mac.ts";
import type { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import { readRequest } from "../../x509/request.ts";
import type { DeviceCa } from "../ca_certificate.ts";
import { requireDevice } from "../device.ts";
import { issueCertificate, prune, revokeCertificates } from "../registry/certificates.ts";
import { putPaired } from "../registry/devices.ts";
import type { Registry } from "../registry/registry.ts";
import { REQUESTS } from "../registry/tables.ts";
import { malformed } from "../record.ts";
import { signAsDevice } from "../signing.ts";
import { serialOf } from "../../x509/certificate.ts";
import { findCode } from "./codes.ts";
import {
  decisionMessage,
  formatDecisionDocument,
  type PairingVerdict,
  proofMessage,
} from "./messages.ts";
import { type FiledRequest, requireFitting, requireRequest } from "./requests.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A decision, and whether it was made now. */
export interface Decided {
  readonly filed: FiledRequest;
  readonly changed: boolean;
}

/** What is decided. */
export interface Choice {
  readonly verdict: "approved" | "rejected";
  /** For the joiner and the list; may be empty. */
  readonly reason: string;
  /** Revoke what the device had before; otherwise it stays good until it expires. */
  readonly revokeOld?: boolean;
}

/**
 * Decides about a request: device, certificate and decision are stored together. The same decision
 * again changes nothing and gives the same document. Throws `not_found`, `precondition` for one that is
 * decided otherwise or has expired, `denied` for a device that may not be paired.
 */
export async function decide(
  registry: Registry,
  ca: DeviceCa,
  requestId: string,
  choice: Choice,
): Promise<Decided> {
  const approver = await requireDevice(registry.store);
  await recordExpiry(registry, requestId);
  return await registry.rows.database.write(async () => {
    const { row, filed } = await requireRequest(registry, requestId);
    if (filed.state === choice.verdict) return { filed, changed: false };
    if (filed.state !== "pending") throw alreadyDecided(filed.state);
    const { request } = filed;
    if (choice.verdict === "approved") await requireFitting(registry, request);
    using code = await findCode(registry, request.code_id);
    if (code === undefined) throw malformed("a pairing code");
    const certificate = choice.verdict === "approved"
      ? await pair(registry, ca, { filed, approverId: approver.deviceId, choice })
      : new Uint8Array(0);
    const decidedAt = registry.platform.clock.now();
    const decision = await decisionOf(registry, code.macKey, {
      ...request,
      request_digest: filed.digest,
      verdict: choice.verdict,
      reason: choice.reason,
      certificate,
      ca_certificate: ca.certificate,
      approver_id: approver.deviceId,
      approver_key: approver.publicKey,
      decided_at: new Date(decidedAt).toISOString(),
    });
    await registry.rows.change(REQUESTS, row, {
      state: choice.verdict,
      reason: choice.reason,
      decided_at: decidedAt,
      decision,
    });
    prune(registry);
    return { filed: (await requireRequest(registry, requestId)).filed, changed: true };
  });
}

/** Stores the device and its certificate. */
async function pair(
  registry: Registry,
  ca: DeviceCa,
  { filed, approverId, choice }: {
    readonly filed: FiledRequest;
    readonly approverId: string;
    readonly choice: Choice;
  },
): Promise<Bytes> {
  const { request } = filed;
  await putPaired(registry, { // first: what is issued from then on is what was approved
    deviceId: request.device_id,
    kind: request.device_kind,
    identityKey: encodeBase64Url(request.identity_key),
    requestId: filed.requestId,
    approvedBy: approverId,
  });
  const certificate = await issueCertificate(registry, ca, {
    deviceId: request.device_id,
    publicKey: await readRequest(request.csr),
    validityS: request.validity_s,
    usages: request.usages,
  });
  if (choice.revokeOld) {
    await revokeCertificates(registry, request.device_id, "superseded", serialOf(certificate));
  }
  return certificate;
}

async function decisionOf(
  { store }: Registry,
  macKey: SensitiveBytes,
  verdict: PairingVerdict,
): Promise<string> {
  const message = await decisionMessage(verdict);
  const signature = await signAsDevice(store, message);
  const mac = await hmac(await importMacKey(macKey.reveal()), proofMessage(message, signature));
  return formatDecisionDocument({ ...verdict, signature, mac });
}

/** That a request has expired is written down by whoever sees it first: a clock set back undoes nothing. */
async function recordExpiry(registry: Registry, requestId: string): Promise<void> {
  await registry.rows.database.write(async () => {
    const { row, filed } = await requireRequest(registry, requestId);
    if (filed.state !== "expired") return;
    await registry.rows.change(REQUESTS, row, { state: "expired" });
  });
}

function alreadyDecided(state: string): PalyraError {
  const why = state === "expired" ? "it has expired" : `it is ${state} already`;
  return new PalyraError("precondition", `Cannot decide about the pairing request: ${why}`, {
    hint: "A device that is to pair all the same needs a new code and makes a new request",
  });
}
