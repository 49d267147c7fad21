/** What each protocol says, letter by letter, from outside: what is mapped, stored, absent, and wrong. */

import assert from "node:assert/strict";
import { type ClientMachine, makeClientMachine } from "../support/clients.ts";
import { eachOf } from "../support/cli_run.ts";

const RULES = `
[helper.ansible]
allow = ["global/vault_*"]
[[helper.ansible.map]]
match = "dev"
ref = "global/one"
[[helper.askpass.map]]
match = "https://git.example.org/*"
ref = "global/one"
username = "bob"
[[helper.askpass.map]]
match = "https://any.example.org/*"
ref = "global/two"
[[helper.askpass.map]]
match = "ssh:/keys/id"
ref = "global/two"
[[helper.askpass.map]]
match = "sudo:bob"
ref = "global/two"
[[helper.aws.map]]
match = "default"
ref = "global/one"
username = "AKIAEXAMPLE"
[[helper.aws.map]]
match = "whole"
ref = "global/aws"
[[helper.bazel.map]]
match = "https://cache.example.org/*"
ref = "global/one"
[[helper.bazel.map]]
match = "https://basic.example.org/*"
ref = "global/one"
username = "bob"
[helper.cargo]
store_scope = "skill:cargo"
[[helper.cargo.map]]
match = "sparse+https://index.example.org/"
ref = "global/one"
[helper.docker]
store_scope = "skill:docker"
[[helper.docker.map]]
match = "ghcr.io"
ref = "global/one"
username = "bob"
[[helper.docker.map]]
match = "https://full.example.org/*"
ref = "global/two"
username = "eve"
[[helper.docker.map]]
match = "http://plain.example.org/*"
ref = "global/two"
username = "eve"
[helper.git]
store_scope = "skill:git"
[[helper.git.map]]
match = "https://git.example.org/*"
ref = "global/one"
username = "bob"
[helper.keyring]
store_scope = "skill:keyring"
[[helper.keyring.map]]
match = "https://pypi.example.org/simple"
ref = "global/one"
username = "bob"
[[helper.keyring.map]]
match = "https://slash.example.org/simple/"
ref = "global/one"
username = "bob"
[[helper.keyring.map]]
match = "https://all.example.org/simple/*"
ref = "global/one"
username = "bob"
[[helper.keyring.map]]
match = "host.example.org:8080"
ref = "global/two"
username = "bob"
[[helper.kubernetes.map]]
match = "https://k8s.example.org:6443"
ref = "global/one"
[[helper.kubernetes.map]]
match = "prod"
ref = "global/two"
[helper.openclaw]
allow = ["global/one", "skill:x/*"]
[helper.podman]
store_scope = "skill:podman"
[helper.summon]
allow = ["global/*"]
[helper.systemd]
allow = ["global/one", "global/two"]
[helper.terraform]
store_scope = "skill:terraform"
[[helper.terraform.map]]
match = "app.example.org"
ref = "global/one"
[helper.token]
allow = ["global/one", "global/lines", "global/gone"]
[[helper.token.map]]
match = "claude"
ref = "global/two"
[helper.vault-token]
store_scope = "skill:hashicorp"
[[helper.vault-token.map]]
match = "https://vault.example.org:8200"
ref = "global/one"
[[helper.vault-token.map]]
match = "https://slash.example.org:8200/"
ref = "global/two"
`;

const NOTHING = /^palyra: Cannot give a credential: nothing is mapped to [^\n]+\n$/;

interface Exchange {
  readonly args: readonly string[];
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly status?: number;
  readonly out?: string;
  /** On standard error; nothing without it. */
  readonly err?: RegExp;
}

const git = (host: string, more = ""): string => `protocol=https\nhost=${host}\n${more}\n`;
const gitGet = (host: string, more = ""): Exchange => ({ args: ["get"], stdin: git(host, more) });
const BOB = "username=bob\npassword=first\n";
const K8S = (token: string, version = "v1"): string =>
  `{"apiVersion":"client.authentication.k8s.io/${version}","kind":"ExecCredential","status":{"token":"${token}"}}\n`;
const k8sInfo = (server: string, version = "v1"): Record<string, string> => ({
  KUBERNETES_EXEC_INFO: JSON.stringify({
    apiVersion: `client.authentication.k8s.io/${version}`,
    spec: { cluster: { server } },
  }),
});
const cargo = (kind: string, url: string, more: object = {}): string =>
  `${JSON.stringify({ v: 1, registry: { "index-url": url }, kind, ...more })}\n`;
const HELLO = '{"v":[1]}\n';
const TOKEN = (text: string): string =>
  `{"Ok":{"kind":"get","token":"${text}","cache":"session","operation_independent":true}}\n`;

/** In their order: what one stores, a later one gets. */
const EXCHANGES: Readonly<Record<string, readonly Exchange[]>> = {
  ansible: [
    { args: ["--vault-id", "dev"], out: "first\n" },
    { args: ["--vault-id=dev"], out: "first\n" },
    { args: ["--vault-id", "global/vault_a"], out: "third\n" },
    { args: ["--vault-id", "global/one"], status: 2, err: NOTHING },
    { args: [], status: 2, err: NOTHING },
    { args: ["--other"], status: 1, err: /only --vault-id LABEL/ },
  ],
  askpass: [
    { args: ["Username for 'https://git.example.org': "], out: "bob\n" },
    { args: ["Password for 'https://bob@git.example.org': "], out: "first\n" },
    { args: ["Password for 'https://alice@git.example.org': "], status: 8, err: NOTHING },
    { args: ["Password for 'https://git.example.org.evil.org': "], status: 8, err: NOTHING },
    { args: ["Password for 'https://evil.org/@git.example.org': "], status: 8, err: NOTHING },
    { args: ["Password for 'http://git.example.org': "], status: 8, err: NOTHING },
    { args: ["Password for 'https://al%40x@any.example.org': "], out: "second\n" },
    { args: ["Password for 'https://evil.org/@any.example.org': "], status: 8, err: NOTHING },
    { args: ["Password for 'https://evil.org@x@any.example.org': "], status: 8, err: NOTHING },
    { args: ["Password for 'https://al%zz@any.example.org': "], status: 8, err: NOTHING },
    { args: ["Username for 'https://any.example.org': "], status: 8, err: NOTHING },
    { args: ["Enter passphrase for /keys/id: "], out: "second\n" },
    { args: ["Enter passphrase for key '/keys/id': "], out: "second\n" },
    { args: ["Enter passphrase for /keys/id (will confirm each use): "], out: "second\n" },
    {
      args: ["Bad passphrase, try again for /keys/id: "],
      status: 1,
      err: /the client did not take the passphrase/,
    },
    { args: ["(bob@evil.org) Enter passphrase for /keys/id: "], status: 8, err: NOTHING },
    { args: ["Enter passphrase for key '/keys/id: "], status: 8, err: NOTHING },
    { args: ["Enter passphrase for /keys/id: \nEnter passphrase: "], status: 8, err: NOTHING },
    { args: ["Enter passphrase for /keys/../keys/id: "], status: 8, err: NOTHING },
    { args: ["[sudo] password for bob: "], out: "second\n" },
    { args: ["[sudo] password for root: "], status: 8, err: NOTHING },
    ...["confirm", "none", "other"].map((kind): Exchange => ({
      args: ["Enter passphrase for /keys/id: "],
      env: { SSH_ASKPASS_PROMPT: kind },
      status: 1,
      err: /no question for a password/,
    })),
    { args: ["Allow use of key /keys/id?"], status: 8, err: NOTHING },
    { args: [], status: 8, err: NOTHING },
  ],
  aws: [
    { args: [], out: '{"Version":1,"AccessKeyId":"AKIAEXAMPLE","SecretAccessKey":"first"}\n' },
    {
      args: ["whole"],
      out: '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"S","SessionToken":"T"}\n',
    },
    { args: ["other"], status: 8, err: NOTHING },
    { args: ["a", "b"], status: 2, err: /exactly one profile/ },
  ],
  bazel: [
    {
      args: ["get"],
      stdin: '{"uri":"https://cache.example.org/a?b#c"}',
      out: '{"headers":{"Authorization":["Bearer first"]}}\n',
    },
    {
      args: ["get"],
      stdin: '{"uri":"https://basic.example.org/"}',
      out: '{"headers":{"Authorization":["Basic Ym9iOmZpcnN0"]}}\n',
    },
    { args: ["get"], stdin: '{"uri":"https://other.org/"}', out: "{}\n" },
    { args: ["get"], stdin: '{"uri":"https://u@cache.example.org/"}', status: 2, err: /no URI/ },
    { args: ["get"], stdin: "{}", status: 2, err: /no URI/ },
    { args: [], status: 2, err: /the one command is get/ },
  ],
  cargo: [
    {
      args: ["--cargo-plugin"],
      stdin: cargo("get", "sparse+https://index.example.org/"),
      out: HELLO + TOKEN("first"),
    },
    {
      args: ["--cargo-plugin"],
      stdin: cargo("get", "sparse+https://other.org/") +
        cargo("login", "sparse+https://other.org/", { token: "new" }) +
        cargo("get", "sparse+https://other.org/") + cargo("logout", "sparse+https://other.org/") +
        cargo("get", "sparse+https://other.org/") + cargo("publish", "sparse+https://other.org/"),
      out: `${HELLO}{"Err":{"kind":"not-found"}}\n{"Ok":{"kind":"login"}}\n${TOKEN("new")}` +
        `{"Ok":{"kind":"logout"}}\n{"Err":{"kind":"not-found"}}\n` +
        `{"Err":{"kind":"operation-not-supported"}}\n`,
    },
    {
      args: ["--cargo-plugin"],
      stdin: cargo("get", "not a url"),
      out: `${HELLO}{"Err":{"kind":"url-not-supported"}}\n`,
    },
    {
      args: ["--cargo-plugin"],
      stdin: '{"v":2}\n',
      out:
        `${HELLO}{"Err":{"kind":"other","message":"Cannot read the request: its version is not 1","caused-by":[]}}\n`,
      status: 0,
    },
  ],
  docker: [
    {
      args: ["get"],
      stdin: "ghcr.io",
      out: '{"ServerURL":"ghcr.io","Username":"bob","Secret":"first"}\n',
    },
    {
      args: ["get"],
      stdin: "ghcr.io\n",
      out: '{"ServerURL":"ghcr.io","Username":"bob","Secret":"first"}\n',
    },
    ...["full.example.org", "full.example.org:443", "https://full.example.org"]
      .map((stdin): Exchange => ({
        args: ["get"],
        stdin,
        out: `{"ServerURL":"${stdin}","Username":"eve","Secret":"second"}\n`,
      })),
    ...[
      "plain.example.org",
      "plain.example.org:80",
      "http://full.example.org",
      "full.example.org:80",
      "full.example.org:5000",
      "x.full.example.org",
      "https://ghcr.io",
      "ghcr.io:443",
      "x@ghcr.io",
      "ghcr.io.evil.org",
      "ghcr.io/../x",
      "ghcr。io",
    ]
      .map((stdin): Exchange => ({
        args: ["get"],
        stdin,
        status: 1,
        out: "credentials not found in native keychain\n",
      })),
    { args: ["get"], stdin: "", status: 1, out: "no credentials server URL\n" },
    {
      args: ["store"],
      stdin: '{"ServerURL":"https://index.docker.io/v1/","Username":"al","Secret":"s3"}\n',
    },
    {
      args: ["get"],
      stdin: "https://index.docker.io/v1/",
      out: '{"ServerURL":"https://index.docker.io/v1/","Username":"al","Secret":"s3"}\n',
    },
    {
      args: ["list"],
      stdin: "unused",
      out: '{"https://index.docker.io/v1/":"al","ghcr.io":"bob"}\n',
    },
    { args: ["erase"], stdin: "https://index.docker.io/v1/" },
    { args: ["erase"], stdin: "https://index.docker.io/v1/" },
    { args: ["erase"], stdin: "ghcr.io" },
    { args: ["list"], out: '{"ghcr.io":"bob"}\n' },
    {
      args: ["store"],
      stdin: '{"ServerURL":"x.org"}',
      status: 1,
      out: "no credentials username\n",
    },
    { args: ["store"], stdin: "{}", status: 1, out: "no credentials server URL\n" },
    { args: ["version"], out: "docker-credential-palyra 0.1.0\n" },
    ...[["other"], [], ["get", "get"]].map((args): Exchange => ({
      args,
      status: 1,
      out: "Usage: docker-credential-palyra <store|get|erase|list|version>\n",
    })),
  ],
  git: [
    { ...gitGet("git.example.org"), out: BOB },
    { ...gitGet("git.example.org:443", "path=a/b.git\n"), out: BOB },
    { ...gitGet("GIT.Example.org", "username=bob\n"), out: BOB },
    gitGet("git.example.org", "username=alice\n"),
    ...[
      "git.example.org:444",
      "git.example.org.",
      "evil.org#git.example.org",
      "x@git.example.org",
      "git.example.org/../x",
      "gıt.example.org",
      "git.example.org\\@evil.org",
      "",
      "git.example.org%00",
    ]
      .map((host) => gitGet(host)),
    gitGet("git.example.org", "path=../x\n"),
    gitGet("git.example.org", "path=a/%2e%2e/b\n"),
    { args: ["get"], stdin: "protocol=http\nhost=git.example.org\n\n" },
    { args: ["get"], stdin: "protocol=https\nhost=git.example.org", out: BOB },
    { args: ["get"], stdin: "" },
    { args: ["approve"], stdin: git("git.example.org") },
    { args: [], stdin: git("git.example.org") },
    gitGet("other.org"),
    { args: ["store"], stdin: git("other.org", "username=al\npassword=p w=1\n") },
    {
      args: ["store"],
      stdin: git("other.org", "username=zoe\npassword=z\npassword_expiry_utc=9999999999\n"),
    },
    { args: ["store"], stdin: git("third.org", "username=e\npassword=e\nephemeral=1\n") },
    gitGet("third.org"),
    { ...gitGet("other.org"), out: "username=zoe\npassword=z\npassword_expiry_utc=9999999999\n" },
    { ...gitGet("other.org", "username=al\n"), out: "username=al\npassword=p w=1\n" },
    { args: ["erase"], stdin: git("other.org", "username=al\npassword=another\n") },
    { ...gitGet("other.org", "username=al\n"), out: "username=al\npassword=p w=1\n" },
    { args: ["erase"], stdin: git("other.org", "username=al\npassword=p w=1\n") },
    gitGet("other.org", "username=al\n"),
    { args: ["store"], stdin: git("old.org", "username=o\npassword=o\npassword_expiry_utc=1\n") },
    gitGet("old.org"),
    { args: ["erase"], stdin: git("git.example.org") },
    { ...gitGet("git.example.org"), out: BOB },
    { args: ["get"], stdin: "no attribute\n", status: 1, err: /a line has no key/ },
  ],
  keyring: [
    { args: ["get", "https://pypi.example.org/simple/", "bob"], out: "first\n" },
    { args: ["get", "https://pypi.example.org/simple", "alice"], status: 1 },
    { args: ["get", "https://pypi.example.org", "bob"], status: 1 },
    { args: ["get", "https://slash.example.org/simple", "bob"], out: "first\n" },
    { args: ["get", "https://slash.example.org/simple/", "bob"], out: "first\n" },
    { args: ["get", "https://all.example.org/simple", "bob"], out: "first\n" },
    { args: ["get", "https://all.example.org/simple/wheel/", "bob"], out: "first\n" },
    { args: ["get", "https://all.example.org/simplest/", "bob"], status: 1 },
    { args: ["get", "host.example.org:8080", "bob"], out: "second\n" },
    { args: ["get", "http://host.example.org:8080/", "bob"], status: 1 },
    {
      args: ["--mode=creds", "--output=json", "get", "https://pypi.example.org/simple"],
      out: '{"username":"bob","password":"first"}\n',
    },
    { args: ["get", "https://pypi.example.org/simple", "--mode", "creds"], out: "bob\nfirst\n" },
    { args: ["set", "https://o.org/", "al"], stdin: "secret\n" },
    { args: ["get", "https://o.org", "al"], out: "secret\n" },
    { args: ["del", "https://o.org", "al"] },
    { args: ["get", "https://o.org", "al"], status: 1 },
    { args: ["get", "https://u:p@pypi.example.org/simple", "bob"], status: 1 },
    { args: ["diagnose"], status: 2, err: /only get, set and del/ },
  ],
  kubernetes: [
    { args: [], env: k8sInfo("https://k8s.example.org:6443"), out: K8S("first") },
    {
      args: [],
      env: k8sInfo("https://k8s.example.org:6443", "v1beta1"),
      out: K8S("first", "v1beta1"),
    },
    { args: ["prod"], out: K8S("second") },
    { args: [], env: k8sInfo("https://k8s.example.org"), status: 8, err: NOTHING },
    { args: [], env: k8sInfo("https://x", "v2"), status: 2, err: /another version/ },
    { args: [], status: 2, err: /neither a label nor a cluster/ },
  ],
  openclaw: [
    {
      args: [],
      stdin:
        '{"protocolVersion":1,"provider":"p","ids":["global/one","vault://global/one#1","skill:x/a","global/two","skill:y/a","a@b","a/../b","x"]}',
      out:
        '{"protocolVersion":1,"values":{"global/one":"first","vault://global/one#1":"first","skill:x/a":"xa"},' +
        '"errors":{"a@b":{"code":"NOT_FOUND"},"a/../b":{"code":"NOT_FOUND"},"global/two":{"code":"NOT_FOUND"},' +
        '"skill:y/a":{"code":"NOT_FOUND"},"x":{"code":"NOT_FOUND"}}}',
    },
    {
      args: [],
      stdin: '{"protocolVersion":1,"ids":[]}',
      out: '{"protocolVersion":1,"values":{},"errors":{}}',
    },
    { args: [], stdin: '{"protocolVersion":2,"ids":[]}', status: 2, err: /its version is not 1/ },
    { args: [], stdin: '{"protocolVersion":1,"ids":[1]}', status: 2, err: /no list of texts/ },
    { args: [], stdin: '{"protocolVersion":1}', status: 2, err: /no list of texts/ },
    { args: [], stdin: "hidden", status: 2, err: /^(?!.*hidden).*it is no JSON\n$/ },
  ],
  podman: [
    { args: ["list"], out: "" },
    { args: ["store"], stdin: "a\nb", env: { SECRET_ID: "aa11" } },
    { args: ["lookup"], env: { SECRET_ID: "aa11" }, out: "a\nb" },
    { args: ["list"], out: "aa11\n" },
    { args: ["delete"], env: { SECRET_ID: "aa11" } },
    { args: ["lookup"], env: { SECRET_ID: "aa11" }, status: 8, err: NOTHING },
    { args: ["store"], stdin: "\0\u0001", env: { SECRET_ID: "bb22" } },
    { args: ["lookup"], env: { SECRET_ID: "bb22" }, out: "\0\u0001" },
    { args: ["store"], stdin: "", env: { SECRET_ID: "cc33" }, status: 2, err: /nothing was given/ },
    { args: ["list"], out: "bb22\n" },
    { args: ["delete"], env: { SECRET_ID: "none" } },
    { args: ["lookup"], status: 2, err: /SECRET_ID names no secret/ },
    { args: ["other"], env: { SECRET_ID: "a" }, status: 2, err: /only list, lookup/ },
  ],
  summon: [
    { args: ["global/one"], out: "first" },
    { args: ["skill:x/a"], status: 8, err: NOTHING },
    { args: [], stdin: "global/one\nglobal/two\n", out: "Zmlyc3Q=\nc2Vjb25k\n" },
    { args: [], stdin: "global/one\r\nglobal/two\r\n", out: "Zmlyc3Q=\nc2Vjb25k\n" },
    {
      args: [],
      stdin: "global/one\nnone\nglobal/two\n",
      out: "Zmlyc3Q=\n",
      status: 8,
      err: NOTHING,
    },
    { args: ["-V"], out: "palyra 0.1.0\n" },
  ],
  systemd: [
    { args: ["global/one"], out: "first" },
    { args: ["global/three"], status: 8, err: NOTHING },
    { args: [], status: 2, err: /one id is needed/ },
    { args: ["--directory", "relative", "a=global/one"], status: 2, err: /absolute path/ },
    { args: ["--directory", "/tmp/x", "../a=global/one"], status: 2, err: /absolute path/ },
  ],
  terraform: [
    { args: ["get", "app.example.org"], out: '{"token":"first"}\n' },
    { args: ["--x", "get", "app.example.org"], out: '{"token":"first"}\n' },
    { args: ["get", "other.org"], out: "{}\n" },
    { args: ["get", "app.example.org@other.org"], status: 2, err: /needs a host name/ },
    { args: ["store", "other.org"], stdin: '{"token":"t"}' },
    { args: ["get", "other.org"], out: '{"token":"t"}\n' },
    { args: ["forget", "other.org"] },
    { args: ["get", "other.org"], out: "{}\n" },
    { args: ["store", "other.org"], stdin: '{"token":"t","x":1}', status: 2, err: /no object/ },
    { args: ["other", "other.org"], status: 2, err: /not get, store or forget/ },
  ],
  token: [
    { args: ["global/one"], out: "first\n" },
    { args: ["global/one#1"], out: "first\n" },
    { args: ["claude"], out: "second\n" },
    { args: ["--prefix", "Bearer ", "claude"], out: "Bearer second\n" },
    { args: ["global/lines"], out: "a\nb\n" },
    { args: ["--prefix", "Bearer ", "global/lines"], status: 2, err: /not one line/ },
    { args: ["global/two"], status: 8, err: NOTHING },
    { args: ["global/one/../two"], status: 8, err: NOTHING },
    { args: ["global/gone"], status: 8, err: NOTHING },
    { args: [], status: 2, err: /exactly one label/ },
  ],
  "vault-token": [
    { args: ["get"], env: { VAULT_ADDR: "https://vault.example.org:8200/" }, out: "first" },
    { args: ["get"], env: { VAULT_ADDR: "http://vault.example.org:8200" } },
    { args: ["get"], env: { VAULT_ADDR: "https://slash.example.org:8200" }, out: "second" },
    { args: ["get"], env: { VAULT_ADDR: "https://slash.example.org:8200/" }, out: "second" },
    { args: ["get"] },
    { args: ["store"], stdin: "tok\n" },
    { args: ["get"], out: "tok" },
    { args: ["erase"] },
    { args: ["get"] },
    { args: ["store"], stdin: "\n", status: 2, err: /it is empty/ },
    { args: ["other"], status: 2, err: /not get, store or erase/ },
  ],
};

/** Kills a child that has not ended in time. */
function endAfter(ms: number, child: Deno.ChildProcess): Disposable {
  const timer = setTimeout(() => child.kill("SIGKILL"), ms);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

async function filled(): Promise<ClientMachine> {
  const client = makeClientMachine(RULES);
  await client.store("global/one", "first");
  await client.store("global/two", "second");
  await client.store("global/vault_a", "third");
  await client.store("global/lines", "a\nb");
  await client.store("skill:x/a", "xa");
  await client.store("skill:y/a", "ya");
  await client.store(
    "global/aws",
    '{"AccessKeyId":"A","SecretAccessKey":"S","SessionToken":"T","x":1}',
  );
  return client;
}

for (const [protocol, exchanges] of Object.entries(EXCHANGES)) {
  Deno.test(`${protocol}: letter by letter`, async () => {
    using client = await filled();
    for (const { args, stdin, env, status = 0, out = "", err } of exchanges) {
      const what = `${protocol} ${args.join(" ")} < ${stdin ?? ""}`;
      const result = await client.ask(protocol, args, stdin, env === undefined ? {} : { env });
      assert.deepEqual([result.status, result.stdout], [status, out], `${what}: ${result.stderr}`);
      assert.match(result.stderr, err ?? /^$/, what);
    }
  });
}

Deno.test("what must not come is never waited for: endless, silent, huge and binary input", async () => {
  using client = await filled();
  const inputs: readonly (readonly [what: string, stdin: Uint8Array])[] = [
    ["ten megabytes", new Uint8Array(10_000_000).fill(0x61)],
    ["ten megabytes of lines", new TextEncoder().encode("a=b\n".repeat(2_500_000))],
    ["a NUL", new TextEncoder().encode("protocol=https\0\nhost=x\n\n")],
    ["no UTF-8", new Uint8Array([0xff, 0xfe, 0x0a, 0x0a])],
    ["half of an object", new TextEncoder().encode('{"protocolVersion":1,"ids":["glo')],
  ];
  const readers: readonly (readonly [string, readonly string[], Record<string, string>?])[] = [
    ["git", ["get"]],
    ["docker", ["get"]],
    ["docker", ["store"]],
    ["openclaw", []],
    ["cargo", ["--cargo-plugin"]],
    ["bazel", ["get"]],
    ["terraform", ["store", "x.org"]],
    ["vault-token", ["store"]],
    ["keyring", ["set", "https://x.org", "u"]],
    ["podman", ["store"], { SECRET_ID: "a" }],
    ["summon", []],
  ];
  await eachOf(readers, async ([protocol, args, env = {}]) => {
    for (const [what, stdin] of inputs) {
      const result = await client.ask(protocol, args, stdin, { env });
      const label = `${protocol} ${args[0] ?? ""}, ${what}: ${result.stdout}${result.stderr}`;
      assert.doesNotMatch(
        result.stdout + result.stderr,
        /first|second|nternal error|^\s+at /m,
        label,
      );
      const isTold = result.status !== 0 || /"Err"/.test(result.stdout);
      // Half of an object is a whole value for those that take any text, and podman takes any bytes.
      const isValue = what.startsWith("half")
        ? ["vault-token", "keyring", "podman"].includes(protocol)
        : protocol === "podman" && !what.startsWith("ten megabytes");
      assert.ok(isTold || isValue || (protocol === "git" && result.stdout === ""), label);
    }
  });
});

Deno.test("a client that says nothing, or never ends, is left after ten seconds", async () => {
  using client = await filled();
  /** The script goes on for a minute, or until nobody reads it; without one the pipe stays open. */
  const slow = async (script: string | undefined, ...args: string[]): Promise<void> => {
    const through = script === undefined ? [] : ["/bin/sh", "-c", `${script} | exec "$@"`, "sh"];
    const started = performance.now();
    const stdin = script === undefined ? "" : undefined;
    const child = await client.machine.spawn(["helper", ...args], { through, stdin });
    using _limit = endAfter(45_000, child);
    const { code, stdout } = await child.output();
    const took = performance.now() - started;
    if (script === undefined) await child.stdin.close().catch(() => {}); // gone already
    assert.notEqual(code, 0, args.join(" "));
    assert.doesNotMatch(new TextDecoder().decode(stdout), /first/);
    assert.ok(took < 40_000, `${args.join(" ")}: ${took} ms`);
  };
  await Promise.all([
    slow(undefined, "git", "get"),
    slow(undefined, "openclaw"),
    slow("timeout 60 sh -c 'while :; do echo a=b; sleep 0.01; done'", "docker", "get"),
    slow("timeout 60 yes", "terraform", "store", "x.org"),
  ]);
});

Deno.test("a clone that brings its own config changes nothing, and a broken config of one's own is told", async () => {
  using client = await filled();
  const clone = `${client.machine.home}/clone`;
  Deno.mkdirSync(clone);
  Deno.writeTextFileSync(
    `${clone}/palyra.toml`,
    '[helper.token]\nallow = ["global/*"]\n[helper.git]\nstore_scope = "global"\n',
  );
  const inside = { through: ["/usr/bin/env", "-C", clone] };
  assert.equal((await client.ask("token", ["global/two"], "", inside)).status, 8);
  assert.equal((await client.ask("token", ["global/one"], "", inside)).stdout, "first\n");
  await client.ask("git", ["store"], git("h.org", "username=u\npassword=p\n"), inside);
  const { stdout } = await client.machine.succeed(["secrets", "list", "--json"]);
  const refs: string[] = JSON.parse(stdout).secrets.map(({ ref }: { ref: string }) => ref);
  assert.ok(refs.some((ref) => ref.startsWith("skill:git/git/h.org/")), refs.join(" "));
  for (
    const [rules, why] of [
      ["no toml", /invalid TOML/],
      ['helper = "x"', /helper: it is no table/],
      ['[helper.token]\nallow = "global/one"', /helper\.token\.allow: it is no list/],
      ['[helper.token]\nallow = ["*"]', /entry 1 of allow/],
      ['[helper.token]\nallow = ["global*"]', /entry 1 of allow/],
      ['[helper.token]\nallow = ["global/one", "global/../x"]', /entry 2 of allow/],
      ["[helper.token]\ntypo = 1", /helper\.token\.typo: there is no such key/],
      [
        '[helper.token]\nstore_scope = "nowhere"',
        /helper\.token\.store_scope: it begins with none of the scope words/,
      ],
      ['[[helper.token.map]]\nmatch = "a"', /helper\.token\.map\.0\.ref: it is missing/],
    ] as const
  ) {
    client.rules(rules);
    const result = await client.ask("token", ["global/one"]);
    assert.deepEqual([result.status, result.stdout], [2, ""], rules);
    assert.match(result.stderr, why, rules);
  }
  for (
    const match of ["https://*.example.org/", "https://u@h.org/", "https://h.org/*/x", "h.org", "*"]
  ) {
    client.rules(`[[helper.git.map]]\nmatch = "${match}"\nref = "global/one"\n`);
    const result = await client.ask("git", ["get"], git("h.org"));
    assert.deepEqual([result.status, result.stdout], [1, ""], match);
    assert.match(result.stderr, /map 1: its match is no address/, match);
  }
  Deno.removeSync(client.config);
  assert.equal((await client.ask("token", ["global/one"])).status, 8, "no config at all");
});

Deno.test("fifty logins at once lose nothing, and a logout among them removes one account only", async () => {
  using client = await filled();
  const names = Array.from({ length: 24 }, (_, at) => `user${at}`);
  await eachOf(names, async (name) => {
    const stdin = git("busy.org", `username=${name}\npassword=of ${name}\n`);
    const { status, stderr } = await client.ask("git", ["store"], stdin);
    assert.equal(status, 0, stderr);
  }, 12);
  await client.ask("git", ["erase"], git("busy.org", "username=user7\n"));
  for (const name of names) {
    const { stdout } = await client.ask("git", ["get"], git("busy.org", `username=${name}\n`));
    assert.equal(stdout, name === "user7" ? "" : `username=${name}\npassword=of ${name}\n`);
  }
});

Deno.test("systemd's files are written all or none, closed to others", async () => {
  using client = await filled();
  const directory = `${client.machine.home}/creds`;
  const write = (...pairs: string[]): ReturnType<typeof client.ask> =>
    client.ask("systemd", ["--directory", directory, ...pairs]);
  assert.equal((await write("a=global/one", "b=global/none")).status, 8);
  assert.throws(() => Deno.statSync(directory), Deno.errors.NotFound);
  assert.equal((await write("a=global/one", "b=global/two")).status, 0);
  assert.equal((await write("a=global/two")).status, 0, "again");
  assert.equal(Deno.readTextFileSync(`${directory}/a`), "second");
  assert.equal(Deno.readTextFileSync(`${directory}/b`), "second");
  assert.equal(Deno.statSync(`${directory}/a`).mode! & 0o777, 0o400);
  assert.equal(Deno.statSync(directory).mode! & 0o777, 0o700);
  assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name).sort(), ["a", "b"]);
});

Deno.test("what explain says of a prompt, or of an index, is what is given", async () => {
  using client = await filled();
  for (
    const [protocol, asked, address, ref] of [
      ["askpass", "Enter passphrase for key '/keys/id': ", "ssh:/keys/id", "global/two"],
      ["askpass", "[sudo] password for bob: ", "sudo:bob", "global/two"],
      ["askpass", "[sudo] password for root: ", "sudo:root", undefined],
      ["askpass", "ssh:/keys/id", "ssh:/keys/id", "global/two"],
      [
        "askpass",
        "Password for 'https://bob@git.example.org': ",
        "https://git.example.org:443",
        "global/one",
      ],
      [
        "keyring",
        "https://slash.example.org/simple",
        "https://slash.example.org:443/simple/",
        "global/one",
      ],
      [
        "keyring",
        "https://pypi.example.org/simple/",
        "https://pypi.example.org:443/simple/",
        "global/one",
      ],
      [
        "vault-token",
        "https://slash.example.org:8200/",
        "https://slash.example.org:8200",
        "global/two",
      ],
    ] as const
  ) {
    const { stdout } = await client.machine.succeed([
      "helper",
      "explain",
      protocol,
      asked,
      "--json",
    ]);
    const told = JSON.parse(stdout);
    assert.deepEqual([told.address, told.ref], [address, ref], asked);
  }
  const none = ["helper", "explain", "askpass", "Password for 'https://a@b@git.example.org': "];
  assert.equal((await client.machine.run(none)).status, 2, "no address of a server");
});
