/** Certificates of an authority: its own, and those of devices, built from a template (RFC 5280). */

import { ALGORITHM, x509 } from "./library.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** From when to when a certificate is good. */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** A new authority. */
export interface AuthorityTemplate extends Validity {
  readonly commonName: string;
  /** 16 random bytes. */
  readonly serial: Bytes;
  readonly keys: CryptoKeyPair;
}

/** What a certificate may be used for. */
export type Usage = "clientAuth" | "serverAuth";

/** The certificate of a device: nothing in it comes from its request but the public key. */
export interface LeafTemplate extends Validity {
  readonly commonName: string;
  /** 16 random bytes. */
  readonly serial: Bytes;
  readonly publicKey: CryptoKey;
  /** The one subject alternative name. */
  readonly uri: string;
  readonly usages: readonly Usage[];
}

/** Who issues. */
export interface Issuer {
  /** DER. */
  readonly certificate: Bytes;
  readonly signingKey: CryptoKey;
}

/** A certificate that may sign certificates and lists, and nothing below it may. */
export async function makeAuthorityCertificate(template: AuthorityTemplate): Promise<Bytes> {
  const { commonName, serial, keys, notBefore, notAfter } = template;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: positive(serial).toHex(),
    name: [{ CN: [commonName] }],
    notBefore,
    notAfter,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return new Uint8Array(certificate.rawData);
}

/** Issues a certificate from a template. */
export async function issueLeaf(issuer: Issuer, template: LeafTemplate): Promise<Bytes> {
  const authority = new x509.X509Certificate(issuer.certificate);
  const { commonName, serial, publicKey, uri, usages, notBefore, notAfter } = template;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: positive(serial).toHex(),
    subject: [{ CN: [commonName] }],
    issuer: authority.subjectName,
    notBefore,
    notAfter,
    publicKey,
    signingKey: issuer.signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(
        usages.map((usage) => x509.ExtendedKeyUsage[usage]),
        false,
      ),
      new x509.SubjectAlternativeNameExtension([{ type: "url", value: uri }], false),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
    ],
  });
  return new Uint8Array(certificate.rawData);
}

/** A serial number is above zero, and has 20 bytes at most (RFC 5280 section 4.1.2.2). */
function positive(serial: Bytes): Bytes {
  const bytes = serial.slice();
  bytes[0] = (bytes[0]! & 0x7f) | 0x40; // and always as long, whatever the dice say
  return bytes;
}

/** The SubjectPublicKeyInfo of a certificate. Throws what the library throws for what is none. */
export function publicKeyOf(certificate: Bytes): Bytes {
  return new Uint8Array(new x509.X509Certificate(certificate).publicKey.rawData);
}

/** The serial number of a certificate: lower-case hexadecimal without zeros before it. */
export function serialOf(certificate: Bytes): string {
  return new x509.X509Certificate(certificate).serialNumber.toLowerCase().replace(/^0+(?=.)/, "");
}

/** What a certificate may be used for, of the usages that are known here. */
export function usagesIn(certificate: Bytes): Usage[] {
  const usages = new x509.X509Certificate(certificate)
    .getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? [];
  const known: readonly Usage[] = ["clientAuth", "serverAuth"];
  return known.filter((usage) => usages.includes(x509.ExtendedKeyUsage[usage]));
}
