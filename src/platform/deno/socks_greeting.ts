/** The server's half of a SOCKS 5 greeting with a password (RFC 1928, RFC 1929), for one destination. */

const VERSION = 5;
const BY_PASSWORD = 2;
const NOTHING_ACCEPTABLE = 0xff;
const CONNECT = 1;
const [IPV4, NAME, IPV6] = [1, 3, 4];
/** An answer's address is without meaning here. */
const NO_ADDRESS = [0, IPV4, 0, 0, 0, 0, 0, 0];

/** Where a client wants to go. */
export interface Destination {
  readonly kind: "name" | "address";
  /** ASCII of a name, or an address in network byte order. */
  readonly host: Uint8Array;
  readonly port: number;
}

/**
 * Reads the greeting to its end; `undefined` when the client does not know the password or speaks
 * something else. Reads no byte more: what follows belongs to the destination.
 */
export async function readGreeting(
  connection: Deno.Conn,
  user: Uint8Array,
  password: Uint8Array,
): Promise<Destination | undefined> {
  const opening = await readExactly(connection, 2);
  if (opening?.[0] !== VERSION) return undefined;
  const methods = await readExactly(connection, opening[1]!);
  if (!methods?.includes(BY_PASSWORD)) {
    await writeAll(connection, Uint8Array.of(VERSION, NOTHING_ACCEPTABLE));
    return undefined;
  }
  await writeAll(connection, Uint8Array.of(VERSION, BY_PASSWORD));
  const isKnown = await readPassword(connection, user, password);
  await writeAll(connection, Uint8Array.of(1, isKnown ? 0 : 1));
  return isKnown ? await readDestination(connection) : undefined;
}

/** Tells the client that it is connected. */
export async function answerConnected(connection: Deno.Conn): Promise<void> {
  await writeAll(connection, Uint8Array.of(VERSION, 0, ...NO_ADDRESS));
}

/** Writes every byte. */
export async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

async function readPassword(
  connection: Deno.Conn,
  user: Uint8Array,
  password: Uint8Array,
): Promise<boolean> {
  const head = await readExactly(connection, 2);
  if (head?.[0] !== 1) return false;
  const givenUser = await readExactly(connection, head[1]!);
  const length = await readExactly(connection, 1);
  if (givenUser === undefined || length === undefined) return false;
  const given = await readExactly(connection, length[0]!);
  return given !== undefined && isSame(givenUser, user) && isSame(given, password);
}

async function readDestination(connection: Deno.Conn): Promise<Destination | undefined> {
  const head = await readExactly(connection, 4);
  if (head?.[0] !== VERSION || head[1] !== CONNECT) return undefined;
  const length = head[3] === IPV4
    ? 4
    : head[3] === IPV6
    ? 16
    : head[3] === NAME
    ? (await readExactly(connection, 1))?.[0]
    : undefined;
  if (length === undefined) return undefined;
  const host = await readExactly(connection, length);
  const port = await readExactly(connection, 2);
  if (host === undefined || port === undefined) return undefined;
  return {
    kind: head[3] === NAME ? "name" : "address",
    host,
    port: port[0]! * 256 + port[1]!,
  };
}

/** Exactly so many bytes; `undefined` when the client closes before. */
async function readExactly(connection: Deno.Conn, length: number): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const read = await connection.read(bytes.subarray(at));
    if (read === null) return undefined;
    at += read;
  }
  return bytes;
}

/** In a time that does not tell where two texts differ. */
function isSame(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < other.length; at++) difference |= (one[at] ?? 0) ^ other[at]!;
  return difference === 0;
}
