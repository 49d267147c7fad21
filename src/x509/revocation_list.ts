/**
 * Certificate revocation lists (RFC 5280 section 5), written by our own DER: the library's way grows
 * with the square of the entries.
 */

import {
  der,
  derElements,
  derInteger,
  derNumber,
  derObjectIdentifier,
  derOf,
  derTime,
  TAG,
} from "./der.ts";
import type { Issuer } from "./certificate.ts";
import { PalyraError } from "../errors.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A certificate that is no longer good. */
export interface Revocation {
  readonly serial: Bytes;
  readonly revokedAt: Date;
}

/** What a list says of itself. */
export interface ListTemplate {
  /** One more with every list. */
  readonly number: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly revocations: readonly Revocation[];
}

const ECDSA_WITH_SHA256 = der(TAG.sequence, derObjectIdentifier("1.2.840.10045.4.3.2"));
const SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
const AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
const CRL_NUMBER = "2.5.29.20";
const VERSION_2 = derNumber(1);
/** [0] IMPLICIT KeyIdentifier. */
const KEY_IDENTIFIER = 0x80;
const HALF = 32;

/** Writes and signs a list. Throws `integrity` for an authority's certificate that palyra has not made. */
export async function makeRevocationList(issuer: Issuer, template: ListTemplate): Promise<Bytes> {
  const { number, thisUpdate, nextUpdate, revocations } = template;
  const { subject, keyIdentifier } = readAuthority(issuer.certificate);
  const entries = revocations.map(({ serial, revokedAt }) =>
    der(TAG.sequence, derInteger(serial), derTime(revokedAt))
  );
  const extensions = der(
    TAG.sequence,
    extension(AUTHORITY_KEY_IDENTIFIER, der(TAG.sequence, der(KEY_IDENTIFIER, keyIdentifier))),
    extension(CRL_NUMBER, derNumber(number)),
  );
  const list = der(
    TAG.sequence,
    VERSION_2,
    ECDSA_WITH_SHA256,
    subject,
    derTime(thisUpdate),
    derTime(nextUpdate),
    // An empty list of entries must be absent (section 5.1.2.6).
    ...(entries.length === 0 ? [] : [derOf(TAG.sequence, entries)]),
    der(TAG.context0, extensions),
  );
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  const signature = new Uint8Array(await crypto.subtle.sign(algorithm, issuer.signingKey, list));
  const bits = der(
    TAG.sequence,
    derInteger(signature.subarray(0, HALF)),
    derInteger(signature.subarray(HALF)),
  );
  return der(
    TAG.sequence,
    list,
    ECDSA_WITH_SHA256,
    der(TAG.bitString, new Uint8Array(1), bits),
  );
}

function extension(id: string, value: Uint8Array): Bytes {
  return der(TAG.sequence, derObjectIdentifier(id), der(TAG.octetString, value));
}

/** Subject and key identifier, as they stand in the certificate: what others compare byte for byte. */
function readAuthority(certificate: Bytes): { subject: Uint8Array; keyIdentifier: Uint8Array } {
  const [whole] = derElements(certificate) ?? [];
  const [body] = derElements(whole?.content ?? new Uint8Array()) ?? [];
  const fields = derElements(body?.content ?? new Uint8Array()) ?? [];
  const subject = fields[5]?.whole; // version, serial, algorithm, issuer, validity, subject
  const list = derElements(
    derElements(fields.at(-1)?.content ?? new Uint8Array())?.[0]?.content ?? new Uint8Array(),
  );
  const wanted = derObjectIdentifier(SUBJECT_KEY_IDENTIFIER).toHex();
  for (const { content } of list ?? []) {
    const parts = derElements(content) ?? [];
    if (parts[0]?.whole.toHex() !== wanted) continue;
    const [identifier] = derElements(parts.at(-1)!.content) ?? [];
    if (subject !== undefined && identifier !== undefined) {
      return { subject, keyIdentifier: identifier.content };
    }
  }
  throw new PalyraError(
    "integrity",
    "Cannot write the list: the authority's certificate is damaged",
  );
}
