/** The certificate of the device CA: made on first use, kept beside its key, and what everybody pins. */

import { decodeBase64Url, encodeBase64Url, encodeUtf8 } from "../crypto/encoding.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { equalBytes } from "../crypto/equal_bytes.ts";
import { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";
import type { Platform } from "../platform/platform.ts";
import type { Issuer } from "../x509/certificate.ts";
import { readDevice } from "./device.ts";
import { malformed, parseRecord, privateJwkOf } from "./record.ts";
import type { IdentityStore } from "./store.ts";

const KEY_RECORD = "ca";
const RECORD = "ca-certificate";
const SERIAL_BYTES = 16;
/** Clocks of other devices may be behind. */
const SKEW_MS = 300_000;
const DAY_MS = 86_400_000;
/** Devices pin it: it has to outlive them, or all of them pair anew. */
const LIFETIME_DAYS = 7_300;

/** The CA of this device. */
export interface DeviceCa extends Issuer {
  /** SHA-256 of the certificate, lower-case hexadecimal. */
  readonly fingerprint: string;
}

/**
 * Opens the CA to issue; its certificate is made where there is none yet, and the first one that is
 * stored stays. Throws `integrity` for a damaged identity.
 */
export async function openDeviceCa(
  platform: Pick<Platform, "clock" | "random">,
  store: IdentityStore,
): Promise<DeviceCa> {
  using record = await store.get(KEY_RECORD);
  const device = await readDevice(store);
  if (record === undefined || device === undefined) throw missing();
  const what = "the device CA key";
  const document = parseRecord(record, what);
  const { kty, crv, x, d } = privateJwkOf(document, { kty: "EC", crv: "P-256" }, what);
  const { y } = document;
  if (typeof y !== "string") throw malformed(what);
  const { exportPublicKey, importPublicJwk, importSigningKey } = await import("../x509/keys.ts");
  const signingKey = await importSigningKey({ kty, crv, x, y, d });
  const publicKey = await importPublicJwk({ kty, crv, x, y });
  const keys = { privateKey: signingKey, publicKey };
  const certificate = await readCertificate(store) ??
    await makeCertificate(platform, store, { keys, commonName: `palyra CA ${device.deviceId}` });
  const { publicKeyOf } = await import("../x509/certificate.ts");
  const isOurs = equalBytes(publicKeyOf(certificate), await exportPublicKey(publicKey));
  if (!isOurs) throw malformed("the device CA certificate");
  return { certificate, signingKey, fingerprint: await sha256Hex(certificate) };
}

async function readCertificate(
  store: IdentityStore,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  using record = await store.get(RECORD);
  if (record === undefined) return undefined;
  const what = "the device CA certificate";
  const { certificate } = parseRecord(record, what);
  const der = typeof certificate === "string" ? decodeBase64Url(certificate) : undefined;
  if (der === undefined) throw malformed(what);
  return der;
}

async function makeCertificate(
  { clock, random }: Pick<Platform, "clock" | "random">,
  store: IdentityStore,
  { keys, commonName }: { readonly keys: CryptoKeyPair; readonly commonName: string },
): Promise<Uint8Array<ArrayBuffer>> {
  const { makeAuthorityCertificate } = await import("../x509/certificate.ts");
  const now = clock.now();
  const certificate = await makeAuthorityCertificate({
    commonName,
    serial: random.bytes(SERIAL_BYTES),
    notBefore: new Date(now - SKEW_MS),
    notAfter: new Date(now + LIFETIME_DAYS * DAY_MS),
    keys,
  });
  const text = JSON.stringify({ certificate: encodeBase64Url(certificate) });
  using content = new SensitiveBytes(encodeUtf8(text));
  if (await store.add(RECORD, content)) return certificate;
  return await readCertificate(store) ?? certificate; // another process was faster
}

function missing(): PalyraError {
  return new PalyraError("integrity", "Cannot open the device CA: the identity is not complete");
}
