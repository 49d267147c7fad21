/** What went wrong with a request, in palyra's own words: nothing of the server or of a library. */

import { type ErrorCode, isPalyraError, PalyraError } from "../../errors.ts";
import type { WebFailureReason } from "../web.ts";

const TEXTS: Readonly<Record<WebFailureReason, readonly [ErrorCode, string]>> = {
  scheme: ["denied", "its address is not HTTPS"],
  address: ["denied", "its address is not one of the public Internet"],
  redirect: ["denied", "it answered with a redirect, and redirects are not followed"],
  key_log: ["denied", "the keys of the connection would be written to a file"],
  name: ["connectivity", "its name cannot be looked up"],
  connection: ["connectivity", "the connection failed"],
  proxy: ["connectivity", "the configured proxy does not connect to it"],
  certificate: ["connectivity", "its certificate is not valid for it"],
  timeout: ["connectivity", "it took too long"],
  too_large: ["connectivity", "its answer is too large"],
  answer: ["connectivity", "its answer is no valid HTTP"],
};

/** The typed error for a request to `host`; a hint where there is something to do. */
export function webFailure(
  host: string,
  reason: WebFailureReason,
  mayHaveArrived: boolean,
  hint?: string,
): PalyraError {
  const [code, why] = TEXTS[reason];
  return new PalyraError(code, `Cannot reach ${host}: ${why}`, {
    ...(hint === undefined ? {} : { hint }),
    details: { reason, request_may_have_arrived: mayHaveArrived },
  });
}

/** Where the runtime gave up, as far as its texts tell; they are looked through, and never shown. */
export function classifyFetchFailure(
  error: unknown,
): { readonly reason: WebFailureReason; readonly wasConnecting: boolean } {
  const text = textsOf(error);
  const wasConnecting = text.includes("client error (Connect)"); // TLS is part of connecting
  if (/invalid peer certificate/.test(text)) return { reason: "certificate", wasConnecting };
  const isProtocol = /invalid [-\w ]+ parsed|message head is too large/;
  return { reason: isProtocol.test(text) ? "answer" : "connection", wasConnecting };
}

/** Why a server could not be connected to. */
export function classifyDialFailure(error: unknown): WebFailureReason {
  return /lookup address|name resolution/i.test(textsOf(error)) ? "name" : "connection";
}

function textsOf(error: unknown): string {
  const texts: string[] = [];
  let at = error;
  for (let depth = 0; at instanceof Error && !isPalyraError(at) && depth < 5; depth++) {
    texts.push(at.message);
    at = at.cause;
  }
  return texts.join("\n");
}
