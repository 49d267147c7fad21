/** Servers to send requests to: well-behaved ones, and raw ones that do what they like. */

import { type Dial, dialTcp } from "../../src/platform/deno/dial.ts";
import { openWeb } from "../../src/platform/deno/web.ts";
import type { WebFailureReason, WebFetch, WebPolicy } from "../../src/platform/web.ts";
import { PalyraError } from "../../src/errors.ts";
import { webCertificate } from "./web_certificate.ts";

/** What a server got. */
export interface ArrivedRequest {
  readonly url: string;
  readonly headers: Headers;
}

/** A server on a port of 127.0.0.1. */
export interface WebServer extends AsyncDisposable {
  readonly port: number;
  /** Requests that arrived; of a raw server, connections. */
  readonly arrived: ArrivedRequest[];
}

/** An HTTPS server that answers by a function. */
export function tlsServer(answer: (request: Request) => Response | Promise<Response>): WebServer {
  const { cert, key } = webCertificate();
  return httpServer(answer, { cert, key });
}

/** An HTTP server that answers by a function. */
export function httpServer(
  answer: (request: Request) => Response | Promise<Response>,
  tls: { cert?: string; key?: string } = {},
): WebServer {
  const arrived: ArrivedRequest[] = [];
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {}, onError, ...tls } as Deno.ServeTcpOptions,
    (request) => {
      arrived.push({ url: request.url, headers: new Headers(request.headers) });
      return answer(request);
    },
  );
  return { port: server.addr.port, arrived, [Symbol.asyncDispose]: () => server.shutdown() };
}

function onError(): Response {
  return new Response("failed", { status: 500 });
}

/** A server that does whatever `talk` does with each connection; over TLS where `isSecure`. */
export function rawServer(
  talk: (connection: Deno.Conn, write: (text: string) => Promise<void>) => Promise<void>,
  isSecure = true,
): WebServer {
  const { cert, key } = webCertificate();
  const place = { port: 0, hostname: "127.0.0.1" };
  const listener = isSecure ? Deno.listenTls({ ...place, cert, key }) : Deno.listen(place);
  const arrived: ArrivedRequest[] = [];
  const open = new Set<Deno.Conn>();
  const talks: Promise<void>[] = [];
  const write = (connection: Deno.Conn) => async (text: string): Promise<void> => {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  };
  async function accept(): Promise<void> {
    for await (const connection of listener) {
      open.add(connection);
      arrived.push({ url: "", headers: new Headers() });
      talks.push(
        talk(connection, write(connection)).catch(() => {}).finally(() => close(connection)),
      );
    }
  }
  const accepting = accept().catch(() => {});
  function close(connection: Deno.Conn): void {
    open.delete(connection);
    try {
      connection.close();
    } catch { /* closed by the talk */ }
  }
  return {
    port: (listener.addr as Deno.NetAddr).port,
    arrived,
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      for (const connection of [...open]) close(connection);
      await accepting;
      await Promise.all(talks);
    },
  };
}

/** Reads until the head of a request is over; what came of it. */
export async function readRequest(connection: Deno.Conn): Promise<string> {
  const bytes = new Uint8Array(64 * 1024);
  let length = 0;
  for (;;) {
    const read = await connection.read(bytes.subarray(length));
    if (read === null) break;
    length += read;
    if (new TextDecoder().decode(bytes.subarray(0, length)).includes("\r\n\r\n")) break;
  }
  return new TextDecoder().decode(bytes.subarray(0, length));
}

/** A way to connect that knows one server by every name, whatever port is asked for. */
export function dialOnly({ port }: WebServer, dialled: string[] = []): Dial {
  return (host, wanted, signal) => {
    dialled.push(`${host}:${wanted}`);
    return dialTcp("127.0.0.1", port, signal);
  };
}

/** A client that trusts the tests' CA, may connect to loopback, and knows one server by every name. */
export function clientOf(server: WebServer, policy: WebPolicy = {}, dialled?: string[]): WebFetch {
  return openWeb(dialOnly(server, dialled)).client({
    allow: ["127.0.0.1"],
    caCertificates: [webCertificate().ca],
    ...policy,
  });
}

/** How a request failed. */
export interface WebFailure {
  readonly code: string;
  readonly reason: WebFailureReason | undefined;
  readonly mayHaveArrived: boolean | undefined;
  readonly message: string;
}

/** The failure of a request that has to fail, by a typed error. */
export async function failureOf(work: Promise<Response>): Promise<WebFailure> {
  try {
    const { status } = await work;
    throw new Error(`It was answered with ${status}`);
  } catch (error) {
    if (!(error instanceof PalyraError)) throw error;
    const details = error.details ?? {};
    return {
      code: error.code,
      reason: details["reason"] as WebFailureReason | undefined,
      mayHaveArrived: details["request_may_have_arrived"] as boolean | undefined,
      message: `${error.message} ${error.hint ?? ""}`,
    };
  }
}
