/**
 * A relay on loopback that `fetch` is sent through, so that the connection to the server is ours.
 *
 * `fetch` tells nobody which address it connected to. It speaks SOCKS 5 to this relay instead, with a
 * password that only it knows; the relay makes the one connection that was foreseen and passes bytes.
 * TLS stays between `fetch` and the server. Of an HTTP proxy the runtime would send the password on to
 * the server, as a header within TLS (Deno 2.9.6); and pieces of TLS would wait 40 ms for each other.
 */

import { parseIpAddress } from "../../network/ip_address.ts";
import { answerConnected, type Destination, readGreeting, writeAll } from "./socks_greeting.ts";

/** What a relay is for. */
export interface RelayOptions {
  /** The one destination, as the URL has it, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Connects to it. Called at most once. */
  readonly connect: () => Promise<Deno.TcpConn>;
  /** Most bytes from the server, whatever they are. */
  readonly maxBytes: number;
}

/** A relay that is open until it is disposed of. */
export interface Relay extends Disposable {
  /** For `Deno.createHttpClient`, with the password in it. */
  readonly url: string;
  /** What `connect` threw, or that the server sent too much. */
  readonly failure: () => unknown;
  /** Whether there was a connection to the server. */
  readonly hasConnected: () => boolean;
}

/** Thrown into {@link Relay.failure} when the server sends without end. */
export class TooManyBytes extends Error {}

/** Programs of other users that may keep a greeting waiting at the same time. */
const MOST_STRANGERS = 32;
const PIECE = 16 * 1024;

/** Opens a relay on a free port of 127.0.0.1. */
export function openRelay(options: RelayOptions): Relay {
  const user = "palyra";
  const password = randomText();
  const [userBytes, passwordBytes] = [user, password].map((text) => new TextEncoder().encode(text));
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  let failure: unknown;
  let isTaken = false;
  let hasConnected = false;
  let isClosed = false;

  async function serve(client: Deno.TcpConn): Promise<void> {
    const wanted = await readGreeting(client, userBytes!, passwordBytes!);
    if (wanted === undefined || isTaken || !isDestination(wanted, options)) return;
    isTaken = true;
    const server = await options.connect();
    if (isClosed) return void server.close();
    open.add(server);
    hasConnected = true;
    server.setNoDelay(true); // else the pieces of a handshake wait for acknowledgements, 40 ms each
    await answerConnected(client);
    const up = pass(client, server, Infinity).catch(() => {}); // a server may answer early and stop reading
    await pass(server, client, options.maxBytes); // a failure closes the client's side, so that it learns
    await up;
  }

  async function accept(): Promise<void> {
    for await (const client of listener) {
      if (isTaken || open.size >= MOST_STRANGERS) {
        client.close();
        continue;
      }
      open.add(client);
      client.setNoDelay(true);
      serve(client).catch((error) => failure ??= error).finally(() => {
        open.delete(client);
        closeQuietly(client);
      });
    }
  }

  accept().catch(() => {}); // the listener was closed
  return {
    url: `socks5h://${user}:${password}@127.0.0.1:${listener.addr.port}`,
    failure: () => failure,
    hasConnected: () => hasConnected,
    [Symbol.dispose](): void {
      isClosed = true;
      closeQuietly(listener);
      for (const connection of open) closeQuietly(connection);
    },
  };
}

/** Passes bytes on until one side ends; its end is passed on as well. */
async function pass(from: Deno.Conn, to: Deno.Conn, maxBytes: number): Promise<void> {
  const piece = new Uint8Array(PIECE);
  let passed = 0;
  for (;;) {
    const read = await from.read(piece);
    if (read === null) return await to.closeWrite();
    passed += read;
    if (passed > maxBytes) throw new TooManyBytes();
    await writeAll(to, piece.subarray(0, read));
  }
}

/** The relay goes nowhere but where the request was to go. */
function isDestination(wanted: Destination, { host, port }: RelayOptions): boolean {
  const address = parseIpAddress(host);
  const expected = address ?? new TextEncoder().encode(host);
  return wanted.port === port && wanted.kind === (address === undefined ? "name" : "address") &&
    wanted.host.length === expected.length &&
    expected.every((byte, at) => byte === wanted.host[at]);
}

function randomText(): string {
  return Array.from(
    crypto.getRandomValues(new Uint8Array(32)),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
}

function closeQuietly(resource: { close(): void }): void {
  try {
    resource.close();
  } catch { /* it is closed already */ }
}
