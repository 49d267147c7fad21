/** A real nginx lets in the devices that palyra has paired, and curl and OpenSSL visit it. */

import assert from "node:assert/strict";
import { openssl, serialIn } from "../support/certificate_tools.ts";
import { type Nginx, startNginx } from "../support/nginx.ts";
import { type Approver, type Leaf, makeApprover } from "../support/openssl_devices.ts";
import { whyNoFaketime, whyNoNginx } from "../support/requirements.ts";
import { unlessSkipped } from "../support/skip.ts";
import { type Host, pinnedKey, visitWithCurl, visitWithOpenssl } from "../support/tls_visits.ts";

const withNginx = unlessSkipped("no-nginx", whyNoNginx());
const withClock = unlessSkipped("no-faketime", whyNoNginx() ?? whyNoFaketime());

/** A server that has its certificate from an approver, and lets in who was paired with that. */
interface Gate extends AsyncDisposable {
  readonly nginx: Nginx;
  /** Visits with both clients, and fails unless each is let in under this certificate. */
  welcome(leaf: Leaf): Promise<void>;
  /** Visits with both clients, and fails unless nginx refuses each for this reason. */
  refuse(leaf: Leaf | undefined, why: string): Promise<void>;
}

async function makeGate(
  approver: Approver,
  { own, crl, clock }: { own?: Leaf; crl?: string; clock?: string } = {},
): Promise<Gate> {
  const leaf = own ?? await approver.ownLeaf("server");
  const nginx = await startNginx({
    ...leaf,
    ca: approver.ca,
    crl: crl ?? await approver.writeList(),
    ...(clock === undefined ? {} : { clock }),
  });
  const host: Host = { socket: nginx.socket, ca: approver.ca };
  const pin = await pinnedKey(leaf.certificate);
  const visits = async (leaf: Leaf | undefined): Promise<string[]> => {
    const visits = [await visitWithOpenssl(host, leaf), await visitWithCurl(host, pin, leaf)];
    for (const { status, said } of visits) assert.equal(status, 0, said);
    return visits.map(({ body }) => body);
  };
  return {
    nginx,
    welcome: async (leaf) => {
      const serial = (await serialIn(leaf.certificate)).toUpperCase();
      for (const body of await visits(leaf)) {
        assert.match(body, new RegExp(`^SUCCESS ${serial} CN=palyra device [0-9A-Z]{26}$`));
      }
    },
    refuse: async (leaf, why) => assert.deepEqual(await visits(leaf), [why, why]),
    [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose](),
  };
}

withNginx(
  "nginx lets in who is paired; not who is not, or shows a certificate for servers",
  async () => {
    using approver = await makeApprover();
    using stranger = await makeApprover();
    using paired = await approver.pair();
    using both = await approver.pair({ usage: "both" });
    using server = await approver.pair({ usage: "server" });
    using elsewhere = await stranger.pair();
    await using gate = await makeGate(approver);
    await gate.welcome(paired.leaf);
    await gate.welcome(both.leaf);
    await gate.refuse(undefined, "NONE");
    await gate.refuse(elsewhere.leaf, "FAILED:unable to verify the first certificate");
    await gate.refuse(await approver.ownLeaf("server"), "FAILED:unsuitable certificate purpose");
    await gate.refuse(server.leaf, "FAILED:unsuitable certificate purpose");
    const forged = await forge(approver, paired.leaf);
    await gate.refuse(forged, "FAILED:certificate signature failure");
  },
);

/** A certificate that says what a good one says, from an authority that only has the right name. */
async function forge(approver: Approver, { certificate, key }: Leaf): Promise<Leaf> {
  const at = (name: string): string => `${approver.machine.home}/forged-${name}`;
  const subjectOf = async (path: string): Promise<string> =>
    (await openssl("x509", "-in", path, "-noout", "-subject", "-nameopt", "RFC2253")).out
      .replace(/^subject=/, "/").trim();
  const succeed = async (...args: readonly string[]): Promise<void> => {
    const { status, out } = await openssl(...args);
    assert.equal(status, 0, out);
  };
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const authority = ["-subj", await subjectOf(approver.ca), "-keyout", at("ca.key")];
  await succeed("req", "-x509", ...kind, ...authority, "-out", at("ca.pem"));
  await succeed(
    ...["req", "-new", "-key", key, "-subj", await subjectOf(certificate), "-out", at("csr")],
  );
  Deno.writeTextFileSync(at("ext"), "extendedKeyUsage=clientAuth\nauthorityKeyIdentifier=none\n");
  await succeed(
    ...["x509", "-req", "-in", at("csr"), "-CA", at("ca.pem"), "-CAkey", at("ca.key")],
    ...["-extfile", at("ext"), "-out", at("leaf.pem")],
  );
  return { certificate: at("leaf.pem"), key };
}

withNginx(
  "nginx refuses a revoked device once it has read the list, and no other one",
  async () => {
    using approver = await makeApprover();
    using lost = await approver.pair();
    using sold = await approver.pair();
    using kept = await approver.pair();
    await using gate = await makeGate(approver);
    await gate.welcome(lost.leaf);
    await approver.machine.succeed(["devices", "revoke", lost.deviceId, "--reason", "stolen"]);
    await approver.writeList();
    await gate.nginx.reload();
    await gate.refuse(lost.leaf, "FAILED:certificate revoked");
    await gate.welcome(sold.leaf);
    await approver.machine.succeed(["devices", "remove", sold.deviceId]);
    await approver.writeList();
    await gate.nginx.reload();
    await gate.refuse(sold.leaf, "FAILED:certificate revoked");
    await gate.refuse(lost.leaf, "FAILED:certificate revoked");
    await gate.welcome(kept.leaf);
  },
);

withNginx("a renewed device may use both certificates, until the old one is revoked", async () => {
  using approver = await makeApprover();
  using device = await approver.pair();
  await using gate = await makeGate(approver);
  const second = await device.renew();
  await approver.writeList();
  await gate.nginx.reload();
  await gate.welcome(device.leaf);
  await gate.welcome(second);
  const third = await device.renew("--revoke-old");
  await approver.writeList();
  await gate.nginx.reload();
  await gate.refuse(device.leaf, "FAILED:certificate revoked");
  await gate.refuse(second, "FAILED:certificate revoked");
  await gate.welcome(third);
});

withClock(
  "nginx refuses a certificate that has expired, and everyone when its list has",
  async () => {
    using approver = await makeApprover();
    using short = await approver.pair({ validity: "1h" });
    using long = await approver.pair({ validity: "30d" });
    const own = await approver.ownLeaf("server");
    const crl = await approver.writeList("--next", "7d");
    {
      await using now = await makeGate(approver, { own, crl });
      await now.welcome(short.leaf);
      await now.welcome(long.leaf);
    }
    {
      await using later = await makeGate(approver, { own, crl, clock: "+59m" });
      await later.welcome(short.leaf);
    }
    {
      await using later = await makeGate(approver, { own, crl, clock: "+61m" });
      await later.refuse(short.leaf, "FAILED:certificate has expired");
      await later.welcome(long.leaf);
    }
    {
      await using before = await makeGate(approver, { own, crl, clock: "-4m" });
      await before.welcome(long.leaf); // clocks may differ by five minutes
    }
    {
      await using before = await makeGate(approver, { own, crl, clock: "-6m" });
      await before.refuse(long.leaf, "FAILED:certificate is not yet valid");
    }
    await using late = await makeGate(approver, { own, crl, clock: "+8d" });
    await late.refuse(long.leaf, "FAILED:CRL has expired");
  },
);

withNginx(
  "curl and OpenSSL refuse a server with a certificate for clients, or of another CA",
  async () => {
    using approver = await makeApprover();
    using stranger = await makeApprover();
    using device = await approver.pair();
    const visits = async (own: Leaf): Promise<{ openssl: string; curl: string }> => {
      const crl = await approver.writeList();
      await using nginx = await startNginx({ ...own, ca: approver.ca, crl });
      const host = { socket: nginx.socket, ca: approver.ca };
      const bySelf = await visitWithOpenssl(host, device.leaf);
      const byCurl = await visitWithCurl(host, ["--cacert", approver.ca], device.leaf);
      assert.equal(byCurl.status, 60, byCurl.said); // CURLE_PEER_FAILED_VERIFICATION
      assert.equal(byCurl.body, "");
      return { openssl: bySelf.body + bySelf.said, curl: byCurl.said };
    };
    // Its chain is accepted; curl has one more question, which a certificate of a device never answers.
    const good = await visits(await approver.ownLeaf("server"));
    assert.match(good.openssl, /^SUCCESS /);
    assert.match(good.curl, /does not match target host name/);
    for (const own of [await approver.ownLeaf("client"), device.leaf]) {
      const wrong = await visits(own);
      assert.match(wrong.openssl, /unsuitable certificate purpose/);
      assert.match(wrong.curl, /unsuitable certificate purpose/);
    }
    const strange = await visits(await stranger.ownLeaf("server"));
    assert.match(strange.openssl, /unable to get local issuer certificate/);
    assert.match(strange.curl, /unable to get local issuer certificate/);
  },
);

withNginx("curl refuses a server that has not the key which was pinned", async () => {
  using approver = await makeApprover();
  using device = await approver.pair();
  const [own, other] = [await approver.ownLeaf("server"), await approver.ownLeaf("server")];
  const crl = await approver.writeList();
  await using nginx = await startNginx({ ...own, ca: approver.ca, crl });
  const host = { socket: nginx.socket, ca: approver.ca };
  const pin = await pinnedKey(own.certificate);
  assert.match((await visitWithCurl(host, pin, device.leaf)).body, /^SUCCESS /);
  const refused = await visitWithCurl(host, await pinnedKey(other.certificate), device.leaf);
  assert.equal(refused.status, 90, refused.said); // CURLE_SSL_PINNEDPUBKEYNOTMATCH
});
