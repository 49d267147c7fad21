/** Requests to servers by `fetch`, through a relay that judges the address that is connected to. */

import { isPalyraError, PalyraError } from "../../errors.ts";
import { type AddressRange, parseAddressRange } from "../../network/address_range.ts";
import { type Endpoint, parseEndpoint } from "../../network/endpoint.ts";
import type { Web, WebFetch, WebPolicy, WebRequest } from "../web.ts";
import { AnswerInvalid, AnswerTooLarge, isRedirect, readAnswer } from "./bounded_answer.ts";
import { startDeadline } from "./deadline.ts";
import { connectChecked, type Dial, dialTcp } from "./dial.ts";
import { hideNetworkVariables } from "./network_variables.ts";
import { openRelay, type Relay, TooManyBytes } from "./relay.ts";
import { classifyFetchFailure, webFailure } from "./web_failures.ts";

const LONGEST_MS = 10_000;
const MOST_BYTES = 256 * 1024;
/** For the handshake and the headers, beside the body. */
const ROOM_ON_THE_WIRE = 128 * 1024;

/** The real network. */
export const web: Web = openWeb(dialTcp);

/** The port over a way to connect. */
export function openWeb(dial: Dial): Web {
  return { client: (policy) => clientOf(readPolicy(policy, dial)) };
}

interface Rules {
  readonly allow: readonly AddressRange[];
  readonly proxy: WebPolicy["proxy"];
  readonly caCerts: string[];
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly dial: Dial;
}

function readPolicy(policy: WebPolicy, dial: Dial): Rules {
  const caCerts = [...policy.caCertificates ?? []];
  // The runtime passes over a text without a certificate, and nobody would know why none is trusted.
  if (!caCerts.every((pem) => pem.includes("-----BEGIN CERTIFICATE-----"))) {
    throw new PalyraError("usage", "Cannot use the certificates of further CAs: they are not PEM");
  }
  return {
    allow: (policy.allow ?? []).map(parseAddressRange),
    proxy: policy.proxy,
    caCerts,
    timeoutMs: Math.min(policy.timeoutMs ?? LONGEST_MS, LONGEST_MS),
    maxBytes: Math.min(policy.maxBytes ?? MOST_BYTES, MOST_BYTES),
    dial,
  };
}

function clientOf(rules: Rules): WebFetch {
  return async (url, request = {}) => {
    const endpoint = parseEndpoint(url);
    hideNetworkVariables(); // each time: `run` may have given them back
    const deadline = startDeadline(rules.timeoutMs, request.signal);
    using relay = openRelay({
      host: endpoint.host,
      port: endpoint.port,
      connect: () => connectChecked(endpoint, rules, deadline.signal),
      maxBytes: rules.maxBytes + ROOM_ON_THE_WIRE,
    });
    try {
      return await deadline.before(() =>
        exchange(endpoint, request, rules, relay, deadline.signal)
      );
    } catch (error) {
      throw failureOf(error, endpoint, relay, deadline.signal.aborted);
    } finally {
      deadline.end(); // ends what is still under way
    }
  };
}

/** One request on one connection, which nothing else ever uses. */
async function exchange(
  { url, host }: Endpoint,
  request: WebRequest,
  { caCerts, maxBytes }: Rules,
  relay: Relay,
  signal: AbortSignal,
): Promise<Response> {
  using client = makeClient(relay, caCerts);
  const answer = await fetch(url, {
    client,
    method: request.method ?? "GET",
    headers: headersOf(request),
    body: request.body ?? null,
    redirect: "manual",
    signal,
  });
  if (isRedirect(answer)) throw webFailure(host, "redirect", true);
  return await readAnswer(answer, maxBytes);
}

/** A packed answer could unpack to anything; one that is packed all the same is not read. */
function headersOf(request: WebRequest): Headers {
  const headers = new Headers({ ...request.headers });
  headers.set("accept-encoding", "identity");
  return headers;
}

function makeClient(relay: Relay, caCerts: string[]): Deno.HttpClient {
  try {
    return Deno.createHttpClient({
      proxy: { transport: "socks5", url: relay.url },
      caCerts,
      http2: false, // one request: nothing to gain, and much that a server could do
      poolMaxIdlePerHost: 0,
    });
  } catch {
    throw new PalyraError("usage", "Cannot use the certificates of further CAs: one is damaged");
  }
}

/** The first cause counts: what the relay met, then the clock, then what `fetch` made of it. */
function failureOf(error: unknown, { host }: Endpoint, relay: Relay, isLate: boolean): PalyraError {
  const met = relay.failure();
  if (isPalyraError(error)) return error;
  if (isPalyraError(met) && !isLate) return met;
  const hasConnected = relay.hasConnected();
  if (error instanceof AnswerTooLarge || met instanceof TooManyBytes) {
    return webFailure(host, "too_large", true);
  }
  if (isLate) return webFailure(host, "timeout", hasConnected);
  if (error instanceof AnswerInvalid) return webFailure(host, "answer", true);
  const { reason, wasConnecting } = classifyFetchFailure(error);
  return webFailure(host, reason, hasConnected && !wasConnecting);
}
