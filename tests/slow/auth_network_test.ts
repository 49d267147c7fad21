/** The network of auth is what the config says and nothing else: certificates, addresses and the proxy, from outside. */

import assert from "node:assert/strict";
import { assertNoTrace, assertNoTraceBelow, keyCanary } from "../support/canary.ts";
import { assertRefused, type CliOptions, type Machine, makeMachine } from "../support/cli_run.ts";
import { testWithStrace } from "../support/config_watch.ts";
import { startConnectProxy } from "../support/connect_proxy.ts";
import { pasteLogin, type ScriptedServer, startScriptedServer } from "../support/scripted_login.ts";
import { loginBy, PROFILE, storeTokens } from "../support/token_profile.ts";
import { certificateFor, selfSigned, webCertificate } from "../support/web_certificate.ts";
import { openMounts, registerWithMounts } from "../support/whole_machine.ts";
import { STRACE } from "../support/strace.ts";

const FRESH = { access_token: "fresh", token_type: "Bearer", expires_in: 3_600 };

/** Writes the user's own config. */
function configure({ home }: Machine, text: string): string {
  const path = `${home}/.config/palyra/palyra.toml`;
  Deno.mkdirSync(`${home}/.config/palyra`, { recursive: true });
  Deno.writeTextFileSync(path, text);
  return path;
}

function server(name = "localhost", secure = true): ScriptedServer {
  return startScriptedServer(FRESH, secure ? { name, tls: certificateFor(name) } : { name });
}

/** A machine whose profile has an ended token of a server. */
async function machineOf({ issuer }: ScriptedServer): Promise<Machine> {
  const machine = makeMachine();
  await loginBy(machine, { endpoint: `${issuer}/token`, refreshToken: "refresh-1" });
  return machine;
}

/** Asks for a token; one that came is ended again. */
async function ask(
  machine: Machine,
  options: CliOptions = {},
  more: string[] = [],
): Promise<string> {
  const { status, stdout, stderr } = await machine.run(
    ["auth", "token", PROFILE, ...more],
    options,
  );
  const ended = { access_token: "x", refresh_token: "r", expires_at: 1 };
  if (status === 0) await storeTokens(machine, ended);
  else await machine.succeed(["auth", "profiles", "cooldown-clear", PROFILE]);
  return status === 0 ? stdout : `${status} ${stderr}`;
}

Deno.test("certificates of a further CA are trusted where the config names them, and not by a variable", async () => {
  await using asked = server();
  using machine = await machineOf(asked);
  const ca = `${machine.home}/ca.pem`;
  Deno.writeTextFileSync(ca, webCertificate().ca);
  for (const name of ["NODE_EXTRA_CA_CERTS", "DENO_CERT", "SSL_CERT_FILE", "DENO_TLS_CA_STORE"]) {
    assert.match(
      await ask(machine, { env: { [name]: ca } }),
      /^4 .*certificate is not valid/s,
      name,
    );
  }
  const inline = `ca_certificates = ["""\n${webCertificate().ca}"""]\n`;
  Deno.mkdirSync(`${machine.home}/.config/palyra`, { recursive: true });
  Deno.copyFileSync(ca, `${machine.home}/.config/palyra/own.pem`);
  for (const line of [`ca_certificates = ["${ca}"]`, 'ca_certificates = ["own.pem"]', inline]) {
    configure(machine, `[auth.network]\n${line}\n`);
    assert.equal(await ask(machine), "fresh", line);
  }
  const bad: readonly (readonly [string, RegExp])[] = [
    [`ca_certificates = ["${ca}.none"]`, /^2 .*there is no such file/s],
    ['ca_certificates = ["../ca.pem"]', /^2 .*a path has a part/s],
    ['ca_certificates = ["palyra.toml"]', /^2 .*it holds no certificate/s],
    [
      'ca_certificates = ["-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----"]',
      /^[24] /,
    ],
    ['certificates = ["hidden"]', /^2 .*auth\.network\.certificates: there is no such key/s],
  ];
  for (const [line, wanted] of bad) {
    configure(machine, `[auth.network]\n${line}\n`);
    assert.match(await ask(machine), wanted, line);
  }
  Deno.chmodSync(ca, 0o666);
  configure(machine, `[auth.network]\nca_certificates = ["${ca}"]\n`);
  assert.match(await ask(machine), /^6 /, "a file that everybody can write");
});

Deno.test("a config that was found is obeyed when it is trusted; one that says nothing of auth leaves the user's own in force", async () => {
  await using asked = server();
  using machine = await machineOf(asked);
  const found = `${machine.home}/palyra.toml`; // where palyra is run
  const table = `[auth.network]\nca_certificates = ["""\n${webCertificate().ca}"""]\n`;
  Deno.writeTextFileSync(found, table);
  const untrusted = await ask(machine);
  assert.match(untrusted, /^6 .*it is not trusted\nhint: .*palyra config trust/s);
  assert.equal(await ask(machine, {}, ["--config", found]), "fresh", "named for this once");
  await machine.succeed(["config", "trust"]);
  assert.equal(await ask(machine), "fresh");
  Deno.writeTextFileSync(found, `${table}# edited by somebody\n`);
  assert.match(await ask(machine), /^6 /);
  configure(machine, table);
  assert.match(await ask(machine), /^6 /, "the user's own does not make up for it");
  for (const nothing of ["", "this is no TOML", "[admin]\nrequire_auth = true\n"]) {
    Deno.writeTextFileSync(found, nothing);
    assert.equal(await ask(machine), "fresh", nothing);
  }
});

Deno.test("a token that is good is printed without a look at the config", async () => {
  await using asked = server();
  using machine = await machineOf(asked);
  await storeTokens(machine, { access_token: "good", expires_at: Date.now() + 3_600_000 });
  configure(machine, "[auth.network]\nproxy = 5\n");
  assert.equal((await machine.run(["auth", "token", PROFILE])).stdout, "good");
  const refresh = await machine.run(["auth", "refresh", PROFILE, "--config", "/nonexistent"]);
  assertRefused(refresh, 3, "it has no refresh token");
  await storeTokens(machine, { access_token: "x", refresh_token: "r", expires_at: 1 });
  assert.match(await ask(machine), /^2 .*auth\.network\.proxy: it is no text/s);
  assert.equal(asked.seen.length, 0);
  const stored = JSON.parse((await machine.succeed(["resolve", "global/tokens"])).stdout);
  assert.equal(stored.refreshing, undefined, "nobody was asked");
});

testWithStrace(
  "all requests go through the proxy of the config, whose credential nobody sees but the proxy",
  async () => {
    const password = "canary-proxy-password-5be1";
    await using asked = server("auth.invalid"); // a name that only the proxy knows
    await using proxy = startConnectProxy(Number(new URL(asked.issuer).port), `user:${password}`);
    using machine = await machineOf(asked);
    const variables = { HTTPS_PROXY: proxy.url.replace("//", `//user:${password}@`) };
    assert.match(await ask(machine, { env: variables }), /^4 /, "by a variable");
    assert.equal(proxy.heads.length, 0);
    await machine.succeed(["secrets", "set", "global/proxy"], { stdin: "user:another" });
    const lines = [
      "[auth.network]",
      `ca_certificates = ["""\n${webCertificate().ca}"""]`,
      `proxy = "${proxy.url}"`,
    ];
    configure(machine, lines.join("\n"));
    assert.match(await ask(machine), /^4 .*hint: The proxy asks for other credentials/s);
    configure(machine, [...lines, 'proxy_credential_vault_ref = "global/proxy"'].join("\n"));
    assert.match(await ask(machine), /^4 .*hint: The proxy asks for other credentials/s);
    await machine.succeed(["secrets", "set", "global/proxy"], { stdin: "no credential" });
    assert.match(await ask(machine), /^2 .*USER:PASSWORD/s);
    await machine.succeed(["secrets", "set", "global/proxy"], { stdin: `user:${password}` });
    const trace = `${machine.directory}/trace`;
    const through = [
      ...STRACE,
      "-v",
      "-s",
      "9999",
      "-e",
      "trace=execve",
      "-o",
      trace,
    ];
    const before = proxy.heads.length;
    const words = [
      "custom:test",
      "--issuer",
      asked.issuer,
      "--client-id",
      "c",
      "--profile",
      "other",
    ];
    const { result } = await pasteLogin(machine, words, { issuer: asked.issuer, through });
    assert.equal(result.status, 0, result.stderr);
    const commands: readonly (readonly [string[], string?])[] = [
      [["auth", "token", PROFILE]],
      [
        ["auth", "openai", "api-key", "--base-url", `${asked.issuer}/v1`, "--value-stdin"],
        "sk-key",
      ],
      [["auth", "revoke", "other"]],
    ];
    const told = [result.stdout, result.stderr, Deno.readTextFileSync(trace)];
    for (const [args, stdin] of commands) {
      const ended = await machine.succeed([...args, "--verbose"], { stdin, through });
      told.push(ended.stdout, ended.stderr, Deno.readTextFileSync(trace));
    }
    assert.deepEqual(
      asked.seen.slice(-5).map(({ path }) => path),
      ["/.well-known/openid-configuration", "/token", "/token", "/v1/models", "/revoke"],
    );
    assert.equal(proxy.heads.length - before, 5);
    assert.ok(asked.seen.every(({ head }) => !/proxy-authorization/i.test(head)));
    const canaries = [keyCanary("the proxy's password", new TextEncoder().encode(password))];
    told.forEach((text, at) => assertNoTrace(canaries, text, `output ${at}`));
    assertNoTraceBelow(canaries, machine.directory);
  },
);

Deno.test("a server of this machine is never asked through the proxy", async () => {
  for (const isSecure of [false, true]) {
    await using asked = server("localhost", isSecure);
    await using proxy = startConnectProxy(1);
    using machine = await machineOf(asked);
    const ca = `ca_certificates = ["""\n${webCertificate().ca}"""]`;
    configure(machine, `[auth.network]\n${ca}\nproxy = "${proxy.url}"\n`);
    assert.equal(await ask(machine), "fresh");
    assert.equal(proxy.heads.length, 0);
  }
});

Deno.test("a certificate that has ended, vouches for itself or is for another name gets no request", async () => {
  const name = "localhost";
  const rows: readonly (readonly [string, { cert: string; key: string }, string])[] = [
    ["ended", certificateFor(name, -1), name],
    ["of itself", selfSigned(name), name],
    ["another name", certificateFor("other.example"), name],
    ["an address", certificateFor(name), "127.0.0.1"],
  ];
  for (const [what, tls, host] of rows) {
    await using asked = startScriptedServer(FRESH, { tls });
    const issuer = `https://${host}:${new URL(asked.issuer).port}`;
    using machine = makeMachine();
    await loginBy(machine, { endpoint: `${issuer}/token`, refreshToken: "refresh-1" });
    configure(machine, `[auth.network]\nca_certificates = ["""\n${webCertificate().ca}"""]\n`);
    assert.match(await ask(machine), /^4 .*certificate is not valid/s, what);
    const words = ["login", "custom:test", "--issuer", issuer, "--client-id", "c", "--paste"];
    assertRefused(await machine.run(["auth", ...words]), 4, what);
    const key = ["openai", "api-key", "--base-url", issuer, "--value-stdin"];
    assertRefused(await machine.run(["auth", ...key], { stdin: "sk-key" }), 4, what);
    assert.deepEqual(asked.seen, [], what);
  }
});

registerWithMounts()(
  "a name that leads to a special address is refused, unless the config allows that address",
  async () => {
    await using asked = server("auth.test");
    using machine = await machineOf(asked);
    await using mounts = await openMounts(machine);
    Deno.writeTextFileSync(`${machine.directory}/hosts`, "127.0.0.1 auth.test\n");
    await mounts.shell("mount --bind hosts /etc/hosts");
    const inside: Machine = { ...machine, run: mounts.run };
    const ca = `ca_certificates = ["""\n${webCertificate().ca}"""]`;
    const rows: readonly (readonly [string, RegExp])[] = [
      ["", /^6 .*address of the kind loopback; allow that address by configuration/s],
      ["allow = ['10.0.0.0/8']", /^6 /],
      ["allow = ['127.0.0.0/8']", /^fresh$/],
      ["allow = ['127.0.0.1']", /^fresh$/],
    ];
    for (const [line, wanted] of rows) {
      configure(machine, `[auth.network]\n${ca}\n${line}\n`);
      assert.match(await ask(inside), wanted, line);
    }
    assert.equal(asked.seen.length, 2);
  },
);
