/** The JSON documents inside the identity store's records, checked when they are read. */

import { decodeUtf8 } from "../crypto/encoding.ts";
import type { SensitiveBytes } from "../crypto/sensitive_bytes.ts";
import { PalyraError } from "../errors.ts";

/** A private key as a JWK (RFC 7517) of one curve. */
export interface PrivateJwk {
  readonly kty: string;
  readonly crv: string;
  readonly x: string;
  readonly d: string;
}

/** The object that a record holds. Throws `integrity`, and quotes nothing of it. */
export function parseRecord(
  record: SensitiveBytes,
  what: string,
): Readonly<Record<string, unknown>> {
  try {
    const document: unknown = JSON.parse(decodeUtf8(record.reveal()) ?? "");
    if (typeof document === "object" && document !== null) return { ...document };
  } catch { /* the message of a JSON error quotes the text */ }
  throw malformed(what);
}

/** The private key in a document. Throws `integrity` for another type or curve. */
export function privateJwkOf(
  document: unknown,
  { kty, crv }: Pick<PrivateJwk, "kty" | "crv">,
  what: string,
): PrivateJwk {
  const jwk = typeof document === "object" && document !== null
    ? { ...document } as JsonWebKey
    : {};
  const { x, d } = jwk;
  if (jwk.kty !== kty || jwk.crv !== crv || typeof x !== "string" || typeof d !== "string") {
    throw malformed(what);
  }
  return { kty, crv, x, d };
}

/** The error for a record whose content palyra has not written. */
export function malformed(what: string): PalyraError {
  return new PalyraError(
    "integrity",
    `Cannot open ${what}: its record is not one that palyra wrote`,
  );
}
