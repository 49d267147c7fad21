/** Flags that say what a certificate is to be: how long it is good, and for what. */

import { PalyraError } from "../errors.ts";
import { VALIDITY_BOUNDS_S } from "../identity/document.ts";
import type { Usage } from "../x509/certificate.ts";
import type { App } from "./app.ts";
import { readPemFile } from "./documents.ts";
import { parseDuration } from "./values.ts";

/** The flags. */
export interface CertificateFlags {
  readonly validity?: string | undefined;
  readonly usage?: string | undefined;
  readonly csr?: string | undefined;
}

/** What they say. */
export interface CertificateWish {
  readonly validityS: number;
  readonly usages: readonly Usage[];
  /** A certificate request of the user's own key (DER). */
  readonly ownRequest: Uint8Array<ArrayBuffer> | undefined;
}

const DEFAULT_VALIDITY = "7d";
const SECOND_MS = 1_000;

/** Usages by what stands in `--usage`. */
export const USAGES: Readonly<Record<string, readonly Usage[]>> = {
  client: ["clientAuth"],
  server: ["serverAuth"],
  both: ["clientAuth", "serverAuth"],
};

/** Reads the flags. Throws `usage`. */
export async function certificateWish(
  app: App,
  { validity = DEFAULT_VALIDITY, usage, csr }: CertificateFlags,
  defaultUsage: "client" | "both",
): Promise<CertificateWish> {
  const validityS = parseDuration(validity, "--validity") / SECOND_MS;
  const [least, most] = VALIDITY_BOUNDS_S;
  if (validityS < least || validityS > most) {
    throw new PalyraError("usage", "Cannot use --validity: it goes from 1h to 397d");
  }
  return {
    validityS,
    usages: usagesOf(usage ?? defaultUsage),
    ownRequest: csr === undefined ? undefined : await readPemFile(app, csr, "CERTIFICATE REQUEST"),
  };
}

/** What `--usage` says. Throws `usage`. */
export function usagesOf(text: string): readonly Usage[] {
  const usages = Object.hasOwn(USAGES, text) ? USAGES[text] : undefined;
  if (usages !== undefined) return usages;
  throw new PalyraError("usage", "Cannot use --usage: it is client, server or both");
}
