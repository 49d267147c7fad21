/** The port on which a browser brings back the answer of an authorization server (RFC 8252 section 7.3). */

/** Listens on this machine alone, for one answer. */
export interface RedirectListener extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/callback`. */
  readonly redirectUri: string;
  /**
   * The address that the browser came with, once it has `state` in it; `undefined` when the time is over.
   * Other requests are answered with 404 and waited past.
   */
  answer(state: string, timeoutMs: number): Promise<URL | undefined>;
}

/** Opens a listener; port 0 lets the system choose. Throws `unavailable` where the port is taken. */
export type OpenRedirectListener = (port: number) => RedirectListener;
