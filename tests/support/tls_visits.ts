/** Visits of real TLS clients, curl and OpenSSL, to a server behind a socket file. */

import type { Leaf } from "./openssl_devices.ts";
import { type Ended, runProcess } from "./process.ts";

/** What a visit has come to. */
export interface Visit {
  /** The client's own exit status. */
  readonly status: number;
  /** What the server has answered. */
  readonly body: string;
  /** What the client said about it. */
  readonly said: string;
}

/** A server, and who must have issued its certificate. */
export interface Host {
  readonly socket: string;
  readonly ca: string;
}

/**
 * Visits with OpenSSL, which judges the server's whole chain, strictly. A certificate of a device names
 * no host, so that none is compared.
 */
export async function visitWithOpenssl({ socket, ca }: Host, leaf?: Leaf): Promise<Visit> {
  const judge = ["-CAfile", ca, "-verify_return_error", "-x509_strict", "-purpose", "sslserver"];
  const argv = ["/usr/bin/openssl", "s_client", "-quiet", "-unix", socket, ...judge];
  const own = leaf === undefined ? [] : ["-cert", leaf.certificate, "-key", leaf.key];
  return visitOf(await runProcess({ argv: [...argv, ...own], stdin: "GET / HTTP/1.0\r\n\r\n" }));
}

/** Visits with curl, which trusts the server as `trust` says: arguments of curl's own. */
export async function visitWithCurl(
  { socket }: Host,
  trust: readonly string[],
  leaf?: Leaf,
): Promise<Visit> {
  const argv = ["/usr/bin/curl", "--silent", "--show-error", "--max-time", "20"];
  const own = leaf === undefined ? [] : ["--cert", leaf.certificate, "--key", leaf.key];
  const where = ["--unix-socket", socket, "https://device.invalid/"];
  return visitOf(await runProcess({ argv: [...argv, ...trust, ...own, ...where] }));
}

/** Makes curl trust the one key of a certificate, whoever has issued it. */
export async function pinnedKey(certificate: string): Promise<string[]> {
  const script = 'openssl x509 -in "$0" -noout -pubkey | openssl pkey -pubin -outform DER | ' +
    "openssl dgst -sha256 -binary | openssl base64";
  const argv = ["/bin/sh", "-c", script, certificate];
  const { out } = await runProcess({ argv, env: { PATH: "/usr/bin:/bin" } });
  return ["--insecure", "--pinnedpubkey", `sha256//${out.trim()}`];
}

function visitOf({ status, out, err }: Ended): Visit {
  return { status, body: out.slice(out.indexOf("\r\n\r\n") + 1).trim(), said: err };
}
