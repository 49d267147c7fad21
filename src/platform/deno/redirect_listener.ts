/** Listens on the loopback interface until a browser comes back from an authorization server. */

import { PalyraError } from "../../errors.ts";
import type { OpenRedirectListener, RedirectListener } from "../redirect_listener.ts";

const HOST = "127.0.0.1";
const PATH = "/callback";
const LONGEST = 16_384;
/** No script, nothing loaded, nothing kept, and the address with the code goes nowhere. */
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};
const DONE = page("palyra has the answer. You may close this window.");
const OTHER = page("Nothing is here.");

/** Opens a listener. */
export const openRedirectListener: OpenRedirectListener = (port): RedirectListener => {
  const came = Promise.withResolvers<URL>();
  let expected: string | undefined;
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve(
      { hostname: HOST, port, onListen: () => {}, onError: () => other() },
      (request) => {
        const url = request.url.length <= LONGEST ? new URL(request.url) : undefined;
        const isOurs = request.method === "GET" && url?.pathname === PATH &&
          expected !== undefined &&
          url.searchParams.getAll("state").length === 1 &&
          url.searchParams.get("state") === expected;
        if (!isOurs) return other();
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
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
};

function other(): Response {
  return new Response(OTHER, { status: 404, headers: HEADERS });
}

function page(text: string): string {
  return `<!doctype html><meta charset="utf-8"><title>palyra</title><p>${text}</p>\n`;
}
