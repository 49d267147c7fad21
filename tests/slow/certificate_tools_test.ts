/** OpenSSL and GnuTLS judge what the commands give out: CA, certificates, requests, lists. */

import assert from "node:assert/strict";
import {
  certtool,
  type Judgement,
  makeKeyAndRequest,
  openssl,
  serialIn,
} from "../support/certificate_tools.ts";
import { type Machine, makeMachine } from "../support/cli_run.ts";
import { type Approver, makeApprover } from "../support/openssl_devices.ts";
import { whyNoCerttool } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";

/** An uncompressed point after the identifiers of a key on P-256 (RFC 5480), in hexadecimal digits. */
const POINT = /(?<=06072a8648ce3d020106082a8648ce3d03010703420004)[0-9a-f]{128}/;
const STRICT = ["-x509_strict", "-purpose"];

async function accepts(judged: Promise<Judgement>, what: RegExp = /./): Promise<string> {
  const { status, out } = await judged;
  assert.equal(status, 0, out);
  assert.match(out, what);
  return out;
}

async function refuses(judged: Promise<Judgement>, why: RegExp): Promise<void> {
  const { status, out } = await judged;
  assert.notEqual(status, 0, out);
  assert.match(out, why);
}

const verify = (
  { ca }: Approver,
  certificate: string,
  purpose: string,
  ...more: readonly string[]
): Promise<Judgement> => openssl("verify", "-CAfile", ca, ...STRICT, purpose, ...more, certificate);

/** Asks for a pairing, and writes the certificate request of the document to a file (DER). */
async function askedIn(machine: Machine, code: string, ...flags: string[]): Promise<string> {
  const { stdout } = await machine.succeed(["pairing", "request", ...flags], { stdin: code });
  const path = `${machine.home}/asked.der`;
  const options = { alphabet: "base64url" } as const;
  Deno.writeFileSync(path, Uint8Array.fromBase64(JSON.parse(stdout).csr, options));
  return path;
}

function keyIn(request: string): string {
  return POINT.exec(Deno.readFileSync(request).toHex())![0];
}

Deno.test("OpenSSL accepts CA and certificates, strictly, for what was asked and no more", async () => {
  using approver = await makeApprover();
  const { ca } = approver;
  await accepts(openssl("verify", "-CAfile", ca, ...STRICT, "any", "-check_ss_sig", ca), /: OK/);
  const purposes = { sslclient: ["client", "both"], sslserver: ["server", "both"] };
  for (const usage of ["client", "server", "both"] as const) {
    using joiner = await approver.pair({ usage });
    const own = await approver.ownLeaf(usage);
    for (const { certificate } of [joiner.leaf, own]) {
      for (const [purpose, good] of Object.entries(purposes)) {
        const judged = verify(approver, certificate, purpose);
        if (good.includes(usage)) await accepts(judged, /: OK/);
        else await refuses(judged, /unsuitable certificate purpose/);
      }
      await refuses(verify(approver, certificate, "any", "-attime", "1"), /not yet valid/);
      const inEightDays = `${Math.floor(Date.now() / 1_000) + 8 * 86_400}`;
      await refuses(verify(approver, certificate, "any", "-attime", inEightDays), /has expired/);
    }
  }
  using stranger = await makeApprover();
  const foreign = await stranger.ownLeaf("client");
  await refuses(verify(approver, foreign.certificate, "sslclient"), /unable to get local issuer/);
});

Deno.test("the request in a document proves its key, palyra's own and that of OpenSSL", async () => {
  using approver = await makeApprover();
  const code = async (): Promise<string> =>
    (await approver.machine.succeed(["pairing", "code"])).stdout;
  using machine = makeMachine();
  const own = await askedIn(machine, await code());
  await accepts(openssl("req", "-inform", "DER", "-in", own, "-verify", "-noout"), /verify OK/);
  const text = await accepts(openssl("req", "-inform", "DER", "-in", own, "-noout", "-text"));
  assert.match(text, /NIST CURVE: P-256/);
  using other = makeMachine();
  const swapped = await askedIn(other, await code());
  const hex = Deno.readFileSync(own).toHex().replace(POINT, keyIn(swapped));
  Deno.writeFileSync(swapped, Uint8Array.fromHex(hex));
  const judged = await openssl("req", "-inform", "DER", "-in", swapped, "-verify", "-noout");
  assert.match(judged.out, /verify failure/, "the request of one with the key of another");
  const { request } = await makeKeyAndRequest(`${other.home}/own`);
  using third = makeMachine();
  const given = await askedIn(third, await code(), "--csr", request);
  await accepts(openssl("req", "-inform", "DER", "-in", given, "-verify", "-noout"), /verify OK/);
  const { out } = await openssl("req", "-in", request, "-outform", "DER", "-out", own);
  assert.deepEqual(Deno.readFileSync(given), Deno.readFileSync(own), out);
});

Deno.test("OpenSSL reads the list of revoked certificates, also an empty one, and goes by it", async () => {
  using approver = await makeApprover();
  const { ca, machine } = approver;
  using lost = await approver.pair();
  using kept = await approver.pair();
  const crlCheck = (certificate: string, list: string): Promise<Judgement> =>
    verify(approver, certificate, "sslclient", "-crl_check", "-CRLfile", list);
  const empty = await approver.writeList();
  const read = ["-noout", "-text", "-CAfile", ca];
  const before = await accepts(openssl("crl", "-in", empty, ...read), /verify OK/);
  assert.match(before, /No Revoked Certificates/);
  for (const { leaf } of [lost, kept]) await accepts(crlCheck(leaf.certificate, empty), /: OK/);
  await machine.succeed(["devices", "revoke", lost.deviceId, "--reason", "stolen"]);
  const list = await approver.writeList("--next", "2h");
  const after = await accepts(openssl("crl", "-in", list, ...read), /verify OK/);
  const listed = [...after.matchAll(/Serial Number: ([0-9A-F]+)/g)].map(([, one]) => one);
  assert.deepEqual(listed, [(await serialIn(lost.leaf.certificate)).toUpperCase()]);
  const numberIn = (text: string): number =>
    Number(/X509v3 CRL Number:\s+(\d+)/.exec(text)?.[1] ?? NaN);
  assert.equal(numberIn(after), numberIn(before) + 1);
  const [from, to] = ["Last", "Next"].map((which) =>
    Date.parse(new RegExp(`${which} Update: (.+)`).exec(after)![1]!)
  );
  assert.equal(to! - from!, 7_200_000 + 300_000, "five minutes for clocks that are behind");
  await refuses(crlCheck(lost.leaf.certificate, list), /certificate revoked/);
  await accepts(crlCheck(kept.leaf.certificate, list), /: OK/);
  using stranger = await makeApprover();
  const foreign = await stranger.writeList();
  const judged = await openssl("crl", "-in", foreign, "-noout", "-CAfile", ca);
  assert.doesNotMatch(judged.out, /verify OK/);
});

unlessSkipped("no-certtool", whyNoCerttool())(
  "GnuTLS judges CA, certificates and lists as OpenSSL does",
  async () => {
    using approver = await makeApprover();
    using stranger = await makeApprover();
    const { ca, machine } = approver;
    using lost = await approver.pair();
    using kept = await approver.pair({ usage: "both" });
    const judge = (certificate: string, purpose: string, list: string): Promise<Judgement> =>
      certtool(
        ...["--verify", "--verify-profile", "medium", "--load-ca-certificate", ca],
        ...["--load-crl", list, "--verify-purpose", purpose, "--infile", certificate],
      );
    const [client, server] = ["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"];
    const readList = (list: string): Promise<Judgement> =>
      certtool("--verify-crl", "--load-ca-certificate", ca, "--infile", list);
    const trusted = /Chain verification output: Verified\. The certificate is trusted/;
    await accepts(certtool("--verify-chain", "--infile", ca), trusted);
    const empty = await approver.writeList();
    const read = await accepts(readList(empty), /Verification output: Verified/);
    assert.match(read, /No revoked certificates/);
    await accepts(judge(lost.leaf.certificate, client, empty), trusted);
    await refuses(judge(lost.leaf.certificate, server, empty), /purpose/);
    await accepts(judge(kept.leaf.certificate, server, empty), trusted);
    await machine.succeed(["devices", "revoke", lost.deviceId]);
    const list = await approver.writeList();
    const after = await accepts(readList(list), /Verification output: Verified/);
    assert.match(after, /Revoked certificates \(1\)/);
    assert.match(
      after,
      new RegExp(`Serial Number \\(hex\\): 0*${await serialIn(lost.leaf.certificate)}`),
    );
    await refuses(judge(lost.leaf.certificate, client, list), /revoked/);
    await accepts(judge(kept.leaf.certificate, client, list), trusted);
    await refuses(
      judge((await stranger.ownLeaf("client")).certificate, client, list),
      /issuer is unknown/,
    );
    const foreign = await readList(await stranger.writeList());
    assert.doesNotMatch(foreign.out, /Verification output: Verified/);
  },
);
