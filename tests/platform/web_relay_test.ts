/** The relay on loopback: nobody else can use it, and it goes to one place only. */

import assert from "node:assert/strict";
import { dialTcp } from "../../src/platform/deno/dial.ts";
import { openRelay, type Relay } from "../../src/platform/deno/relay.ts";
import { openWeb } from "../../src/platform/deno/web.ts";
import { WEB_NAME, webCertificate } from "../support/web_certificate.ts";
import {
  failureOf,
  httpServer,
  rawServer,
  readRequest,
  tlsServer,
} from "../support/web_servers.ts";

interface Opened extends Disposable {
  readonly relay: Relay;
  readonly connections: () => number;
}

function open(port: number): Opened {
  let connections = 0;
  const relay = openRelay({
    host: "a.example",
    port: 443,
    connect: () => {
      connections++;
      return dialTcp("127.0.0.1", port, new AbortController().signal);
    },
    maxBytes: 1_000_000,
  });
  return { relay, connections: () => connections, [Symbol.dispose]: () => relay[Symbol.dispose]() };
}

/** What a stranger is told who sends these pieces, each after an answer to the one before. */
async function stranger(relay: Relay, pieces: Uint8Array[]): Promise<number[][]> {
  const { port } = new URL(relay.url.replace("socks5h", "http"));
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  const told: number[][] = [];
  for (const piece of pieces) {
    await connection.write(piece);
    const answer = new Uint8Array(99);
    const read = await connection.read(answer).catch(() => null);
    if (read === null) break;
    told.push([...answer.subarray(0, read)]);
  }
  return told;
}

const GREETING = Uint8Array.of(5, 1, 2);

function login(password: string, user = "palyra"): Uint8Array {
  const [name, word] = [user, password].map((text) => new TextEncoder().encode(text));
  return Uint8Array.of(1, name!.length, ...name!, word!.length, ...word!);
}

function destination(host: string, port: number): Uint8Array {
  const name = new TextEncoder().encode(host);
  return Uint8Array.of(5, 1, 0, 3, name.length, ...name, port >> 8, port & 255);
}

function passwordOf({ url }: Relay): string {
  return new URL(url.replace("socks5h", "http")).password;
}

Deno.test("who does not know the password gets nowhere", async () => {
  await using server = httpServer(() => new Response());
  using opened = open(server.port);
  const { relay } = opened;
  const word = passwordOf(relay);
  assert.match(word, /^[0-9a-f]{64}$/);
  const anonymous = Uint8Array.of(5, 1, 0);
  assert.deepEqual(await stranger(relay, [anonymous]), [[5, 255]]);
  for (const wrong of ["", "x", word.slice(1), `${word}0`, word.replace(/^./, "x")]) {
    const told = await stranger(relay, [GREETING, login(wrong), destination("a.example", 443)]);
    assert.deepEqual(told, [[5, 2], [1, 1]], wrong);
  }
  assert.deepEqual(await stranger(relay, [GREETING, login(word, "root")]), [[5, 2], [1, 1]]);
  assert.equal(opened.connections(), 0);
});

Deno.test("the relay goes nowhere but where the request was to go, and once", async () => {
  await using server = rawServer(async (connection) => {
    await connection.read(new Uint8Array(9));
  }, false);
  using opened = open(server.port);
  const { relay } = opened;
  const known = [GREETING, login(passwordOf(relay))];
  for (const wrong of [["b.example", 443], ["a.example", 80], ["a.exampl", 443]] as const) {
    assert.equal((await stranger(relay, [...known, destination(wrong[0], wrong[1])])).length, 2);
  }
  const literal = Uint8Array.of(5, 1, 0, 1, 127, 0, 0, 1, 1, 187);
  assert.equal((await stranger(relay, [...known, literal])).length, 2);
  assert.equal(opened.connections(), 0);
  const right = await stranger(relay, [...known, destination("a.example", 443)]);
  assert.deepEqual(right[2], [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  assert.equal((await stranger(relay, [...known, destination("a.example", 443)])).length, 0);
  assert.equal(opened.connections(), 1);
});

Deno.test("strangers who say nothing do not hold a request up", async () => {
  await using server = httpServer(() => new Response("here"));
  const strangers: Deno.Conn[] = [];
  using opened = open(server.port);
  const { port } = new URL(opened.relay.url.replace("socks5h", "http"));
  for (let at = 0; at < 10; at++) {
    strangers.push(await Deno.connect({ hostname: "127.0.0.1", port: Number(port) }));
  }
  const known = [GREETING, login(passwordOf(opened.relay)), destination("a.example", 443)];
  assert.equal((await stranger(opened.relay, known)).length, 3);
  for (const connection of strangers) connection.close();
});

Deno.test("a configured proxy connects, and alone gets its credentials", async () => {
  await using server = tlsServer((request) => Response.json([...request.headers.keys()]));
  const heads: string[] = [];
  await using proxy = rawServer(async (connection, write) => {
    heads.push(await readRequest(connection));
    using onward = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await write("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n");
    await Promise.allSettled([
      connection.readable.pipeTo(onward.writable),
      onward.readable.pipeTo(connection.writable),
    ]);
  }, false);
  const send = openWeb(dialTcp).client({
    caCertificates: [webCertificate().ca],
    proxy: {
      host: "127.0.0.1",
      port: proxy.port,
      credentials: new TextEncoder().encode("user:canary"),
    },
  });
  const names = await (await send(`https://${WEB_NAME}:8443/x`)).json() as string[];
  assert.ok(!names.includes("proxy-authorization"), names.join());
  assert.match(heads[0]!, /^CONNECT localhost:8443 HTTP\/1\.1\r\n/);
  assert.match(heads[0]!, /\r\nProxy-Authorization: Basic dXNlcjpjYW5hcnk=\r\n/);
  assert.equal((await failureOf(send("https://10.0.0.1/"))).reason, "address");
});

Deno.test("a proxy that refuses, stalls or babbles is a failure of the proxy", async () => {
  for (
    const text of [
      "HTTP/1.1 407 canary\r\n\r\n",
      "HTTP/1.1 403 canary\r\n\r\n",
      "HTTP/1.1 200 OK\r\n\r\ncanary before its turn",
      "HTTP/1.1 200 OK\r\n" + "x".repeat(9_000),
      "canary\r\n\r\n",
      "",
    ]
  ) {
    await using proxy = rawServer(async (connection, write) => {
      await readRequest(connection);
      await write(text);
    }, false);
    const send = openWeb(dialTcp).client({ proxy: { host: "127.0.0.1", port: proxy.port } });
    const { code, reason, mayHaveArrived, message } = await failureOf(send("https://localhost/"));
    assert.deepEqual([code, reason, mayHaveArrived], ["connectivity", "proxy", false], text);
    assert.ok(!message.includes("canary"), message);
  }
});
