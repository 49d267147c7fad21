/** The real authorization server of the tests, in a process of its own. */

const ORACLES = new URL("../oracles/", import.meta.url).pathname;

/** A running server. */
export interface AuthorizationServer extends AsyncDisposable {
  readonly issuer: string;
  /** Statuses of the token requests that it has answered. */
  readonly tokenRequests: readonly number[];
  /** How often it took a whole login back: a used-up token came again. */
  readonly revokedGrants: number;
}

/** Starts it; access tokens live so many seconds. */
export async function startAuthorizationServer(accessTtl: number): Promise<AuthorizationServer> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      `--config=${ORACLES}deno.json`,
      `${ORACLES}authorization_server.ts`,
      String(accessTtl),
    ],
    stdout: "piped",
    stderr: "null",
    stdin: "null",
  }).spawn();
  const tokenRequests: number[] = [];
  let revokedGrants = 0;
  const issuer = Promise.withResolvers<string>();
  const reading = (async () => {
    let rest = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        if (line.startsWith("http")) issuer.resolve(line);
        else if (line.startsWith("token ")) tokenRequests.push(Number(line.slice(6)));
        else if (line === "grant revoked") revokedGrants++;
      }
    }
    issuer.reject(new Error("the authorization server has ended"));
  })();
  issuer.promise.catch(() => {});
  return {
    issuer: await issuer.promise,
    tokenRequests,
    get revokedGrants() {
      return revokedGrants;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.status;
      await reading;
    },
  };
}
