/** Certificates, requests and lists, judged by OpenSSL and GnuTLS. */

import assert from "node:assert/strict";
import {
  type AuthorityTemplate,
  issueLeaf,
  type Issuer,
  type LeafTemplate,
  makeAuthorityCertificate,
} from "../../src/x509/certificate.ts";
import { derElements } from "../../src/x509/der.ts";
import { exportPublicKey } from "../../src/x509/keys.ts";
import { checkCertificate, type Expectation } from "../../src/x509/peer_check.ts";
import { formatPem, parsePem, type PemLabel } from "../../src/x509/pem.ts";
import { makeRequest, readRequest } from "../../src/x509/request.ts";
import { makeRevocationList } from "../../src/x509/revocation_list.ts";
import { assertFails } from "../support/failures.ts";
import { runProcess } from "../support/process.ts";
import { whyNoCerttool } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const HOUR = 3_600_000;
const NOW = Date.now();
const URI = "palyra:device:01M84DZD3YTG3TBX3966AZPWCG";
const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;

const makeKeys = (): Promise<CryptoKeyPair> =>
  crypto.subtle.generateKey(CURVE, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
const serial = (): Bytes => crypto.getRandomValues(new Uint8Array(16));
const at = (hours: number): Date => new Date(NOW + hours * HOUR);

interface World extends Disposable {
  readonly issuer: Issuer;
  readonly keys: CryptoKeyPair;
  readonly directory: string;
  leaf(template?: Partial<LeafTemplate>): Promise<Bytes>;
  write(name: string, label: PemLabel, bytes: Bytes): string;
}

async function makeWorld(template: Partial<AuthorityTemplate> = {}): Promise<World> {
  const directory = Deno.makeTempDirSync({ prefix: "palyra-test-" });
  const authorityKeys = await makeKeys();
  const certificate = await makeAuthorityCertificate({
    commonName: "palyra test authority",
    serial: serial(),
    notBefore: at(-2_000),
    notAfter: at(2_000),
    keys: authorityKeys,
    ...template,
  });
  const issuer = { certificate, signingKey: authorityKeys.privateKey };
  const keys = await makeKeys();
  const write = (name: string, label: PemLabel, bytes: Bytes): string => {
    Deno.writeTextFileSync(`${directory}/${name}.pem`, formatPem(label, bytes));
    return `${directory}/${name}.pem`;
  };
  write("ca", "CERTIFICATE", certificate);
  return {
    issuer,
    keys,
    directory,
    write,
    leaf: (more = {}) =>
      issueLeaf(issuer, {
        commonName: "palyra device",
        serial: serial(),
        publicKey: keys.publicKey,
        uri: URI,
        usages: ["clientAuth", "serverAuth"],
        notBefore: at(-1),
        notAfter: at(24),
        ...more,
      }),
    [Symbol.dispose]: () => Deno.removeSync(directory, { recursive: true }),
  };
}

async function openssl(...args: string[]): Promise<{ status: number; out: string }> {
  const { status, out, err } = await runProcess({ argv: ["/usr/bin/openssl", ...args] });
  return { status, out: out + err };
}

const verify = (
  world: World,
  file: string,
  ...more: string[]
): Promise<{ status: number; out: string }> =>
  openssl("verify", "-x509_strict", "-CAfile", `${world.directory}/ca.pem`, ...more, file);

Deno.test("OpenSSL accepts what is issued, strictly, and for what it is good", async () => {
  using world = await makeWorld();
  const file = world.write("leaf", "CERTIFICATE", await world.leaf());
  for (const purpose of ["sslclient", "sslserver"]) {
    const { status, out } = await verify(world, file, "-purpose", purpose);
    assert.equal(status, 0, out);
  }
  const client = world.write("client", "CERTIFICATE", await world.leaf({ usages: ["clientAuth"] }));
  assert.equal((await verify(world, client, "-purpose", "sslclient")).status, 0);
  assert.notEqual((await verify(world, client, "-purpose", "sslserver")).status, 0);
  const old = world.write(
    "old",
    "CERTIFICATE",
    await world.leaf({ notBefore: at(-9), notAfter: at(-1) }),
  );
  assert.match((await verify(world, old)).out, /expired/);
  const { out } = await openssl("x509", "-in", file, "-noout", "-text");
  assert.match(out, /Version: 3 /);
  assert.match(out, /ecdsa-with-SHA256/);
  assert.match(out, new RegExp(`URI:${URI}`));
  assert.match(out, /Basic Constraints: critical\s+CA:FALSE/);
  assert.match(out, /Key Usage: critical\s+Digital Signature\n/);
  assert.match(out, /Authority Key Identifier/);
  const ca = (await openssl("x509", "-in", `${world.directory}/ca.pem`, "-noout", "-text")).out;
  assert.match(ca, /CA:TRUE, pathlen:0/);
  assert.match(ca, /Certificate Sign, CRL Sign\n/);
});

Deno.test("another authority of the same name, and one below a device, are refused", async () => {
  using world = await makeWorld();
  using other = await makeWorld();
  const file = world.write("leaf", "CERTIFICATE", await other.leaf());
  assert.notEqual((await verify(world, file)).status, 0);
  const below = await issueLeaf(
    { certificate: await world.leaf(), signingKey: world.keys.privateKey },
    {
      commonName: "below",
      serial: serial(),
      publicKey: other.keys.publicKey,
      uri: URI,
      usages: ["clientAuth"],
      notBefore: at(-1),
      notAfter: at(1),
    },
  );
  const middle = world.write("middle", "CERTIFICATE", await world.leaf());
  const bad = world.write("below", "CERTIFICATE", below);
  assert.notEqual((await verify(world, bad, "-untrusted", middle)).status, 0);
});

Deno.test("a request proves its key, and nothing but the key is taken from it", async () => {
  using world = await makeWorld();
  const request = await makeRequest(world.keys, "whoever it says");
  const file = world.write("request", "CERTIFICATE REQUEST", request);
  const { status, out } = await openssl("req", "-in", file, "-verify", "-noout");
  assert.equal(status, 0, out);
  const key = await readRequest(request);
  assert.deepEqual(await exportPublicKey(key), await exportPublicKey(world.keys.publicKey));
  const altered = request.slice();
  altered[30]! ^= 1;
  await assertFails("integrity", /does not fit/, () => readRequest(altered));
  for (
    const bad of [
      new Uint8Array(0),
      new Uint8Array(10),
      request.slice(0, -1),
      new Uint8Array(9_000),
    ]
  ) {
    await assertFails("usage", /no certificate request/, () => readRequest(bad));
  }
  const made = async (...args: string[]): Promise<Bytes> => {
    const key = `${world.directory}/k.pem`;
    const path = `${world.directory}/r.pem`;
    const [program, ...rest] = args as [string, ...string[]];
    assert.equal((await openssl(program, ...rest, "-out", key)).status, 0);
    assert.equal(
      (await openssl("req", "-new", "-key", key, "-subj", "/CN=x", "-out", path)).status,
      0,
    );
    return parsePem("CERTIFICATE REQUEST", Deno.readTextFileSync(path))!;
  };
  const ours = await made("ecparam", "-genkey", "-noout", "-name", "prime256v1");
  assert.ok(await readRequest(ours), "one of OpenSSL's");
  await assertFails(
    "usage",
    /no ECDSA key over P-256/,
    async () =>
      await readRequest(
        await made("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
      ),
  );
  const p384 = await made("ecparam", "-genkey", "-noout", "-name", "secp384r1");
  await assertFails("usage", /no ECDSA key over P-256/, () => readRequest(p384));
});

Deno.test("OpenSSL reads a list, with its number and dates, and refuses what is on it", async () => {
  using world = await makeWorld();
  const [good, bad] = [serial(), serial()];
  const leaves = await Promise.all([good, bad].map((one) => world.leaf({ serial: one })));
  const files = leaves.map((leaf, at) => world.write(`leaf${at}`, "CERTIFICATE", leaf));
  const { serial: listed } = await checkCertificate(leaves[1]!, expectation(world));
  const template = { number: 258, thisUpdate: at(-1), nextUpdate: at(24) };
  const crl = await makeRevocationList(world.issuer, {
    ...template,
    revocations: [{ serial: Uint8Array.fromHex(listed), revokedAt: at(-1) }],
  });
  const list = world.write("crl", "X509 CRL", crl);
  const { status, out } = await openssl(
    "crl",
    "-in",
    list,
    "-noout",
    "-text",
    "-CAfile",
    `${world.directory}/ca.pem`,
  );
  assert.equal(status, 0, out);
  assert.match(out, /verify OK/);
  assert.match(out, /Version 2 /);
  assert.match(out, /X509v3 CRL Number:\s+258/);
  assert.match(out, new RegExp(`Serial Number: 0*${listed}`, "i"));
  const check = ["-crl_check", "-CRLfile", list];
  assert.equal((await verify(world, files[0]!, ...check)).status, 0);
  assert.match((await verify(world, files[1]!, ...check)).out, /revoked/);
  const none = await makeRevocationList(world.issuer, { ...template, revocations: [] });
  const [body] = derElements(derElements(none)![0]!.content)!;
  const tags = derElements(body!.content)!.map(({ tag }) => tag);
  assert.deepEqual(tags, [0x02, 0x30, 0x30, 0x17, 0x17, 0xa0], "no empty list of entries");
  const empty = world.write("empty", "X509 CRL", none);
  assert.equal((await verify(world, files[1]!, "-crl_check", "-CRLfile", empty)).status, 0);
  const late = await makeRevocationList(world.issuer, {
    ...template,
    nextUpdate: new Date("2051-01-01T00:00:00Z"),
    revocations: [],
  });
  const far = world.write("far", "X509 CRL", late);
  assert.match((await openssl("crl", "-in", far, "-noout", "-nextupdate")).out, /2051/);
});

unlessSkipped("no-certtool", whyNoCerttool())("GnuTLS says the same", async () => {
  using world = await makeWorld();
  const leaf = await world.leaf();
  const file = world.write("leaf", "CERTIFICATE", leaf);
  const { serial: listed } = await checkCertificate(leaf, expectation(world));
  const ca = `${world.directory}/ca.pem`;
  const certtool = async (...args: string[]): Promise<{ status: number; out: string }> => {
    const { status, out, err } = await runProcess({ argv: ["/usr/bin/certtool", ...args] });
    return { status, out: out + err };
  };
  const judge = ["--verify", "--load-ca-certificate", ca, "--infile", file];
  assert.match((await certtool(...judge)).out, /The certificate is trusted/);
  const crl = await makeRevocationList(world.issuer, {
    number: 1,
    thisUpdate: at(-1),
    nextUpdate: at(24),
    revocations: [{ serial: Uint8Array.fromHex(listed), revokedAt: at(-1) }],
  });
  const list = world.write("crl", "X509 CRL", crl);
  const read = await certtool("--verify-crl", "--load-ca-certificate", ca, "--infile", list);
  assert.match(read.out, /Verified/, read.out);
  assert.match((await certtool(...judge, "--load-crl", list)).out, /revoked/);
});

function expectation({ issuer }: World, more: Partial<Expectation> = {}): Expectation {
  return {
    authority: issuer.certificate,
    now: new Date(NOW),
    usages: ["clientAuth"],
    uri: URI,
    ...more,
  };
}

Deno.test("a peer's certificate is accepted when it is the one that is expected, and for no other reason", async () => {
  using world = await makeWorld();
  using other = await makeWorld();
  const leaf = await world.leaf({ usages: ["clientAuth"] });
  const checked = await checkCertificate(leaf, expectation(world));
  assert.equal(checked.uri, URI);
  assert.match(checked.serial, /^[0-9a-f]{32}$/);
  const refused = async (
    why: RegExp,
    der: Bytes,
    more: Partial<Expectation> = {},
  ): Promise<void> => {
    await assertFails("denied", why, () => checkCertificate(der, expectation(world, more)));
  };
  await refused(/has not signed/, await other.leaf());
  await refused(/not good yet/, leaf, { now: at(-2) });
  await refused(/expired/, leaf, { now: at(25) });
  await refused(/not for serverAuth/, leaf, { usages: ["serverAuth"] });
  await refused(/another device/, leaf, { uri: `${URI}0` });
  await refused(/that of a device/, world.issuer.certificate);
  await refused(/no certificate/, new Uint8Array(0));
  await refused(/no certificate/, new Uint8Array([...leaf, 0]));
  await refused(/no certificate/, leaf.slice(0, -1));
  await refused(/no certificate/, new Uint8Array(10_000));
  for (const byte of [leaf.length - 3, 60, 200]) {
    const altered = leaf.slice();
    altered[byte]! ^= 1;
    await refused(/Cannot accept/, altered);
  }
});

Deno.test("a certificate of version 1 that only names the authority is refused", async () => {
  using world = await makeWorld();
  const { directory } = world;
  const made = [
    ["ecparam", "-genkey", "-noout", "-name", "prime256v1", "-out", `${directory}/k.pem`],
    [
      "req",
      "-new",
      "-key",
      `${directory}/k.pem`,
      "-subj",
      "/CN=palyra device",
      "-out",
      `${directory}/r.pem`,
    ],
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-subj",
      "/CN=palyra test authority",
      "-keyout",
      `${directory}/ca2k.pem`,
      "-out",
      `${directory}/ca2.pem`,
    ],
    [
      "x509",
      "-req",
      "-in",
      `${directory}/r.pem`,
      "-CA",
      `${directory}/ca2.pem`,
      "-CAkey",
      `${directory}/ca2k.pem`,
      "-set_serial",
      "7",
      "-days",
      "2",
      "-out",
      `${directory}/v1.pem`,
    ],
  ];
  for (const args of made) {
    const { status, out } = await openssl(...args);
    assert.equal(status, 0, out);
  }
  const v1 = parsePem("CERTIFICATE", Deno.readTextFileSync(`${directory}/v1.pem`))!;
  await assertFails("denied", /not of version 3/, () => checkCertificate(v1, expectation(world)));
});
