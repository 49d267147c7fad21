/** An HTTP proxy on this machine that asks for a credential, and connects every name to one server. */

import { readRequest } from "./web_servers.ts";

/** The proxy, and what it has seen. */
export interface ConnectProxy extends AsyncDisposable {
  /** As `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** The heads of the requests that it was sent. */
  readonly heads: string[];
}

/** Starts it; `to` is the port of the server, `credential` what is asked for, as `user:password`. */
export function startConnectProxy(to: number, credential?: string): ConnectProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const heads: string[] = [];
  const open = new Set<Deno.Conn>();
  const wanted = credential === undefined
    ? ""
    : `Proxy-Authorization: Basic ${new TextEncoder().encode(credential).toBase64()}`;
  async function serve(client: Deno.Conn): Promise<void> {
    const head = await readRequest(client);
    heads.push(head);
    const says = (text: string): Promise<number> => client.write(new TextEncoder().encode(text));
    if (!head.startsWith("CONNECT ") || !head.split("\r\n").some((line) => line === wanted)) {
      await says("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\n");
      return;
    }
    const server = await Deno.connect({ hostname: "127.0.0.1", port: to });
    open.add(server);
    await says("HTTP/1.1 200 OK\r\n\r\n");
    await Promise.all([
      client.readable.pipeTo(server.writable).catch(() => {}),
      server.readable.pipeTo(client.writable).catch(() => {}),
    ]);
  }
  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const client of listener) {
      open.add(client);
      serving.push(serve(client).catch(() => {}).finally(() => close(client)));
    }
  })().catch(() => {});
  return {
    url: `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`,
    heads,
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      await accepting;
      await Promise.all(serving);
      for (const connection of open) close(connection);
    },
  };
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch { /* closed already */ }
}
