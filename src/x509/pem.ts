/** The text form of certificates, requests and lists (RFC 7468). */

/** What a text holds. OpenSSL reads a list only under this label. */
export type PemLabel = "CERTIFICATE" | "CERTIFICATE REQUEST" | "X509 CRL";

const LINE = 64;

/** The text of DER bytes, with a line end at its end. */
export function formatPem(label: PemLabel, bytes: Uint8Array): string {
  const lines = bytes.toBase64().match(new RegExp(`.{1,${LINE}}`, "g")) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/** The bytes of the one block of this label; `undefined` for a text that is anything else. */
export function parsePem(label: PemLabel, text: string): Uint8Array<ArrayBuffer> | undefined {
  const pattern = new RegExp(
    `^\\s*-----BEGIN ${label}-----\\r?\\n([A-Za-z0-9+/=\\r\\n]+?)\\r?\\n-----END ${label}-----\\s*$`,
  );
  const body = pattern.exec(text)?.[1]?.replaceAll(/[\r\n]/g, "");
  if (body === undefined) return undefined;
  try {
    return Uint8Array.fromBase64(body);
  } catch {
    return undefined;
  }
}
