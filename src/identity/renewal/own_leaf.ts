/** The certificate of this device under its own CA: what it shows to the devices that it has paired. */

import { encodeUtf8 } from "../../crypto/encoding.ts";
import { SensitiveBytes } from "../../crypto/sensitive_bytes.ts";
import { publicKeyOf, serialOf, type Usage } from "../../x509/certificate.ts";
import { exportPublicKey } from "../../x509/keys.ts";
import { readRequest } from "../../x509/request.ts";
import type { DeviceCa } from "../ca_certificate.ts";
import { requireDevice } from "../device.ts";
import { lockIdentity } from "../identity.ts";
import { isDue, type Leaf, leafIn, leafRecord, newLeafKey, provenLeaf } from "../leaf.ts";
import { parseRecord } from "../record.ts";
import { issueCertificate, revokeCertificates } from "../registry/certificates.ts";
import type { Registry } from "../registry/registry.ts";
import type { IdentityStore } from "../store.ts";

const RECORD = "leaf";

/** What is asked for. */
export interface OwnLeafWish {
  readonly validityS: number;
  readonly usages: readonly Usage[];
  /** A certificate request for a key that the user keeps elsewhere (DER). */
  readonly ownRequest?: Uint8Array<ArrayBuffer> | undefined;
  /** Also where it is not due. */
  readonly force: boolean;
  readonly revokeOld: boolean;
}

/** Reads the certificate; `undefined` when there is none yet. Throws `integrity`. */
export async function readOwnLeaf(store: IdentityStore): Promise<Leaf | undefined> {
  using record = await store.get(RECORD);
  const what = "the certificate of this device";
  return record && leafIn(parseRecord(record, what), what);
}

/** Makes or renews the certificate, where it is due. `changed` is false where it is not. */
export async function renewOwnLeaf(
  registry: Registry,
  ca: DeviceCa,
  wish: OwnLeafWish,
): Promise<{ readonly leaf: Leaf; readonly changed: boolean }> {
  const { platform, directory, store } = registry;
  using _lock = await lockIdentity(platform, directory);
  const now = platform.clock.now();
  const old = await readOwnLeaf(store);
  if (old !== undefined && !wish.force && !isDue(old, now) && await isForKey(old, wish)) {
    return { leaf: old, changed: false };
  }
  const { deviceId } = await requireDevice(store);
  const { key, csr } = await newLeafKey(deviceId, wish.ownRequest);
  const { usages, validityS } = wish;
  const publicKey = await readRequest(csr);
  const certificate = await registry.rows.database.write(async () =>
    await issueCertificate(registry, ca, { deviceId, publicKey, validityS, usages })
  );
  const authority = ca.certificate;
  const leaf = await provenLeaf({ certificate, key, csr, usages, deviceId, authority, now });
  using content = new SensitiveBytes(encodeUtf8(JSON.stringify(leafRecord(leaf))));
  await store.replace(RECORD, content);
  if (wish.revokeOld) { // last: until here the old one is the only one that can be used
    await registry.rows.database.write(async () => {
      await revokeCertificates(registry, deviceId, "superseded", serialOf(certificate));
    });
  }
  return { leaf, changed: true };
}

/** Whether the certificate is for the key that is wanted: one of palyra's own, or the user's. */
async function isForKey({ key, certificate }: Leaf, { ownRequest }: OwnLeafWish): Promise<boolean> {
  if (ownRequest === undefined) return key !== null;
  const wanted = await exportPublicKey(await readRequest(ownRequest));
  return wanted.toHex() === publicKeyOf(certificate).toHex();
}
