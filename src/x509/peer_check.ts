/**
 * Judging the certificate that somebody shows: the runtime's own judgement is not asked, for it accepts
 * a version 1 certificate that merely names the authority.
 */

import { PalyraError } from "../errors.ts";
import { derElements } from "./der.ts";
import { x509 } from "./library.ts";
import type { Usage } from "./certificate.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What is expected of whom. */
export interface Expectation {
  /** DER of the one authority. */
  readonly authority: Bytes;
  readonly now: Date;
  /** It must be for all of these. */
  readonly usages: readonly Usage[];
  /** Of the device that is expected; without it any device's. */
  readonly uri?: string;
}

/** What a sound certificate says. */
export interface CheckedCertificate {
  /** Lower-case hexadecimal, as it stands in the certificate, without zeros before it. */
  readonly serial: string;
  readonly uri: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const VERSION_3 = "a003020102"; // [0] EXPLICIT INTEGER 2
const ECDSA_WITH_SHA256 = "300a06082a8648ce3d040302";
/** Extensions that are understood: any other one that is critical is refused (RFC 5280 section 4.2). */
const UNDERSTOOD: readonly string[] = [
  ...["2.5.29.14", "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.35", "2.5.29.37"],
];
const MAX_BYTES = 8_192;

/** Throws `denied` that says why for a certificate that is not the one that is expected. */
export async function checkCertificate(
  der: Bytes,
  { authority, now, usages, uri }: Expectation,
): Promise<CheckedCertificate> {
  requireForm(der);
  const [certificate, issuer] = [parse(der), parse(authority)];
  if (!await isSignedWith(certificate, issuer)) throw refused("the authority has not signed it");
  if (certificate.issuer !== issuer.subject) throw refused("it names another authority");
  if (now < certificate.notBefore) throw refused("it is not good yet");
  if (now > certificate.notAfter) throw refused("it has expired");
  const { extensions } = certificate;
  if (extensions.some(({ critical, type }) => critical && !UNDERSTOOD.includes(type))) {
    throw refused("it demands something that palyra does not know");
  }
  if (new Set(extensions.map(({ type }) => type)).size !== extensions.length) {
    throw refused("it says something twice");
  }
  const constraints = certificate.getExtension(x509.BasicConstraintsExtension);
  if (constraints?.ca !== false) throw refused("it is not that of a device");
  const given = certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? [];
  for (const usage of usages) {
    if (!given.includes(x509.ExtendedKeyUsage[usage])) throw refused(`it is not for ${usage}`);
  }
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  const [name, ...others] = names;
  if (name?.type !== "url" || others.length > 0) throw refused("it names no device");
  if (uri !== undefined && name.value !== uri) throw refused("it is that of another device");
  return {
    serial: certificate.serialNumber.toLowerCase().replace(/^0+(?=.)/, ""),
    uri: name.value,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
  };
}

/** Whether an authority has signed a certificate; nothing else is looked at. Throws `denied` for what is none. */
export async function isSignedBy(der: Bytes, authority: Bytes): Promise<boolean> {
  requireForm(der);
  return await isSignedWith(parse(der), parse(authority));
}

async function isSignedWith(
  certificate: x509.X509Certificate,
  issuer: x509.X509Certificate,
): Promise<boolean> {
  const { publicKey } = issuer;
  return await certificate.verify({ publicKey, signatureOnly: true }).catch(() => false);
}

/** Version 3, one algorithm said twice alike, and nothing behind it. */
function requireForm(der: Bytes): void {
  const [whole, ...behind] = der.length > MAX_BYTES ? [] : derElements(der) ?? [];
  const [body, algorithm, signature] = derElements(whole?.content ?? new Uint8Array()) ?? [];
  const fields = derElements(body?.content ?? new Uint8Array()) ?? [];
  const isWhole = whole !== undefined && behind.length === 0 && signature !== undefined;
  if (!isWhole || fields.length < 6) throw refused("it is no certificate");
  if (fields[0]!.whole.toHex() !== VERSION_3) throw refused("it is not of version 3");
  const isOurs = [algorithm!, fields[2]!].every(({ whole }) => whole.toHex() === ECDSA_WITH_SHA256);
  if (!isOurs) throw refused("it is signed by another algorithm");
}

function parse(der: Bytes): x509.X509Certificate {
  try {
    return new x509.X509Certificate(der);
  } catch {
    throw refused("it is no certificate");
  }
}

function refused(why: string): PalyraError {
  return new PalyraError("denied", `Cannot accept the certificate: ${why}`);
}
