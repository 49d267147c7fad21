/** A token endpoint on this machine: rotates refresh tokens, and ends a login whose old token comes again. */

/** How the next answers are. */
export interface TokenServerWish {
  /** Seconds that access tokens live; `undefined` leaves `expires_in` out. */
  expiresIn: unknown;
  /** Milliseconds before an answer. */
  delayMs: number;
  /** In place of an answer. */
  answer: (() => Response | Promise<Response>) | undefined;
}

/** The server, and what it has seen. */
export interface TokenServer extends AsyncDisposable {
  readonly endpoint: string;
  readonly wish: TokenServerWish;
  /** Requests that reached it. */
  readonly requests: number;
  /** Requests with a refresh token that was used up: a login is ended by one. */
  readonly reuses: number;
  /** The refresh token that is good now. */
  readonly refreshToken: string;
  /** Every token that it has given out. */
  readonly given: ReadonlySet<string>;
  /** What it was sent the last time. */
  readonly last: URLSearchParams | undefined;
}

/** Starts it. */
export function startTokenServer(): TokenServer {
  const wish: TokenServerWish = { expiresIn: 3_600, delayMs: 0, answer: undefined };
  const given = new Set<string>();
  let [requests, reuses, serial] = [0, 0, 0];
  let refreshToken = "refresh-0";
  let isEnded = false;
  let last: URLSearchParams | undefined;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      requests++;
      last = new URLSearchParams(await request.text());
      if (wish.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, wish.delayMs));
      if (wish.answer !== undefined) return await wish.answer();
      if (last.get("refresh_token") !== refreshToken) {
        reuses++;
        isEnded = true;
      }
      if (isEnded) return Response.json({ error: "invalid_grant" }, { status: 400 });
      serial++;
      refreshToken = `refresh-${serial}`;
      const accessToken = `access-${serial}`;
      given.add(accessToken);
      return Response.json({
        access_token: accessToken,
        token_type: "Bearer",
        refresh_token: refreshToken,
        ...(wish.expiresIn === undefined ? {} : { expires_in: wish.expiresIn }),
      });
    },
  );
  const { port } = server.addr as Deno.NetAddr;
  return {
    endpoint: `http://127.0.0.1:${port}/token`,
    wish,
    given,
    get requests() {
      return requests;
    },
    get reuses() {
      return reuses;
    },
    get refreshToken() {
      return refreshToken;
    },
    get last() {
      return last;
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
