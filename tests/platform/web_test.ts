/** Requests to servers: what arrives, what comes back, and what is refused before anything is sent. */

import assert from "node:assert/strict";
import { openWeb, web } from "../../src/platform/deno/web.ts";
import { WEB_NAME, webCertificate } from "../support/web_certificate.ts";
import {
  clientOf,
  dialOnly,
  failureOf,
  httpServer,
  rawServer,
  tlsServer,
} from "../support/web_servers.ts";

const URL_WITH_QUERY = `https://${WEB_NAME}/token?secret=canary-7f3a`;

Deno.test("a request arrives as it was given, and its answer comes back whole", async () => {
  await using server = tlsServer(async (request) =>
    new Response(`got ${await request.text()}`, {
      status: 201,
      headers: { "content-type": "text/x", "x-more": "1" },
    })
  );
  const answer = await clientOf(server)(`https://${WEB_NAME}:8443/token`, {
    method: "POST",
    headers: { authorization: "Basic YTpi" },
    body: new URLSearchParams({ grant_type: "refresh_token" }),
    redirect: "manual",
  });
  assert.ok(answer instanceof Response);
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.get("x-more"), "1");
  assert.equal(await answer.clone().text(), "got grant_type=refresh_token");
  const [request] = server.arrived;
  assert.equal(request!.headers.get("authorization"), "Basic YTpi");
  assert.match(request!.headers.get("content-type")!, /^application\/x-www-form-urlencoded/);
  assert.equal(request!.headers.get("host"), `${WEB_NAME}:8443`);
});

Deno.test("the password of the relay never reaches a server", async () => {
  await using server = tlsServer((request) => Response.json([...request.headers]));
  const answer = await clientOf(server)(`https://${WEB_NAME}/`);
  const names = (await answer.json() as [string, string][]).map(([name]) => name).sort();
  assert.deepEqual(names, ["accept", "accept-encoding", "accept-language", "host", "user-agent"]);
});

Deno.test("answers without a body, and errors of HTTP, are answers", async () => {
  for (const status of [204, 304, 400, 401, 429, 500, 503]) {
    await using server = tlsServer(() => new Response(null, { status }));
    const answer = await clientOf(server)(`https://${WEB_NAME}/`);
    assert.equal(answer.status, status);
    assert.equal(await answer.text(), "");
  }
});

Deno.test("several requests at once are answered each by its own", async () => {
  await using server = tlsServer((request) => new Response(new URL(request.url).pathname));
  const send = clientOf(server);
  const paths = Array.from({ length: 20 }, (_, at) => `/${at}`);
  const texts = await Promise.all(
    paths.map(async (path) => await (await send(`https://${WEB_NAME}${path}`)).text()),
  );
  assert.deepEqual(texts, paths);
});

Deno.test("a certificate of another name or of an unknown CA is refused before the request", async () => {
  await using server = tlsServer(() => new Response("never"));
  const wrongName = await failureOf(clientOf(server)("https://127.0.0.1/?secret=canary-7f3a"));
  const unknown = await failureOf(clientOf(server, { caCertificates: [] })(URL_WITH_QUERY));
  for (const { code, reason, mayHaveArrived, message } of [wrongName, unknown]) {
    assert.deepEqual([code, reason, mayHaveArrived], ["connectivity", "certificate", false]);
    assert.ok(!message.includes("canary"), message);
    assert.ok(!/UnknownIssuer|invalid peer/.test(message), message);
  }
  assert.equal(server.arrived.length, 0);
});

Deno.test("a redirect is not followed, wherever it leads", async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    const dialled: string[] = [];
    await using server = tlsServer(() =>
      new Response("canary-7f3a", {
        status,
        headers: { location: "http://169.254.169.254/latest/meta-data/canary-7f3a" },
      })
    );
    const failure = await failureOf(clientOf(server, {}, dialled)(URL_WITH_QUERY));
    assert.deepEqual([failure.code, failure.reason], ["denied", "redirect"]);
    assert.equal(failure.mayHaveArrived, true);
    assert.ok(!failure.message.includes("canary"), failure.message);
    assert.deepEqual(dialled, [`${WEB_NAME}:443`]);
  }
});

Deno.test("the address that is connected to decides, whatever the name is", async () => {
  const read: number[] = [];
  await using server = rawServer(async (connection) => {
    read.push(await connection.read(new Uint8Array(99)) ?? 0);
  }, false);
  for (
    const address of [
      ...["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.5", "172.31.255.255", "192.168.1.1"],
      ...["100.64.0.1", "169.254.169.254", "168.63.129.16", "fd00:ec2::254", "0.0.0.0", "::"],
      ...["224.0.0.1", "ff02::1", "fe80::1", "fe80::1%2", "64:ff9b::a00:1", "2002:a00:1::", "junk"],
    ]
  ) {
    const send = openWeb(async (...to) => {
      const connection = await dialOnly(server)(...to);
      const remoteAddr = { ...connection.remoteAddr, hostname: address };
      return Object.defineProperty(connection, "remoteAddr", { value: remoteAddr });
    }).client({});
    const { code, reason, mayHaveArrived } = await failureOf(send(`https://${WEB_NAME}/`));
    assert.deepEqual([code, reason, mayHaveArrived], ["denied", "address", false], address);
  }
  assert.ok(read.every((length) => length === 0), "bytes were sent");
});

Deno.test("a name of this machine leads nowhere unless its address is allowed", async () => {
  await using server = rawServer(async (connection) => {
    await connection.read(new Uint8Array(99));
  }, false);
  const url = `https://localhost:${server.port}/`;
  assert.equal((await failureOf(web.client({})(url))).reason, "address");
  const wide = await failureOf(web.client({ allow: ["10.0.0.0/8", "::1"] })(url));
  assert.equal(wide.reason, "address");
});

Deno.test("a literal special address is refused before anything is dialled", async () => {
  for (
    const host of [
      ...["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:7f00:1]", "10.1"],
      ...[
        "169.254.169.254",
        "[fd00:ec2::254]",
        "0",
        "[::]",
        "[64:ff9b::7f00:1]",
        "255.255.255.255",
      ],
    ]
  ) {
    const send = openWeb(() => assert.fail(`${host} was dialled`)).client({});
    assert.equal((await failureOf(send(`https://${host}/`))).reason, "address", host);
  }
});

Deno.test("a metadata service is allowed by its very address only", async () => {
  const dial = (): Promise<never> => Promise.reject(new Error("no route"));
  for (const allow of [["0.0.0.0/0"], ["169.254.0.0/16"], ["169.254.169.254/31"]]) {
    const failure = await failureOf(openWeb(dial).client({ allow })("https://169.254.169.254/"));
    assert.equal(failure.reason, "address", allow.join());
  }
  const send = openWeb(dial).client({ allow: ["169.254.169.254"] });
  assert.equal((await failureOf(send("https://169.254.169.254/"))).reason, "connection");
});

Deno.test("literal addresses of both families are connected to, where they are allowed", async () => {
  await using server = tlsServer(() => new Response("never"));
  for (const host of ["[2001:db8::1]", "192.0.2.1"]) {
    const dialled: string[] = [];
    const allow = ["2001:db8::/32", "192.0.2.0/24", "127.0.0.1"];
    const failure = await failureOf(clientOf(server, { allow }, dialled)(`https://${host}:444/`));
    assert.equal(failure.reason, "certificate"); // it is for a name, and was looked at
    assert.deepEqual(dialled, [`${host.replace(/[[\]]/g, "")}:444`]);
  }
});

Deno.test("plain HTTP is for loopback, where it is allowed, and nothing else", async () => {
  await using server = httpServer(() => new Response("plain"));
  const send = web.client({ allow: ["127.0.0.1"] });
  for (const host of ["127.0.0.1", "localhost"]) {
    assert.equal(await (await send(`http://${host}:${server.port}/`)).text(), "plain");
  }
  assert.equal(
    (await failureOf(web.client({})(`http://127.0.0.1:${server.port}/`))).reason,
    "address",
  );
  for (
    const url of ["http://auth.example/", "http://10.0.0.1/", "http://8.8.8.8/", "ftp://a.example/"]
  ) {
    const { code, reason } = await failureOf(
      openWeb(() => assert.fail("dialled")).client({ allow: ["0.0.0.0/0"] })(url),
    );
    assert.deepEqual([code, reason], ["denied", "scheme"], url);
  }
  const elsewhere = openWeb(async (...to) => {
    const connection = await dialOnly(server)(...to);
    const remoteAddr = { ...connection.remoteAddr, hostname: "10.0.0.5" };
    return Object.defineProperty(connection, "remoteAddr", { value: remoteAddr });
  }).client({ allow: ["10.0.0.0/8"] });
  assert.equal((await failureOf(elsewhere("http://localhost/"))).reason, "scheme");
  assert.equal(server.arrived.length, 2);
});

Deno.test("what is no address is refused, and not repeated", async () => {
  const send = web.client({});
  for (
    const url of ["canary", "https://", "https://canary:x@a.example/", "https://a.example/#canary"]
  ) {
    const { code, message } = await failureOf(send(url));
    assert.equal(code, "usage", url);
    assert.ok(!message.includes("canary"), message);
  }
  assert.throws(() => web.client({ allow: ["10.0.0.1/8"] }), { code: "usage" });
  assert.throws(() => web.client({ caCertificates: ["canary"] }), { code: "usage" });
});

Deno.test("nobody, no name, no port: connectivity, and the request did not arrive", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  taken.close();
  const send = web.client({ allow: ["127.0.0.1"], caCertificates: [webCertificate().ca] });
  const refused = await failureOf(send(`https://127.0.0.1:${port}/`));
  assert.deepEqual([refused.reason, refused.mayHaveArrived], ["connection", false]);
  const unknown = await failureOf(send("https://nowhere.invalid/"));
  assert.deepEqual([unknown.code, unknown.mayHaveArrived], ["connectivity", false]);
});
