/** Servers that stall, never end, lie or break off: a typed error in bounded time, nothing quoted. */

import assert from "node:assert/strict";
import type { WebFailureReason } from "../../src/platform/web.ts";
import { WEB_NAME } from "../support/web_certificate.ts";
import { clientOf, failureOf, rawServer, readRequest, tlsServer } from "../support/web_servers.ts";

const CANARY = "canary-91c4";
const URL_OF_ALL = `https://${WEB_NAME}/token?q=${CANARY}`;
const PIECE = "x".repeat(64 * 1024);
/** How long a server may stall; others are given up for what they do, and have all the time there is. */
const STALL_MS = 1_500;
/** Far less than what a stalling server would take. */
const SOON_MS = 8_000;
/** Pieces of a server that sends byte by byte, one each hundredth of a second. */
const DROPS = 1_000;

type Talk = (write: (text: string) => Promise<void>, connection: Deno.Conn) => Promise<void>;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function untilClosed(connection: Deno.Conn): Promise<void> {
  while (await connection.read(new Uint8Array(9_999)) !== null);
}

/** Hostile servers by what they do; each reads the request first. */
const HOSTILE: Readonly<Record<string, readonly [WebFailureReason, Talk]>> = {
  "never answers": ["timeout", (_write, connection) => untilClosed(connection)],
  "sends a header byte by byte": ["timeout", async (write) => {
    await write("HTTP/1.1 200 OK\r\nx: ");
    for (let at = 0; at < DROPS; at++) await write("y").then(() => pause(10));
  }],
  "sends a body byte by byte": ["timeout", async (write) => {
    await write("HTTP/1.1 200 OK\r\n\r\n");
    for (let at = 0; at < DROPS; at++) await write("y").then(() => pause(10));
  }],
  "sends headers without end": ["too_large", async (write) => {
    await write("HTTP/1.1 200 OK\r\n");
    for (;;) await write(`x-${CANARY}: ${PIECE.slice(0, 4000)}\r\n`);
  }],
  "sends interim answers without end": ["too_large", async (write) => {
    for (;;) await write("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(500));
  }],
  "sends a body without end": ["too_large", async (write) => {
    await write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{");
    for (;;) await write(PIECE);
  }],
  "sends pieces without end": ["too_large", async (write) => {
    await write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    for (;;) await write(`10000\r\n${PIECE}\r\n`);
  }],
  "announces a gigabyte and sends it": ["too_large", async (write) => {
    await write(`HTTP/1.1 200 OK\r\ncontent-length: ${2 ** 30}\r\n\r\n`);
    for (let at = 0; at < 2 ** 30; at += PIECE.length) await write(PIECE);
  }],
  "breaks off in the middle": ["connection", async (write) => {
    await write(`HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"${CANARY}":`);
  }],
  "closes without an answer": ["connection", () => Promise.resolve()],
  "speaks something else": ["answer", (write) => write(`220 ${CANARY} ESMTP\r\n\r\n`)],
  "sends a status that is none": [
    "answer",
    (write) => write(`HTTP/1.1 999 ${CANARY}\r\ncontent-length: 0\r\n\r\n`),
  ],
  "sends a length that is none": [
    "answer",
    (write) => write(`HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n${CANARY}`),
  ],
};

for (const [what, [reason, talk]] of Object.entries(HOSTILE)) {
  Deno.test(`a server that ${what}`, async () => {
    await using server = rawServer(async (connection, write) => {
      await readRequest(connection);
      await talk(write, connection);
    });
    const start = performance.now();
    const policy = reason === "timeout" ? { timeoutMs: STALL_MS } : {};
    const failure = await failureOf(clientOf(server, policy)(URL_OF_ALL));
    assert.deepEqual([failure.reason, failure.code], [reason, "connectivity"], failure.message);
    assert.equal(failure.mayHaveArrived, true);
    assert.ok(!failure.message.includes(CANARY), failure.message);
    const took = performance.now() - start;
    assert.ok(reason !== "timeout" || took < SOON_MS, "it took too long");
  });
}

Deno.test("a server that does not speak TLS, or breaks off its handshake, has got no request", async () => {
  for (const text of ["", "HTTP/1.1 400 Bad Request\r\n\r\n", "\x15\x03\x03\x00\x02\x02\x28"]) {
    await using server = rawServer(async (connection, write) => {
      await connection.read(new Uint8Array(2_000));
      await write(text);
    }, false);
    const { code, reason, mayHaveArrived } = await failureOf(clientOf(server)(URL_OF_ALL));
    assert.deepEqual([code, reason, mayHaveArrived], ["connectivity", "connection", false]);
  }
});

Deno.test("a server that never ends its handshake is given up", async () => {
  await using server = rawServer(untilClosed, false);
  const failure = await failureOf(clientOf(server, { timeoutMs: 300 })(URL_OF_ALL));
  assert.equal(failure.reason, "timeout");
});

Deno.test("the limit of an answer is exact", async () => {
  for (const length of [999, 1000, 1001]) {
    await using server = tlsServer(() => new Response(new Uint8Array(length)));
    const answer = clientOf(server, { maxBytes: 1000 })(URL_OF_ALL);
    if (length > 1000) assert.equal((await failureOf(answer)).reason, "too_large");
    else assert.equal((await (await answer).bytes()).length, length);
  }
});

Deno.test("a packed answer was not asked for, and is not unpacked", async () => {
  await using server = tlsServer((request) => {
    assert.equal(request.headers.get("accept-encoding"), "identity");
    const packed = new Blob([new Uint8Array(50_000_000)]).stream()
      .pipeThrough(new CompressionStream("gzip"));
    return new Response(packed, { headers: { "content-encoding": "gzip" } });
  });
  const send = clientOf(server);
  const failure = await failureOf(send(URL_OF_ALL, { headers: { "accept-encoding": "gzip" } }));
  assert.equal(failure.reason, "answer");
});

Deno.test("limits can be lowered, and never be raised", async () => {
  await using server = tlsServer(() => new Response(new Uint8Array(256 * 1024 + 1)));
  const send = clientOf(server, { maxBytes: 2 ** 30 });
  assert.equal((await failureOf(send(URL_OF_ALL))).reason, "too_large");
  await using whole = tlsServer(() => new Response(new Uint8Array(256 * 1024)));
  assert.equal((await (await clientOf(whole)(URL_OF_ALL)).bytes()).length, 256 * 1024);
});

Deno.test("a caller that gives up ends the request at once", async () => {
  await using server = rawServer(untilClosed, false);
  const start = performance.now();
  const own = AbortSignal.timeout(100);
  const ended = new Promise((resolve) => own.addEventListener("abort", resolve));
  assert.equal((await failureOf(clientOf(server)(URL_OF_ALL, { signal: own }))).reason, "timeout");
  assert.ok(performance.now() - start < 8_000); // by itself it takes ten seconds
  await ended;
});
