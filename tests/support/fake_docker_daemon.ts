/** As much of a Docker daemon as `docker create` needs: it keeps the environment that it is sent. */

/** A daemon on a socket of its own. */
export interface FakeDaemon extends AsyncDisposable {
  /** For `DOCKER_HOST`. */
  readonly host: string;
  /** The entries `NAME=value` of every container that was created. */
  readonly environments: string[][];
}

/** Starts a daemon that makes no container. */
export function startFakeDaemon(): FakeDaemon {
  const environments: string[][] = [];
  const version = { "Api-Version": "1.41", "Content-Type": "application/json" };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      if (!pathname.endsWith("/containers/create")) return new Response("OK", { headers: version });
      environments.push((await request.json()).Env ?? []);
      return Response.json({ Id: "0".repeat(64), Warnings: [] }, { status: 201, headers: version });
    },
  );
  return {
    host: `tcp://127.0.0.1:${server.addr.port}`,
    environments,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
