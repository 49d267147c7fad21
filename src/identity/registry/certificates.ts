/** Certificates of this CA: issued from a template, recorded in the same transaction, and revoked. */

import { sha256Hex } from "../../crypto/digest.ts";
import type { SqlRow } from "../../platform/platform.ts";
import { issueLeaf, serialOf, type Usage } from "../../x509/certificate.ts";
import type { DeviceCa } from "../ca_certificate.ts";
import type { Registry } from "./registry.ts";
import { numberOf, optionalNumberOf, textOf } from "./rows.ts";
import { ANSWERS, CERTIFICATES, CODES, REQUESTS } from "./tables.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const SERIAL_BYTES = 16;
/** Clocks of other devices may be behind: certificates and lists are good from so long ago on. */
export const SKEW_MS = 300_000;
const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
/** An expired certificate stays in the history for so long. */
const HISTORY_MS = 400 * DAY_MS;
/** What was decided or answered can be had again for so long. */
const KEPT_MS = 30 * DAY_MS;

/** What a certificate is to say. */
export interface LeafOrder {
  readonly deviceId: string;
  readonly publicKey: CryptoKey;
  readonly validityS: number;
  readonly usages: readonly Usage[];
}

/** What is known of a certificate that was issued; times in milliseconds since 1970. */
export interface IssuedCertificate {
  /** Lower-case hexadecimal without zeros before it. */
  readonly serial: string;
  readonly deviceId: string;
  /** SHA-256 of the DER, lower-case hexadecimal. */
  readonly fingerprint: string;
  readonly usages: readonly string[];
  readonly issuedAt: number;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly revokedAt: number | undefined;
  /** Why it was revoked; empty for no reason. */
  readonly reason: string;
}

/** The name of a device in its certificates (RFC 5280 section 4.2.1.6). */
export function deviceUri(deviceId: string): string {
  return `palyra:device:${deviceId}`;
}

/** The device that a certificate names; `undefined` when it names none. */
export function deviceIn(uri: string): string | undefined {
  return /^palyra:device:([0-9A-Z]{26})$/.exec(uri)?.[1];
}

/** Issues and records a certificate. In a write transaction of the registry. */
export async function issueCertificate(
  { platform, rows }: Registry,
  ca: DeviceCa,
  { deviceId, publicKey, validityS, usages }: LeafOrder,
): Promise<Bytes> {
  const now = platform.clock.now();
  const second = now - now % SECOND_MS; // certificates know no milliseconds
  const notBefore = second - SKEW_MS;
  const notAfter = second + validityS * SECOND_MS;
  const certificate = await issueLeaf(ca, {
    commonName: `palyra device ${deviceId}`,
    serial: platform.random.bytes(SERIAL_BYTES),
    publicKey,
    uri: deviceUri(deviceId),
    usages,
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
  });
  await rows.put(CERTIFICATES, {
    serial: serialOf(certificate),
    device_id: deviceId,
    fingerprint: await sha256Hex(certificate),
    usages: usages.join(","),
    issued_at: now,
    not_before: notBefore,
    not_after: notAfter,
    revoked_at: null,
    reason: "",
  });
  return certificate;
}

/** The certificates of a device, the newest first. */
export async function certificatesOf(
  { rows }: Registry,
  deviceId: string,
): Promise<IssuedCertificate[]> {
  const condition = "WHERE device_id = ? ORDER BY issued_at DESC, rowid DESC";
  return (await rows.all(CERTIFICATES, condition, deviceId)).map(certificateOf);
}

/** What somebody has approved for a device. */
export interface Granted {
  readonly usages: ReadonlySet<string>;
  /** The longest validity, in seconds. */
  readonly validityS: number;
}

/**
 * What the certificates of a device were issued for since it was paired, milliseconds since 1970. As no
 * renewal gives more, that is what was approved.
 */
export async function grantedSince(
  { rows }: Registry,
  deviceId: string,
  pairedAt: number,
): Promise<Granted> {
  const condition = "WHERE device_id = ? AND issued_at >= ?";
  const issued = (await rows.all(CERTIFICATES, condition, deviceId, pairedAt)).map(certificateOf);
  const lifetimes = issued.map(({ notBefore, notAfter }) => notAfter - notBefore - SKEW_MS);
  return {
    usages: new Set(issued.flatMap(({ usages }) => usages)),
    validityS: Math.max(0, ...lifetimes) / SECOND_MS,
  };
}

/** All certificates that can still be used, by device. */
export async function livingCertificates(registry: Registry): Promise<IssuedCertificate[]> {
  const now = registry.platform.clock.now();
  const condition = "WHERE not_after >= ? ORDER BY issued_at DESC, rowid DESC";
  return (await registry.rows.all(CERTIFICATES, condition, now)).map(certificateOf);
}

/** A certificate by its serial number; `undefined` when this CA has not issued it. */
export async function findCertificate(
  { rows }: Registry,
  serial: string,
): Promise<IssuedCertificate | undefined> {
  const row = await rows.get(CERTIFICATES, serial);
  return row && certificateOf(row);
}

/**
 * Revokes the certificates of a device, but for one; how many. Expired ones as well: what this clock takes
 * for expired is good again when it is put right. In a write transaction.
 */
export async function revokeCertificates(
  { platform, rows }: Registry,
  deviceId: string,
  reason: string,
  but?: string,
): Promise<number> {
  const now = platform.clock.now();
  const condition = "WHERE device_id = ? AND revoked_at IS NULL AND serial <> ?";
  const found = await rows.all(CERTIFICATES, condition, deviceId, but ?? "");
  for (const row of found) await rows.change(CERTIFICATES, row, { revoked_at: now, reason });
  return found.length;
}

/** Drops what nobody can ask for any more. In a write transaction. */
export function prune({ platform, rows }: Registry): void {
  const now = platform.clock.now();
  rows.remove(CODES, "WHERE expires_at < ? AND state = 'active'", now - DAY_MS);
  rows.remove(REQUESTS, "WHERE expires_at < ?", now - KEPT_MS);
  rows.remove(CODES, "WHERE state = 'used' AND code_id NOT IN (SELECT code_id FROM requests)");
  rows.remove(ANSWERS, "WHERE answered_at < ?", now - KEPT_MS);
  rows.remove(CERTIFICATES, "WHERE not_after < ?", now - HISTORY_MS);
}

function certificateOf(row: SqlRow): IssuedCertificate {
  return {
    serial: textOf(row, "serial"),
    deviceId: textOf(row, "device_id"),
    fingerprint: textOf(row, "fingerprint"),
    usages: textOf(row, "usages").split(","),
    issuedAt: numberOf(row, "issued_at"),
    notBefore: numberOf(row, "not_before"),
    notAfter: numberOf(row, "not_after"),
    revokedAt: optionalNumberOf(row, "revoked_at"),
    reason: textOf(row, "reason"),
  };
}
