/** The devices that this one has paired: who they are, and what may be done to them. */

import { PalyraError } from "../../errors.ts";
import type { SqlRow } from "../../platform/platform.ts";
import { prune, revokeCertificates } from "./certificates.ts";
import type { Registry } from "./registry.ts";
import { numberOf, optionalNumberOf, textOf } from "./rows.ts";
import { ANSWERS, DEVICES } from "./tables.ts";

/** A device, times in milliseconds since 1970. */
export interface PairedDevice {
  readonly deviceId: string;
  readonly kind: string;
  /** Ed25519 public key, base64url: pinned when the device was paired. */
  readonly identityKey: string;
  readonly state: "paired" | "revoked";
  readonly pairedAt: number;
  readonly requestId: string;
  /** Id of the device on which somebody approved. */
  readonly approvedBy: string;
  readonly renewedAt: number | undefined;
  /** Somebody wants it to have a new certificate. */
  readonly rotationWantedAt: number | undefined;
  readonly revokedAt: number | undefined;
  readonly reason: string;
}

/** All devices, by the time of their pairing. */
export async function listDevices({ rows }: Registry): Promise<PairedDevice[]> {
  return (await rows.all(DEVICES, "ORDER BY paired_at, device_id")).map(deviceOf);
}

/** A device; `undefined` when it is not known. */
export async function findDevice(
  { rows }: Registry,
  deviceId: string,
): Promise<PairedDevice | undefined> {
  const row = await rows.get(DEVICES, deviceId);
  return row && deviceOf(row);
}

/** Writes a device down as paired, in place of what was known of it. In a write transaction. */
export async function putPaired(
  { platform, rows }: Registry,
  device: Pick<PairedDevice, "deviceId" | "kind" | "identityKey" | "requestId" | "approvedBy">,
): Promise<void> {
  await rows.put(DEVICES, {
    device_id: device.deviceId,
    device_kind: device.kind,
    identity_key: device.identityKey,
    state: "paired",
    paired_at: platform.clock.now(),
    request_id: device.requestId,
    approved_by: device.approvedBy,
    renewed_at: null,
    rotation_wanted_at: null,
    revoked_at: null,
    reason: "",
  });
}

/** Notes that a device has a new certificate. In a write transaction. */
export async function putRenewed({ platform, rows }: Registry, deviceId: string): Promise<void> {
  const row = await required(rows, deviceId);
  await rows.change(DEVICES, row, {
    renewed_at: platform.clock.now(),
    rotation_wanted_at: null,
  });
}

/** Notes that a device is to renew its certificate. Throws `not_found`, `precondition`. */
export async function wantRotation(registry: Registry, deviceId: string): Promise<void> {
  await registry.rows.database.write(async () => {
    const row = await required(registry.rows, deviceId);
    requirePaired(deviceOf(row), "rotate");
    const wanted = registry.platform.clock.now();
    await registry.rows.change(DEVICES, row, { rotation_wanted_at: wanted });
  });
}

/**
 * Revokes a device with all its certificates: it can neither renew nor pair before it is removed.
 * `false` when it was revoked already. Throws `not_found`.
 */
export async function revokeDevice(
  registry: Registry,
  deviceId: string,
  reason: string,
): Promise<boolean> {
  return await registry.rows.database.write(async () => {
    const row = await required(registry.rows, deviceId);
    await revokeCertificates(registry, deviceId, reason);
    prune(registry);
    if (deviceOf(row).state === "revoked") return false;
    const revokedAt = registry.platform.clock.now();
    await registry.rows.change(DEVICES, row, { state: "revoked", revoked_at: revokedAt, reason });
    return true;
  });
}

/**
 * Forgets a device and revokes its certificates: it may pair again, with whatever identity key. Throws
 * `not_found`.
 */
export async function removeDevice(
  registry: Registry,
  deviceId: string,
  reason: string,
): Promise<void> {
  await registry.rows.database.write(async () => {
    await required(registry.rows, deviceId);
    await revokeCertificates(registry, deviceId, reason);
    registry.rows.remove(DEVICES, "WHERE device_id = ?", deviceId);
    registry.rows.remove(ANSWERS, "WHERE device_id = ?", deviceId); // their certificates are revoked
    prune(registry);
  });
}

/** Throws `denied` for a device that is revoked. */
export function requirePaired({ state, deviceId }: PairedDevice, what: string): void {
  if (state === "paired") return;
  throw new PalyraError("denied", `Cannot ${what} ${deviceId}: it is revoked`, {
    hint: `palyra devices remove ${deviceId} lets it pair again`,
  });
}

/** The error for a device that nobody has paired here. */
export function unknownDevice(deviceId: string): PalyraError {
  return new PalyraError("not_found", `Cannot find device ${deviceId}: it is not paired here`, {
    hint: "palyra devices list shows which are",
  });
}

async function required(rows: Registry["rows"], deviceId: string): Promise<SqlRow> {
  const row = await rows.get(DEVICES, deviceId);
  if (row === undefined) throw unknownDevice(deviceId);
  return row;
}

function deviceOf(row: SqlRow): PairedDevice {
  return {
    deviceId: textOf(row, "device_id"),
    kind: textOf(row, "device_kind"),
    identityKey: textOf(row, "identity_key"),
    state: textOf(row, "state") === "paired" ? "paired" : "revoked",
    pairedAt: numberOf(row, "paired_at"),
    requestId: textOf(row, "request_id"),
    approvedBy: textOf(row, "approved_by"),
    renewedAt: optionalNumberOf(row, "renewed_at"),
    rotationWantedAt: optionalNumberOf(row, "rotation_wanted_at"),
    revokedAt: optionalNumberOf(row, "revoked_at"),
    reason: textOf(row, "reason"),
  };
}
