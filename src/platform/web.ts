/** The port to servers on the network: one request, one bounded answer, never a redirect. */

/** Servers on the network. */
export interface Web {
  /**
   * A function that sends requests under a policy; it has the form of `fetch`, for libraries.
   * Throws `usage` where the policy cannot be read.
   */
  client(policy: WebPolicy): WebFetch;
}

/** What requests may do. Nothing of it comes from the environment of the process. */
export interface WebPolicy {
  /**
   * Special addresses that may be connected to, as `127.0.0.1` or `10.0.0.0/8`; without them public
   * ones only. Metadata services are allowed by their very address, never by a range.
   */
  readonly allow?: readonly string[];
  /** Certificates of further CAs, PEM, beside those that the runtime brings. */
  readonly caCertificates?: readonly string[];
  /** The proxy for HTTPS. It looks names up by itself: only literal addresses can be judged. */
  readonly proxy?: WebProxy;
  /** Milliseconds from the call to the last byte, looking the name up included; at most 10,000. */
  readonly timeoutMs?: number;
  /** Most bytes of an answer, unpacked; at most 262,144. */
  readonly maxBytes?: number;
}

/** An HTTP proxy (RFC 9110, 9.3.6). It is trusted with names of servers, never with a request. */
export interface WebProxy {
  readonly host: string;
  readonly port: number;
  /** `user:password`, sent to the proxy alone. The caller wipes it. */
  readonly credentials?: Uint8Array;
}

/** A request; what `oauth4webapi` gives to its `customFetch` is one. */
export interface WebRequest {
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | URLSearchParams | Uint8Array<ArrayBuffer> | undefined;
  /** Ends the request early, as if its time were over. */
  readonly signal?: AbortSignal | undefined;
  /** Redirects are never followed, whatever stands here. */
  readonly redirect?: string | undefined;
}

/**
 * Sends one request and reads the whole answer. Answers of any status are returned, but redirects.
 *
 * Throws `usage` for an address that is none, `denied` for what the rules forbid (no HTTPS, a special
 * address, a redirect, SSLKEYLOGFILE), `connectivity` for everything that went wrong on the way. The
 * error's details have `reason`, a {@link WebFailureReason}, and `request_may_have_arrived`: `false`
 * only when it is certain that the server never got the request. No error quotes the server.
 */
export type WebFetch = (url: string, request?: WebRequest) => Promise<Response>;

/** Why a request failed. */
export type WebFailureReason =
  | "scheme"
  | "address"
  | "redirect"
  | "key_log"
  | "name"
  | "connection"
  | "proxy"
  | "certificate"
  | "timeout"
  | "too_large"
  | "answer";
