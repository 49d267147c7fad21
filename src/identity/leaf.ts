/** Leaf keys and certificates as this device keeps them: made here, sealed, and never sent. */

import { decodeBase64Url, encodeBase64Url } from "../crypto/encoding.ts";
import { PalyraError } from "../errors.ts";
import { publicKeyOf, type Usage } from "../x509/certificate.ts";
import { exportPublicKey, importPublicJwk, importSigningKey } from "../x509/keys.ts";
import { checkCertificate } from "../x509/peer_check.ts";
import { makeRequest, readRequest } from "../x509/request.ts";
import { createPrivateKeyJwk } from "./key_generation.ts";
import { malformed, type PrivateJwk, privateJwkOf } from "./record.ts";
import { deviceUri } from "./registry/certificates.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const P256 = { kty: "EC", crv: "P-256" } as const;

/** The private key of a leaf as a record holds it; `null` for one that the user keeps elsewhere. */
export type LeafKey = (PrivateJwk & { readonly y: string }) | null;

/** A new key with its request (PKCS #10, DER). */
export interface NewLeafKey {
  readonly key: LeafKey;
  readonly csr: Bytes;
}

/** A certificate with its key, and from when to when it is good. */
export interface Leaf {
  readonly key: LeafKey;
  /** DER. */
  readonly certificate: Bytes;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Makes a key, or takes the request of a user's own. Throws `usage`, `integrity` for a bad one. */
export async function newLeafKey(deviceId: string, ownRequest?: Bytes): Promise<NewLeafKey> {
  if (ownRequest !== undefined) {
    await readRequest(ownRequest);
    return { key: null, csr: ownRequest };
  }
  const jwk = await createPrivateKeyJwk({ name: "ECDSA", namedCurve: "P-256" });
  const key = leafKeyOf(jwk, "a new key");
  const keys = {
    privateKey: await importSigningKey({ ...key }),
    publicKey: await importPublicJwk({ ...key }),
  };
  return { key, csr: await makeRequest(keys, `palyra device ${deviceId}`) };
}

/** The key in a record. Throws `integrity`. */
export function leafKeyOf(document: unknown, what: string): LeafKey {
  if (document === null) return null;
  const jwk = privateJwkOf(document, P256, what);
  const { y } = document as JsonWebKey;
  if (typeof y !== "string") throw malformed(what);
  return { ...jwk, y };
}

/** A certificate that was issued for a request of this device. */
export interface IssuedLeaf {
  /** DER. */
  readonly certificate: Bytes;
  readonly key: LeafKey;
  readonly csr: Bytes;
  readonly usages: readonly Usage[];
  readonly deviceId: string;
  /** DER of the one CA that may have issued it. */
  readonly authority: Bytes;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * The leaf of a certificate, proven: issued by the CA, good now, for this device, for every usage that was
 * asked for, and for the key of the request. Throws `denied`.
 */
export async function provenLeaf(issued: IssuedLeaf): Promise<Leaf> {
  const { certificate, key, csr, usages, deviceId, authority, now } = issued;
  const checked = await checkCertificate(certificate, {
    authority,
    now: new Date(now),
    usages,
    uri: deviceUri(deviceId),
  });
  await requireKeyOf(certificate, csr);
  return {
    key,
    certificate,
    notBefore: checked.notBefore.getTime(),
    notAfter: checked.notAfter.getTime(),
  };
}

/** Throws `denied` unless a certificate is for the key of a request. */
async function requireKeyOf(certificate: Bytes, csr: Bytes): Promise<void> {
  const [asked, given] = [await exportPublicKey(await readRequest(csr)), publicKeyOf(certificate)];
  if (asked.toHex() === given.toHex()) return;
  throw new PalyraError("denied", "Cannot accept the certificate: it is for another key");
}

/** A leaf as a record holds it. */
export function leafRecord(leaf: Leaf): Readonly<Record<string, unknown>> {
  return {
    certificate: encodeBase64Url(leaf.certificate),
    key: leaf.key,
    not_before: leaf.notBefore,
    not_after: leaf.notAfter,
  };
}

/** A leaf in a record. Throws `integrity`. */
export function leafIn(document: Readonly<Record<string, unknown>>, what: string): Leaf {
  const { certificate, key, not_before, not_after } = document;
  const der = typeof certificate === "string" ? decodeBase64Url(certificate) : undefined;
  if (der === undefined || typeof not_before !== "number" || typeof not_after !== "number") {
    throw malformed(what);
  }
  return {
    key: leafKeyOf(key, what),
    certificate: der,
    notBefore: not_before,
    notAfter: not_after,
  };
}

/** Whether a certificate is to be renewed: when a third of its life is left. */
export function isDue({ notBefore, notAfter }: Leaf, now: number): boolean {
  return notAfter - now <= (notAfter - notBefore) / 3;
}
