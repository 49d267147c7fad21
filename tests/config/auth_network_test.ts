/** The table `[auth.network]`: read strictly, with the line of each mistake and never with a value. */

import assert from "node:assert/strict";
import { readAuthNetwork } from "../../src/config/auth_network.ts";
import { parseToml } from "../../src/config/toml_document.ts";
import { validateConfig } from "../../src/config/validate.ts";

function problems(text: string): string[] {
  const location = { origin: "flag", path: "/c/palyra.toml", realPath: undefined } as const;
  return validateConfig({ location, text, digest: undefined, table: parseToml(text) })
    .map(({ severity, field, line, message }) => `${line} ${severity} ${field}: ${message}`);
}

Deno.test("what the table says is read, and all of it may be left out", () => {
  const text = `[auth.network]
allow = ["10.20.0.0/16", "fd00::1"]
ca_certificates = ["/etc/ssl/acme.pem", "ca.pem"]
proxy = "http://proxy.example:3128"
proxy_credential_vault_ref = "global/proxy"
`;
  assert.deepEqual(problems(text), []);
  assert.deepEqual(readAuthNetwork(parseToml(text)), {
    allow: ["10.20.0.0/16", "fd00::1"],
    caCertificates: ["/etc/ssl/acme.pem", "ca.pem"],
    proxy: { host: "proxy.example", port: 3128, hasCredential: true },
  });
  const nothing = { allow: [], caCertificates: [], proxy: undefined };
  for (const empty of ["", "[auth]\n", "[auth.network]\n"]) {
    assert.deepEqual(problems(empty), []);
    assert.deepEqual(readAuthNetwork(parseToml(empty)), nothing);
  }
  const bare = readAuthNetwork(parseToml('[auth.network]\nproxy = "http://[fd00::5]:8080/"'));
  assert.deepEqual(bare.proxy, { host: "fd00::5", port: 8080, hasCredential: false });
});

Deno.test("each mistake is an error at its line, and quotes nothing", () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    ["auth = 1", /^1 error auth: .*it is no table$/],
    ["[auth]\nnetwork = 'hidden'", /^2 error auth\.network: .*it is no table$/],
    ["[auth]\nproxy = 'hidden'", /^2 error auth\.proxy: .*there is no such key$/],
    ["[auth.network]\n\nallowed = ['hidden']", /^3 error auth\.network\.allowed: .*no such key$/],
    ["[auth.network]\nallow = '10.0.0.0/8'", /^2 error auth\.network\.allow: .*it is no list$/],
    ["[auth.network]\nallow = ['::1', 'hidden']", /^2 error auth\.network\.allow.*: .*no address/],
    ["[auth.network]\nallow = ['10.1.2.3/8']", /^2 error auth\.network\.allow.*: .*no address/],
    ["[auth.network]\nca_certificates = [5]", /ca_certificates.*: .*it is no text$/],
    ["[auth.network]\nca_certificates = [' ']", /ca_certificates.*: .*it is blank$/],
    ["[auth.network]\nproxy = 'http://u:hidden@p:1'", /^2 error .*proxy: .*read by everybody$/],
    ["[auth.network]\nproxy = 'https://hidden:1'", /proxy: .*not of the form/],
    ["[auth.network]\nproxy = 'socks5://hidden:1'", /proxy: .*not of the form/],
    ["[auth.network]\nproxy = 'hidden:3128'", /proxy: .*not of the form/],
    ["[auth.network]\nproxy = 'http://p:1/hidden'", /proxy: .*not of the form/],
    ["[auth.network]\nproxy = 'http://p:1/?hidden'", /proxy: .*not of the form/],
    ["[auth.network]\nproxy_credential_vault_ref = 'global/a'", /_vault_ref: .*there is no proxy$/],
    [
      "[auth.network]\nproxy = 'http://p:1'\nproxy_credential = 'hidden'",
      /^3 error .*no such key$/,
    ],
    [
      "[auth.network]\nproxy = 'http://p:1'\nproxy_credential_vault_ref = 'hidden here'",
      /^3 error .*proxy_credential_vault_ref: .*no reference/,
    ],
  ];
  for (const [text, wanted] of rows) {
    const found = problems(text);
    assert.equal(found.length, 1, `${text}: ${found}`);
    assert.match(found[0]!, wanted, text);
    assert.doesNotMatch(found[0]!, /hidden/);
  }
});
