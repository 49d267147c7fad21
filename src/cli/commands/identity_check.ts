/** `palyra identity export-certificate`, `verify` and `crl`: certificates for other programs, and about others. */

import { encodeUtf8 } from "../../crypto/encoding.ts";
import { PalyraError } from "../../errors.ts";
import { openDeviceCa } from "../../identity/ca_certificate.ts";
import { lockIdentity } from "../../identity/identity.ts";
import { listMemberships } from "../../identity/membership.ts";
import { deviceIn, deviceUri, findCertificate } from "../../identity/registry/certificates.ts";
import { findDevice } from "../../identity/registry/devices.ts";
import { openRegistry, type Registry } from "../../identity/registry/registry.ts";
import { writeRevocationList } from "../../identity/registry/revocations.ts";
import { ULID } from "../../identity/ulid.ts";
import { readDevice } from "../../identity/device.ts";
import type { Usage } from "../../x509/certificate.ts";
import { checkCertificate, type CheckedCertificate, isSignedBy } from "../../x509/peer_check.ts";
import { formatPem } from "../../x509/pem.ts";
import type { App } from "../app.ts";
import { usagesOf } from "../certificate_flags.ts";
import { readPemFile } from "../documents.ts";
import { authorityOf, type OpenIdentity, openOwnIdentity } from "../identities.ts";
import { parseDuration } from "../values.ts";
import type { RecordView } from "../view.ts";
import { leavesOf, noCertificate } from "./identity_leaf.ts";

/** Flags of `identity export-certificate`. */
export interface ExportCertificateFlags {
  readonly of?: string | undefined;
}

/** Flags of `identity verify`. */
export interface IdentityVerifyFlags {
  readonly usage?: string | undefined;
  readonly device?: string | undefined;
}

/** Flags of `identity crl`. */
export interface IdentityCrlFlags {
  readonly next?: string | undefined;
  readonly out?: string | undefined;
}

const DEFAULT_NEXT = "7d";
const NEXT_BOUNDS_MS = [3_600_000, 397 * 86_400_000] as const;
const MODE = 0o644;

type Bytes = Uint8Array<ArrayBuffer>;

/** Prints a certificate of this device: no secret, and what it shows to others. */
export async function identityExportCertificate(
  app: App,
  flags: ExportCertificateFlags,
): Promise<RecordView> {
  using identity = await openOwnIdentity(app);
  const leaves = await leavesOf(identity.store, flags.of);
  const [first, ...others] = leaves;
  if (first === undefined) throw noCertificate();
  if (others.length > 0) {
    throw new PalyraError("usage", "Cannot choose a certificate: this device has several", {
      hint: "--of self, or the id of the device that approved",
    });
  }
  const pem = formatPem("CERTIFICATE", first.leaf.certificate);
  const notAfter = new Date(first.leaf.notAfter).toISOString();
  return {
    kind: "record",
    json: { of: first.of, certificate: pem, not_after: notAfter },
    text: pem.trimEnd(),
  };
}

/**
 * Says whose certificate it is. `denied` unless this device's CA, or one that it is paired with, has
 * issued it, it is good now and for what is asked, and, as far as this device knows, not revoked.
 */
export async function identityVerify(
  app: App,
  flags: IdentityVerifyFlags,
  path: string,
): Promise<RecordView> {
  const certificate = await readPemFile(app, path, "CERTIFICATE");
  const usages = flags.usage === undefined ? undefined : usagesOf(flags.usage);
  const { device } = flags;
  if (device !== undefined && !ULID.test(device)) {
    throw new PalyraError("usage", "Cannot use --device: it is no ULID of 26 characters");
  }
  using identity = await openOwnIdentity(app);
  const ca = await openDeviceCa(app.platform, identity.store);
  const uri = device === undefined ? undefined : deviceUri(device);
  const expected = {
    now: new Date(app.platform.clock.now()),
    ...(uri === undefined ? {} : { uri }),
  };
  const pinned = (await listMemberships(identity.store)).map(({ caCertificate }) => caCertificate);
  for (const authority of [ca.certificate, ...pinned]) {
    if (!await isSignedBy(certificate, authority)) continue;
    const checked = await checkUsages(certificate, { ...expected, authority }, usages);
    const isOwn = authority === ca.certificate;
    if (isOwn) await requireListed(identity, checked);
    return viewOf(checked, isOwn);
  }
  throw refused("no authority that this device knows has signed it");
}

/** Writes the list of revoked certificates, for nginx, OpenSSL and others. */
export async function identityCrl(app: App, flags: IdentityCrlFlags): Promise<RecordView> {
  const validityMs = parseDuration(flags.next ?? DEFAULT_NEXT, "--next");
  if (validityMs < NEXT_BOUNDS_MS[0] || validityMs > NEXT_BOUNDS_MS[1]) {
    throw new PalyraError("usage", "Cannot use --next: it goes from 1h to 397d");
  }
  // No identity is made to say that nothing is revoked.
  using authority = await authorityOf(await openOwnIdentity(app));
  // Of two that write to one file, the later one has to have the later list.
  using _lock = flags.out === undefined
    ? undefined
    : await lockIdentity(app.platform, app.identityDirectory);
  const written = await writeRevocationList(authority.registry, authority.ca, validityMs);
  const pem = formatPem("X509 CRL", written.list);
  const json = {
    number: written.number,
    entries: written.entries,
    next_update: written.nextUpdate.toISOString(),
  };
  const lines = [
    `number       ${written.number}`,
    `revoked      ${written.entries}`,
    `next update  ${json.next_update}`,
  ];
  if (flags.out === undefined) {
    return { kind: "record", json: { ...json, crl: pem }, text: pem.trimEnd() };
  }
  app.platform.userFiles.replace(flags.out, encodeUtf8(pem), MODE);
  return { kind: "record", json: { ...json, path: flags.out }, text: lines.join("\n") };
}

/** All that are asked for; where none is, any one. */
async function checkUsages(
  certificate: Bytes,
  expected: Omit<Parameters<typeof checkCertificate>[1], "usages">,
  usages: readonly Usage[] | undefined,
): Promise<CheckedCertificate> {
  if (usages !== undefined) return await checkCertificate(certificate, { ...expected, usages });
  return await checkCertificate(certificate, { ...expected, usages: ["clientAuth"] }).catch(() =>
    checkCertificate(certificate, { ...expected, usages: ["serverAuth"] })
  );
}

/** One of our own must be written down, not revoked, and of a device that is paired or this one. */
async function requireListed(
  identity: OpenIdentity,
  { serial, uri }: CheckedCertificate,
): Promise<void> {
  using registry = await openRegistry(identity);
  const issued = registry && await findCertificate(registry, serial);
  if (registry === undefined || issued === undefined) {
    throw refused("this device has not written down that it issued it");
  }
  if (issued.revokedAt !== undefined) throw refused("it is revoked");
  if (issued.deviceId !== deviceIn(uri)) throw refused("it was issued to another device");
  await requireWelcome(registry, issued.deviceId);
}

async function requireWelcome(registry: Registry, deviceId: string): Promise<void> {
  const own = await readDevice(registry.store);
  if (own?.deviceId === deviceId) return;
  const device = await findDevice(registry, deviceId);
  if (device === undefined) throw refused("its device is not paired any more");
  if (device.state === "revoked") throw refused("its device is revoked");
}

function viewOf(checked: CheckedCertificate, isOwn: boolean): RecordView {
  const device = deviceIn(checked.uri) ?? checked.uri;
  const notAfter = checked.notAfter.toISOString();
  return {
    kind: "record",
    json: {
      device_id: device,
      serial: checked.serial,
      not_before: checked.notBefore.toISOString(),
      not_after: notAfter,
      issued_by: isOwn ? "self" : "pinned",
      revocation: isOwn ? "checked" : "unknown",
    },
    text: [
      `device   ${device}`,
      `serial   ${checked.serial}`,
      `until    ${notAfter}`,
      isOwn
        ? "issued   by this device, not revoked"
        : "issued   by a device that has paired this one; it alone knows what is revoked",
    ].join("\n"),
  };
}

function refused(why: string): PalyraError {
  return new PalyraError("denied", `Cannot accept the certificate: ${why}`);
}
