/** Listens on the loopback interface until a browser comes back from an authorization server. */

import { PalyraError } from "../../errors.ts";
import type { OpenRedirectListener, RedirectListener } from "../redirect_listener.ts";

const HOST = "127.0.0.1";
const PATH = "/callback";
const LONGEST = 16_384;
/** How long a browser has to take its page, in milliseconds. */
const LAST_PAGE_MS = 1_000;
/** No script, nothing loaded, nothing kept, and the address with the code goes nowhere. */
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "connection": "close",
};
const DONE = pageOf("palyra has the answer. You may close this window.");
const OTHER = pageOf("Nothing is here.");

/** Opens a listener. */
export const openRedirectListener: OpenRedirectListener = (port): RedirectListener => {
  const came = Promise.withResolvers<URL>();
  const end = new AbortController();
  let expected: string | undefined;
  let page: Promise<void> | undefined;
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve(
      { hostname: HOST, port, signal: end.signal, onListen: () => {}, onError: () => other() },
      (request, { completed }) => {
        const url = request.url.length <= LONGEST ? new URL(request.url) : undefined;
        const isOurs = request.method === "GET" && url?.pathname === PATH &&
          expected !== undefined &&
          url.searchParams.getAll("state").length === 1 &&
          url.searchParams.get("state") === expected;
        if (!isOurs) return other();
        page = completed.catch(() => {});
        came.resolve(url);
        return new Response(DONE, { headers: HEADERS });
      },
    );
  } catch (error) {
    throw new PalyraError("unavailable", `Cannot listen on ${HOST}: the port cannot be had`, {
      cause: error,
    });
  }
  return {
    redirectUri: `http://${HOST}:${server.addr.port}${PATH}`,
    answer: async (state, timeoutMs) => {
      expected = state;
      const time = Promise.withResolvers<undefined>();
      const timer = setTimeout(() => time.resolve(undefined), timeoutMs);
      try {
        return await Promise.race([came.promise, time.promise]);
      } finally {
        clearTimeout(timer);
      }
    },
    [Symbol.asyncDispose]: async () => {
      const time = Promise.withResolvers<void>();
      const timer = setTimeout(time.resolve, LAST_PAGE_MS);
      await Promise.race([page, time.promise]);
      clearTimeout(timer);
      end.abort(); // not a shutdown: who leaves a request unfinished would be waited for, without end
      await server.finished;
    },
  };
};

function other(): Response {
  return new Response(OTHER, { status: 404, headers: HEADERS });
}

function pageOf(text: string): string {
  return `<!doctype html><meta charset="utf-8"><title>palyra</title><p>${text}</p>\n`;
}
