/** `palyra identity show` and `export-ca`: what this device is known by, and what others pin. */

import { decodeBase64Url } from "../../crypto/encoding.ts";
import { openDeviceCa } from "../../identity/ca_certificate.ts";
import { readDevice } from "../../identity/device.ts";
import { protectorOf } from "../../identity/protection.ts";
import { keyFingerprint } from "../../identity/signing.ts";
import { listMemberships, type Membership } from "../../identity/membership.ts";
import { malformed } from "../../identity/record.ts";
import { readOwnLeaf } from "../../identity/renewal/own_leaf.ts";
import { formatPem } from "../../x509/pem.ts";
import type { App } from "../app.ts";
import { timeOf } from "../instant.ts";
import type { NoFlags } from "../command.ts";
import { OWN } from "./identity_leaf.ts";
import { chooseMembership, openOwnIdentity } from "../identities.ts";
import type { JsonObject, RecordView } from "../view.ts";

/** Flags of `identity export-ca`. */
export interface ExportCaFlags {
  readonly of?: string | undefined;
}

/** Device id, and the fingerprints that others compare. */
export async function identityShow(app: App, _flags: NoFlags): Promise<RecordView> {
  using identity = await openOwnIdentity(app);
  const { store } = identity;
  const device = await readDevice(store);
  const publicKey = device && decodeBase64Url(device.publicKey);
  if (device === undefined || publicKey === undefined) throw malformed("the device identity");
  const ca = await openDeviceCa(app.platform, store);
  const fingerprint = await keyFingerprint(publicKey);
  const own = await readOwnLeaf(store);
  const memberships = await listMemberships(store);
  const protect = protectorOf(app.platform, app.identityDirectory);
  return {
    kind: "record",
    json: {
      device_id: device.deviceId,
      created_at: device.createdAt,
      identity_fingerprint: fingerprint,
      ca_fingerprint: ca.fingerprint,
      protect,
      ...(own === undefined ? {} : { certificate_until: timeOf(own.notAfter) }),
      paired_with: memberships.map(membershipJson),
    },
    text: [
      `device      ${device.deviceId}`,
      `made        ${device.createdAt}`,
      `identity    ${fingerprint}`,
      `CA          ${ca.fingerprint}`,
      `protected   ${protect === "file" ? "by file modes only" : `by ${protect}`}`,
      ...(own === undefined ? [] : [`own leaf    until ${timeOf(own.notAfter)}`]),
      ...memberships.flatMap(({ approverId, caFingerprint, leaf }) => [
        `paired with ${approverId}, certificate until ${timeOf(leaf.notAfter)}`,
        `  its CA    ${caFingerprint}`,
      ]),
    ].join("\n"),
  };
}

/** The certificate of this device's CA, or of one that it is paired with: what others trust by. */
export async function identityExportCa(app: App, flags: ExportCaFlags): Promise<RecordView> {
  using identity = await openOwnIdentity(app);
  const { certificate, fingerprint } = flags.of === undefined || flags.of === OWN
    ? await openDeviceCa(app.platform, identity.store)
    : pinnedCa(await chooseMembership(identity.store, flags.of));
  const pem = formatPem("CERTIFICATE", certificate);
  return {
    kind: "record",
    json: { certificate: pem, ca_fingerprint: fingerprint },
    text: pem.trimEnd(),
  };
}

function pinnedCa(
  { caCertificate, caFingerprint }: Membership,
): { readonly certificate: Uint8Array; readonly fingerprint: string } {
  return { certificate: caCertificate, fingerprint: caFingerprint };
}

function membershipJson({ approverId, caFingerprint, pairedAt, leaf }: Membership): JsonObject {
  return {
    approver_id: approverId,
    ca_fingerprint: caFingerprint,
    paired_at: timeOf(pairedAt),
    certificate_until: timeOf(leaf.notAfter),
  };
}
