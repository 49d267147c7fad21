/** Other programs that make keys and judge certificates: OpenSSL and GnuTLS. */

import assert from "node:assert/strict";
import { runProcess } from "./process.ts";

/** What a program said, and how it ended. */
export interface Judgement {
  readonly status: number;
  /** Both outputs. */
  readonly out: string;
}

/** Paths of PEM files. */
export interface KeyAndRequest {
  readonly key: string;
  /** A certificate request for it. */
  readonly request: string;
}

/** Runs OpenSSL. */
export async function openssl(...args: readonly string[]): Promise<Judgement> {
  return await judge("/usr/bin/openssl", args);
}

/** Runs certtool of GnuTLS. */
export async function certtool(...args: readonly string[]): Promise<Judgement> {
  return await judge("/usr/bin/certtool", args);
}

/** Makes a key on P-256 and a request for it, as `<prefix>.key` and `<prefix>.csr`. */
export async function makeKeyAndRequest(prefix: string): Promise<KeyAndRequest> {
  const [key, request] = [`${prefix}.key`, `${prefix}.csr`];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const names = ["-subj", "/CN=whoever it says", "-keyout", key, "-out", request];
  const { status, out } = await openssl("req", "-new", ...kind, ...names);
  assert.equal(status, 0, out);
  return { key, request };
}

/** The serial number of a certificate, lower-case hexadecimal. */
export async function serialIn(certificate: string): Promise<string> {
  const { out } = await openssl("x509", "-in", certificate, "-noout", "-serial");
  return /^serial=([0-9A-F]+)$/m.exec(out)![1]!.toLowerCase();
}

async function judge(program: string, args: readonly string[]): Promise<Judgement> {
  const { status, out, err } = await runProcess({ argv: [program, ...args] });
  return { status, out: out + err };
}
