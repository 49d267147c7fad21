/** The environment of the process decides nothing about requests, and cannot have their keys written down. */

import assert from "node:assert/strict";
import { WEB_NAME, webCertificate } from "../support/web_certificate.ts";
import { rawServer, tlsServer, type WebServer } from "../support/web_servers.ts";

const PROBE = new URL("../support/web_probe.ts", import.meta.url).pathname;
const DENO_JSON = new URL("../../deno.json", import.meta.url).pathname;

interface Probed {
  readonly outcome: Readonly<Record<string, unknown>>;
  readonly ms: number;
  readonly peakKib: number;
  readonly proxy?: string;
}

/** Sends a request from a process of its own, which has these variables and no others of the kind. */
async function probe(
  { port }: WebServer,
  env: Record<string, string>,
  policy: object = { allow: ["127.0.0.1"], caCertificates: [webCertificate().ca] },
): Promise<Probed> {
  const kept = ["PATH", "HOME", "DENO_DIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-prompt", "--cached-only", "--config", DENO_JSON, PROBE],
      ...[`https://${WEB_NAME}:${port}/`, JSON.stringify(policy)],
    ],
    env: { ...Object.fromEntries(kept), ...env },
    clearEnv: true,
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert.ok(text.startsWith("{"), new TextDecoder().decode(stderr));
  return JSON.parse(text) as Probed;
}

function withFile(text: string, body: (path: string) => Promise<void>): Promise<void> {
  const path = Deno.makeTempFileSync();
  Deno.writeTextFileSync(path, text);
  return body(path).finally(() => Deno.removeSync(path));
}

Deno.test("proxies of the environment get nothing, and the user's command still has them", async () => {
  await using server = tlsServer(() => new Response("direct"));
  await using trap = rawServer(async (connection) => {
    await connection.read(new Uint8Array(999));
  }, false);
  const url = `http://127.0.0.1:${trap.port}`;
  for (const names of [["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"], ["https_proxy", "all_proxy"]]) {
    const env = Object.fromEntries(names.map((name) => [name, url]));
    const probed = await probe(server, { ...env, NODE_USE_ENV_PROXY: "1" });
    assert.deepEqual(probed.outcome, { status: 200, body: "direct" });
    assert.equal(probed.proxy, env["HTTPS_PROXY"]);
  }
  const exempt = await probe(server, { NO_PROXY: "*", no_proxy: WEB_NAME }, {
    caCertificates: [webCertificate().ca],
  });
  assert.deepEqual(exempt.outcome, { code: "denied", reason: "address" });
  assert.equal(trap.arrived.length, 0);
});

Deno.test("certificates of the environment vouch for nobody, and no variable ends the checks", async () => {
  await using server = tlsServer(() => new Response("never"));
  await withFile(webCertificate().ca, async (path) => {
    for (
      const env of [
        { DENO_CERT: path },
        { NODE_EXTRA_CA_CERTS: path },
        { DENO_TLS_CA_STORE: "system,mozilla", SSL_CERT_FILE: path },
        { NODE_USE_SYSTEM_CA: "1", SSL_CERT_FILE: path },
        { NODE_TLS_REJECT_UNAUTHORIZED: "0" },
      ] as Record<string, string>[]
    ) {
      const { outcome } = await probe(server, env, { allow: ["127.0.0.1"] });
      assert.deepEqual(
        outcome,
        { code: "connectivity", reason: "certificate" },
        JSON.stringify(env),
      );
    }
  });
  assert.equal(server.arrived.length, 0);
});

Deno.test("nothing is sent while SSLKEYLOGFILE is set", async () => {
  await using server = rawServer(async (connection) => {
    await connection.read(new Uint8Array(999));
  }, false);
  await withFile("", async (path) => {
    const { outcome } = await probe(server, { SSLKEYLOGFILE: path });
    assert.deepEqual(outcome, { code: "denied", reason: "key_log" });
    assert.equal(Deno.readTextFileSync(path), "");
  });
  assert.equal(server.arrived.length, 0);
});

Deno.test("a gigabyte costs neither memory nor time", async () => {
  const piece = new Uint8Array(1024 * 1024).fill(120);
  let left = 1024;
  await using server = tlsServer(() =>
    new Response(
      new ReadableStream({
        pull: (stream) => left-- > 0 ? stream.enqueue(piece) : stream.close(),
      }),
    )
  );
  await using small = tlsServer(() => new Response("small"));
  const least = await probe(small, {});
  const { outcome, ms, peakKib } = await probe(server, {});
  assert.deepEqual(outcome, { code: "connectivity", reason: "too_large" });
  assert.ok(ms < 5_000, `${ms} ms`);
  assert.ok(peakKib - least.peakKib < 32 * 1024, `${peakKib} KiB, and ${least.peakKib} for little`);
});
