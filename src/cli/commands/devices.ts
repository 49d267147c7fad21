/** `palyra devices`: who is paired with this device, and what becomes of them. */

import { decodeBase64Url } from "../../crypto/encoding.ts";
import { PalyraError } from "../../errors.ts";
import {
  certificatesOf,
  type IssuedCertificate,
  livingCertificates,
} from "../../identity/registry/certificates.ts";
import {
  findDevice,
  listDevices,
  type PairedDevice,
  removeDevice,
  revokeDevice,
  unknownDevice,
  wantRotation,
} from "../../identity/registry/devices.ts";
import { answerRenewal } from "../../identity/renewal/answering.ts";
import { readRenewalRequest } from "../../identity/renewal/messages.ts";
import { keyFingerprint } from "../../identity/signing.ts";
import { ULID } from "../../identity/ulid.ts";
import type { App } from "../app.ts";
import { timeOf } from "../instant.ts";
import type { NoFlags } from "../command.ts";
import { printDocument, readDocumentFile } from "../documents.ts";
import { findAuthority, type OpenAuthority } from "../identities.ts";
import { type ReasonFlags, reasonOf } from "../reason.ts";
import { shown } from "../shown.ts";
import type { JsonObject, ListView, RecordView } from "../view.ts";

/** Flags of `devices rotate`. */
export interface RotateFlags {
  readonly request?: string | undefined;
  readonly out?: string | undefined;
  readonly "revoke-old"?: boolean | undefined;
}

/** All devices, with the certificate that each uses. */
export async function devicesList(app: App, _flags: NoFlags): Promise<ListView> {
  using authority = await findAuthority(app);
  const registry = authority?.registry;
  const devices = registry === undefined ? [] : await listDevices(registry);
  const living = registry === undefined ? [] : await livingCertificates(registry);
  const newest = new Map<string, IssuedCertificate>();
  for (const one of living) if (!newest.has(one.deviceId)) newest.set(one.deviceId, one);
  const items = await Promise.all(
    devices.map((device) => deviceJson(device, newest.get(device.deviceId))),
  );
  return {
    kind: "list",
    field: "devices",
    items,
    text: devices.map((device) => {
      const certificate = newest.get(device.deviceId);
      const until = certificate === undefined || certificate.revokedAt !== undefined
        ? "no certificate that is good"
        : `certificate until ${timeOf(certificate.notAfter)}`;
      const wanted = device.rotationWantedAt === undefined ? "" : ", rotation wanted";
      return `${device.deviceId}  ${device.kind.padEnd(7)}  ${
        device.state.padEnd(7)
      }  ${until}${wanted}`;
    }).join("\n") || "no devices",
  };
}

/** One device with the history of its certificates. */
export async function devicesShow(
  app: App,
  _flags: NoFlags,
  deviceId: string,
): Promise<RecordView> {
  requireId(deviceId);
  using authority = await findAuthority(app);
  const device = authority && await findDevice(authority.registry, deviceId);
  if (authority === undefined || device === undefined) throw unknownDevice(deviceId);
  const certificates = await certificatesOf(authority.registry, deviceId);
  const json = await deviceJson(device, certificates[0]);
  return {
    kind: "record",
    json: { ...json, certificates: certificates.map(certificateJson) },
    text: [
      `device    ${deviceId} (${device.kind}), ${device.state}`,
      `identity  ${json["identity_fingerprint"]}`,
      `paired    ${timeOf(device.pairedAt)}, approved by ${device.approvedBy}`,
      ...(device.renewedAt === undefined ? [] : [`renewed   ${timeOf(device.renewedAt)}`]),
      ...(device.rotationWantedAt === undefined
        ? []
        : [`rotation  wanted since ${timeOf(device.rotationWantedAt)}`]),
      ...(device.revokedAt === undefined
        ? []
        : [`revoked   ${timeOf(device.revokedAt)}${because(device.reason)}`]),
      "certificates",
      ...certificates.map((one) =>
        `  ${one.serial}  ${timeOf(one.notBefore)} to ${timeOf(one.notAfter)}${
          one.revokedAt === undefined
            ? ""
            : `, revoked ${timeOf(one.revokedAt)}${because(one.reason)}`
        }`
      ),
    ].join("\n"),
  };
}

/** Revokes a device with all its certificates. */
export async function devicesRevoke(
  app: App,
  flags: ReasonFlags,
  deviceId: string,
): Promise<RecordView> {
  const reason = reasonOf(flags);
  requireId(deviceId);
  using authority = await openKnown(app, deviceId);
  const changed = await revokeDevice(authority.registry, deviceId, reason);
  if (changed) app.note("who checks a list needs a new one: palyra identity crl");
  return {
    kind: "record",
    json: { changed, device_id: deviceId, state: "revoked" },
    text: changed ? `revoked  ${deviceId}` : `unchanged  ${deviceId} is revoked already`,
  };
}

/** Forgets a device: it may pair again, with whatever key. */
export async function devicesRemove(
  app: App,
  flags: ReasonFlags,
  deviceId: string,
): Promise<RecordView> {
  const reason = reasonOf(flags);
  requireId(deviceId);
  using authority = await openKnown(app, deviceId);
  await removeDevice(authority.registry, deviceId, reason);
  app.note("who checks a list needs a new one: palyra identity crl");
  return {
    kind: "record",
    json: { changed: true, device_id: deviceId },
    text: `removed  ${deviceId}`,
  };
}

/** Answers a device's request for a new certificate; without one, notes that it is to make one. */
export async function devicesRotate(
  app: App,
  flags: RotateFlags,
  deviceId?: string,
): Promise<RecordView> {
  if (deviceId !== undefined) requireId(deviceId);
  if (flags.request === undefined) return await noteRotation(app, flags, deviceId);
  const document = await readDocumentFile(app, flags.request);
  const { device_id } = readRenewalRequest(document);
  using authority = await openKnown(app, device_id);
  const answered = await answerRenewal(authority.registry, authority.ca, document, {
    deviceId,
    revokeOld: flags["revoke-old"] ?? false,
  });
  return printDocument(app, {
    document: answered.document,
    out: flags.out,
    json: { changed: answered.changed, device_id: answered.deviceId },
    lines: [`device    ${answered.deviceId}`],
  });
}

async function noteRotation(
  app: App,
  flags: RotateFlags,
  deviceId: string | undefined,
): Promise<RecordView> {
  if (deviceId === undefined || flags.out !== undefined || flags["revoke-old"]) {
    throw new PalyraError("usage", "Cannot rotate: neither a device nor --request says what", {
      hint: "palyra identity csr, on the device, makes the request",
    });
  }
  using authority = await openKnown(app, deviceId);
  await wantRotation(authority.registry, deviceId);
  return {
    kind: "record",
    json: { changed: true, device_id: deviceId, rotation: "wanted" },
    text: `rotation of ${deviceId} is wanted: palyra identity csr, there, makes the request`,
  };
}

/** Nothing is made to find that there is nothing. */
async function openKnown(app: App, deviceId: string): Promise<OpenAuthority> {
  const found = await findAuthority(app);
  if (found === undefined) throw unknownDevice(deviceId);
  return found;
}

async function deviceJson(
  device: PairedDevice,
  certificate: IssuedCertificate | undefined,
): Promise<JsonObject> {
  const key = decodeBase64Url(device.identityKey);
  return {
    device_id: device.deviceId,
    device_kind: device.kind,
    state: device.state,
    identity_fingerprint: key === undefined ? "" : await keyFingerprint(key),
    paired_at: timeOf(device.pairedAt),
    request_id: device.requestId,
    approved_by: device.approvedBy,
    ...(device.renewedAt === undefined ? {} : { renewed_at: timeOf(device.renewedAt) }),
    ...(device.rotationWantedAt === undefined
      ? {}
      : { rotation_wanted_at: timeOf(device.rotationWantedAt) }),
    ...(device.revokedAt === undefined
      ? {}
      : { revoked_at: timeOf(device.revokedAt), reason: device.reason }),
    ...(certificate === undefined ? {} : { certificate: certificateJson(certificate) }),
  };
}

function certificateJson(one: IssuedCertificate): JsonObject {
  return {
    serial: one.serial,
    fingerprint: one.fingerprint,
    usages: one.usages,
    issued_at: timeOf(one.issuedAt),
    not_before: timeOf(one.notBefore),
    not_after: timeOf(one.notAfter),
    ...(one.revokedAt === undefined
      ? {}
      : { revoked_at: timeOf(one.revokedAt), reason: one.reason }),
  };
}

function requireId(deviceId: string): void {
  if (ULID.test(deviceId)) return;
  throw new PalyraError("usage", "Cannot use the device id: it is no ULID of 26 characters", {
    hint: "palyra devices list shows them",
  });
}

function because(reason: string): string {
  return reason === "" ? "" : `: ${shown(reason)}`;
}
