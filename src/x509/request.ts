/** Certificate requests (PKCS #10, RFC 2986): what a device sends in place of its key. */

import { PalyraError } from "../errors.ts";
import { derElements } from "./der.ts";
import { exportPublicKey, importPublicKey } from "./keys.ts";
import { ALGORITHM, x509 } from "./library.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const MAX_BYTES = 4_096;

/** A request for a key, signed with it. */
export async function makeRequest(keys: CryptoKeyPair, commonName: string): Promise<Bytes> {
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: ALGORITHM,
  });
  return new Uint8Array(request.rawData);
}

/**
 * The public key of a request, which proves that its sender has the private one. All else in it is
 * passed over. Throws `usage` for what is no request, `integrity` for a signature that does not fit.
 */
export async function readRequest(der: Bytes): Promise<CryptoKey> {
  if (der.length > MAX_BYTES || derElements(der)?.length !== 1) throw noRequest(); // nothing behind it
  let request: x509.Pkcs10CertificateRequest;
  let spki: Bytes;
  try {
    request = new x509.Pkcs10CertificateRequest(der);
    spki = new Uint8Array(request.publicKey.rawData);
  } catch { // the library's words may quote the request
    throw noRequest();
  }
  const key = await importPublicKey(spki);
  const isSigned = await request.verify().catch(() => false);
  const isSame = (await exportPublicKey(key)).every((byte, at) => spki[at] === byte);
  if (isSigned && isSame) return key;
  throw new PalyraError("integrity", "Cannot use the request: its signature does not fit its key");
}

function noRequest(): PalyraError {
  return new PalyraError("usage", "Cannot use the request: it is no certificate request");
}
