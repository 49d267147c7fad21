/** Requests at the approver: checked when they are filed, pending until somebody decides. */

import { sha256Hex } from "../../crypto/digest.ts";
import { isSigned } from "../../crypto/ed25519.ts";
import { encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import { importMacKey, isMac } from "../../crypto/mac.ts";
import type { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { PalyraError } from "../../errors.ts";
import type { SqlRow } from "../../platform/platform.ts";
import { readRequest } from "../../x509/request.ts";
import type { DeviceCa } from "../ca_certificate.ts";
import { readDevice } from "../device.ts";
import { prune } from "../registry/certificates.ts";
import { findDevice, requirePaired } from "../registry/devices.ts";
import type { Registry } from "../registry/registry.ts";
import { numberOf, optionalNumberOf, optionalTextOf, textOf } from "../registry/rows.ts";
import { CODES, REQUESTS } from "../registry/tables.ts";
import { makeUlid } from "../ulid.ts";
import { findCode, LIFETIME_BOUNDS_MS } from "./codes.ts";
import {
  formatRequestDocument,
  type PairingRequest,
  proofMessage,
  readRequestDocument,
  requestMessage,
} from "./messages.ts";

/** Most requests that wait for a decision. */
export const MAX_PENDING_REQUESTS = 64;
/** Clocks of two devices may differ by so much. */
const SKEW_MS = 300_000;
const ULID_RANDOM_BYTES = 10;

/** What became of a request. The last three are final. */
export type RequestState = "pending" | "approved" | "rejected" | "expired";

/** A request that was filed; times in milliseconds since 1970. */
export interface FiledRequest {
  readonly requestId: string;
  readonly state: RequestState;
  readonly request: PairingRequest;
  /** SHA-256 of the bytes that the joiner signed. */
  readonly digest: string;
  readonly submittedAt: number;
  readonly expiresAt: number;
  readonly decidedAt: number | undefined;
  readonly reason: string;
  /** The decision's document. */
  readonly decision: string | undefined;
}

/** A request that was filed, and whether that was now. */
export interface Submission {
  readonly filed: FiledRequest;
  readonly changed: boolean;
}

/**
 * Checks a request and files it as pending. The same one again changes nothing. Throws `usage` for what
 * is no request, `denied` for one that is not sound or not allowed, `precondition` for one that comes
 * too late or too often, `not_found` for a code that was not made here.
 */
export async function submitRequest(
  registry: Registry,
  ca: DeviceCa,
  document: Uint8Array<ArrayBuffer>,
): Promise<Submission> {
  const request = readRequestDocument(document);
  if (request.ca_fingerprint !== ca.fingerprint) throw refused("it is for another device's CA");
  const message = await requestMessage(request);
  const digest = await sha256Hex(message);
  if (!await isSigned(request.identity_key, request.signature, message)) {
    throw refused("it is not signed by the identity key that it names");
  }
  await readRequest(request.csr);
  const own = await readDevice(registry.store);
  if (own?.deviceId === request.device_id) throw refused("it comes from this device itself");
  return await registry.rows.database.write(async () => {
    const known = await registry.rows.all(REQUESTS, "WHERE digest = ?", digest);
    using code = await findCode(registry, request.code_id);
    if (code === undefined) throw unknownCode();
    const isOurs = await hasMac(code.macKey, message, request);
    if (!isOurs) throw refused("it was not made with this code");
    if (known[0] !== undefined) return { filed: filedOf(known[0], registry), changed: false };
    const expiresAt = lifetimeOf(registry, request, code.expiresAt);
    if (code.state !== "active") throw tooLate("the code was used for another request");
    await requireFitting(registry, request);
    const now = registry.platform.clock.now();
    prune(registry);
    const pending = registry.rows.count(
      REQUESTS,
      "WHERE state = 'pending' AND expires_at > ?",
      now,
    );
    if (pending >= MAX_PENDING_REQUESTS) throw tooMany();
    const requestId = makeUlid(now, registry.platform.random.bytes(ULID_RANDOM_BYTES));
    await registry.rows.change(CODES, code.row, { state: "used" });
    await registry.rows.put(REQUESTS, {
      request_id: requestId,
      code_id: request.code_id,
      digest,
      device_id: request.device_id,
      identity_key: encodeBase64Url(request.identity_key),
      document: formatRequestDocument(request), // without what somebody has put around it
      submitted_at: now,
      expires_at: expiresAt,
      state: "pending",
      reason: "",
      decided_at: null,
      decision: null,
    });
    const row = await registry.rows.get(REQUESTS, requestId);
    return { filed: filedOf(row!, registry), changed: true };
  });
}

/** All requests that are kept, in the order in which they came. */
export async function listRequests(registry: Registry): Promise<FiledRequest[]> {
  const rows = await registry.rows.all(REQUESTS, "ORDER BY submitted_at, request_id");
  return rows.map((row) => filedOf(row, registry));
}

/** A request with its row. Throws `not_found`. In a transaction. */
export async function requireRequest(
  registry: Registry,
  requestId: string,
): Promise<{ readonly row: SqlRow; readonly filed: FiledRequest }> {
  const row = await registry.rows.get(REQUESTS, requestId);
  if (row !== undefined) return { row, filed: filedOf(row, registry) };
  throw unknownRequest();
}

/** The error for a request that nobody has filed. */
export function unknownRequest(): PalyraError {
  return new PalyraError(
    "not_found",
    "Cannot find the pairing request: there is none of this id",
    { hint: "palyra pairing list shows them" },
  );
}

/**
 * Throws `denied` where the device may not be paired: it is revoked, or known with another identity key.
 * Asked when a request is filed, and again when it is approved.
 */
export async function requireFitting(registry: Registry, request: PairingRequest): Promise<void> {
  const device = await findDevice(registry, request.device_id);
  if (device === undefined) return;
  requirePaired(device, "pair");
  if (device.identityKey === encodeBase64Url(request.identity_key)) return;
  throw new PalyraError(
    "denied",
    `Cannot pair ${request.device_id}: it is paired with another identity key`,
    {
      hint: `If it was set up anew, palyra devices remove ${request.device_id} first; ` +
        "otherwise somebody else has sent this",
    },
  );
}

/** Whether the MAC of a document fits; both documents have the same two proofs. */
export async function hasMac(
  macKey: SensitiveBytes,
  message: Uint8Array<ArrayBuffer>,
  proofs: Pick<PairingRequest, "signature" | "mac">,
): Promise<boolean> {
  const key = await importMacKey(macKey.reveal());
  return await isMac(key, proofMessage(message, proofs.signature), proofs.mac);
}

/** Until when a request can be approved. Throws `precondition`, `denied`. */
function lifetimeOf({ platform }: Registry, request: PairingRequest, codeEnds: number): number {
  const now = platform.clock.now();
  const [created, expires] = [Date.parse(request.created_at), Date.parse(request.expires_at)];
  const [least, most] = LIFETIME_BOUNDS_MS;
  if (expires - created < least || expires - created > most) {
    throw refused("it wants to be good for longer or shorter than is allowed");
  }
  if (created > now + SKEW_MS) throw refused("it was made in the future: compare the clocks");
  if (codeEnds <= now) throw tooLate("the code has expired");
  if (expires <= now) throw tooLate("it has expired");
  return Math.min(expires, codeEnds);
}

function filedOf(row: SqlRow, { platform }: Registry): FiledRequest {
  const expiresAt = numberOf(row, "expires_at");
  const state = textOf(row, "state") as RequestState;
  return {
    requestId: textOf(row, "request_id"),
    state: state === "pending" && expiresAt <= platform.clock.now() ? "expired" : state,
    request: readRequestDocument(encodeUtf8(textOf(row, "document"))),
    digest: textOf(row, "digest"),
    submittedAt: numberOf(row, "submitted_at"),
    expiresAt,
    decidedAt: optionalNumberOf(row, "decided_at"),
    reason: textOf(row, "reason"),
    decision: optionalTextOf(row, "decision"),
  };
}

function refused(why: string): PalyraError {
  return new PalyraError("denied", `Cannot file the pairing request: ${why}`);
}

function tooLate(why: string): PalyraError {
  return new PalyraError("precondition", `Cannot file the pairing request: ${why}`, {
    hint: "palyra pairing code makes a new code, and the device a new request with it",
  });
}

/** The error for a request whose code this device does not know. */
export function unknownCode(): PalyraError {
  return new PalyraError(
    "not_found",
    "Cannot file the pairing request: its code is not one of this device, or has expired",
    { hint: "palyra pairing code makes a new code, and the device a new request with it" },
  );
}

function tooMany(): PalyraError {
  return new PalyraError(
    "precondition",
    `Cannot file the pairing request: ${MAX_PENDING_REQUESTS} wait for a decision`,
    { hint: "palyra pairing list shows them" },
  );
}
