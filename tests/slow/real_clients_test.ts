/** Real clients that log in to servers: each gets from palyra what it needs, stores it, and forgets it. */

import assert from "node:assert/strict";
import { makeCertificate, startClientServer } from "../support/client_server.ts";
import { testWithClient } from "../support/real_client.ts";

const SECRET = "s3cr3t";
const BASIC = `Basic ${btoa(`bob:${SECRET}`)}`;
const map = (protocol: string, match: string, more = ""): string =>
  `[[helper.${protocol}.map]]\nmatch = "${match}"\nref = "global/secret"\n${more}`;
const BOB = 'username = "bob"\n';

testWithClient("git", {}, '[helper.git]\nstore_scope = "skill:git"\n', async (real) => {
  const { client, program, run } = real;
  await using server = startClientServer(BASIC);
  const url = `http://127.0.0.1:${server.port}/r.git`;
  client.rules(
    `[helper.git]\nstore_scope = "skill:git"\n${map("git", `${url}/*`.replace("/r.git", ""), BOB)}`,
  );
  await client.store("global/secret", SECRET);
  await real.install("git", "--write");
  const env = { GIT_TERMINAL_PROMPT: "0" };
  const listed = await run([program, "ls-remote", url], { env });
  assert.equal(listed.status, 0, listed.err);
  assert.match(listed.out, /refs\/heads\/main/);
  assert.equal(server.requests.at(-1)!.authorization, BASIC);
  client.rules('[helper.git]\nstore_scope = "skill:git"\n');
  const refused = await run([program, "ls-remote", url], { env });
  assert.equal(refused.status, 128, "nothing is mapped any more");
  const credential = `protocol=http\nhost=127.0.0.1:${server.port}\n`;
  const approve = (password: string): Promise<unknown> =>
    run([program, "credential", "approve"], {
      stdin: `${credential}username=bob\npassword=${password}\n\n`,
      env,
    });
  await approve(SECRET);
  assert.equal((await run([program, "ls-remote", url], { env })).status, 0, "what git has stored");
  await approve("wrong");
  assert.equal((await run([program, "ls-remote", url], { env })).status, 128);
  const filled = await run([program, "credential", "fill"], { stdin: `${credential}\n`, env });
  assert.notEqual(filled.status, 0, "git has erased what the server refused");
});

testWithClient("git askpass", { program: "git" }, "", async (real) => {
  const { client, program, run } = real;
  await using server = startClientServer(BASIC);
  const base = `http://127.0.0.1:${server.port}`;
  client.rules(map("askpass", `${base}/*`, BOB));
  await client.store("global/secret", SECRET);
  const wrapper = await real.install("askpass");
  const ls = [program, "-c", "credential.helper=", "ls-remote", `${base}/r.git`];
  const listed = await run(ls, { env: { GIT_ASKPASS: wrapper } });
  assert.equal(listed.status, 0, listed.err);
  assert.equal(server.requests.at(-1)!.authorization, BASIC);
});

testWithClient("docker", {}, '[helper.docker]\nstore_scope = "skill:docker"\n', async (real) => {
  const { client, home, program, run } = real;
  await real.install("docker", "--write");
  const tls = await makeCertificate(home);
  await using server = startClientServer(BASIC);
  await using secure = startClientServer(BASIC, tls);
  const host = `127.0.0.1:${server.port}`;
  const login = await run([program, "login", "-u", "bob", "--password-stdin", host], {
    stdin: SECRET,
  });
  assert.equal(login.status, 0, login.err);
  assert.match(login.out, /Login Succeeded/);
  const listed = await client.ask("docker", ["list"]);
  assert.equal(listed.stdout, `{"${host}":"bob"}\n`);
  assert.doesNotMatch(Deno.readTextFileSync(`${home}/.docker/config.json`), /s3cr3t|czNjcjN0/);
  const store = JSON.stringify({
    ServerURL: `127.0.0.1:${secure.port}`,
    Username: "bob",
    Secret: SECRET,
  });
  await client.ask("docker", ["store"], store);
  const image = `127.0.0.1:${secure.port}/a/b:c`;
  const inspected = await run([program, "manifest", "inspect", "--insecure", image]);
  assert.equal(inspected.status, 0, inspected.err);
  assert.equal(secure.requests.at(-1)!.authorization, BASIC);
  assert.equal((await run([program, "logout", host])).status, 0);
  assert.doesNotMatch((await client.ask("docker", ["list"])).stdout, new RegExp(host));
});

testWithClient("skopeo", {}, "", async (real) => {
  const { client, home, program, run } = real;
  await using server = startClientServer(BASIC);
  const host = `127.0.0.1:${server.port}`;
  client.rules(map("docker", host, BOB));
  await client.store("global/secret", SECRET);
  await real.install("docker");
  Deno.mkdirSync(`${home}/.docker`);
  Deno.writeTextFileSync(
    `${home}/.docker/config.json`,
    JSON.stringify({ credHelpers: { [host]: "palyra" } }),
  );
  const args = ["inspect", "--raw", "--tls-verify=false", `docker://${host}/a/b:c`];
  const inspected = await run([program, ...args]);
  assert.equal(inspected.status, 0, inspected.err);
  assert.equal(server.requests.at(-1)!.authorization, BASIC);
});

testWithClient(
  "aws",
  {},
  '[[helper.aws.map]]\nmatch = "ci"\nref = "global/secret"\nusername = "AKIAEXAMPLE"\n',
  async (real) => {
    const { client, home, program, run } = real;
    await client.store("global/secret", SECRET);
    const wrapper = await real.install("aws");
    Deno.mkdirSync(`${home}/.aws`);
    Deno.writeTextFileSync(
      `${home}/.aws/config`,
      `[profile ci]\nregion = us-east-1\ncredential_process = "${wrapper}" ci\n` +
        `[profile other]\nregion = us-east-1\ncredential_process = "${wrapper}" other\n`,
    );
    const list = await run([program, "configure", "list", "--profile", "ci"]);
    assert.equal(list.status, 0, list.err);
    assert.match(list.out, /custom-process/);
    const other = await run([program, "sts", "get-caller-identity", "--profile", "other"]);
    assert.notEqual(other.status, 0);
    assert.match(other.err, /nothing is mapped to this profile/);
  },
);

testWithClient("kubectl", { version: ["version", "--client"] }, "", async (real) => {
  const { client, home, program, run } = real;
  const tls = await makeCertificate(home);
  await using server = startClientServer(`Bearer ${SECRET}`, tls);
  const url = `https://127.0.0.1:${server.port}`;
  client.rules(map("kubernetes", url));
  await client.store("global/secret", SECRET);
  const wrapper = await real.install("kubernetes");
  const config = `${home}/kubeconfig`;
  Deno.writeTextFileSync(
    config,
    `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "${url}", certificate-authority: ${tls.file}}}]
users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: ${wrapper}, interactiveMode: Never, provideClusterInfo: true}}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`,
  );
  const get = [program, "--kubeconfig", config, "get", "--raw", "/version"];
  const got = await run(get);
  assert.equal(got.status, 0, got.err);
  assert.equal(server.requests.at(-1)!.authorization, `Bearer ${SECRET}`);
  client.rules("");
  assert.notEqual((await run(get)).status, 0);
});

testWithClient("cargo", {}, "", async (real) => {
  const { client, home, program, run } = real;
  await using server = startClientServer(SECRET);
  const index = `sparse+http://127.0.0.1:${server.port}/`;
  client.rules(`[helper.cargo]\nstore_scope = "skill:cargo"\n${map("cargo", index)}`);
  await client.store("global/secret", SECRET);
  const wrapper = await real.install("cargo");
  const cargoHome = `${home}/cargo`;
  Deno.mkdirSync(cargoHome);
  Deno.writeTextFileSync(
    `${cargoHome}/config.toml`,
    `[registries.loc]\nindex = "${index}"\ncredential-provider = ["${wrapper}"]\n`,
  );
  const rustup = Deno.env.get("RUSTUP_HOME") ?? `${Deno.env.get("HOME")}/.rustup`;
  const env = { CARGO_HOME: cargoHome, RUSTUP_HOME: rustup };
  const owners = [program, "owner", "--list", "--registry", "loc", "foo"];
  const listed = await run(owners, { env });
  assert.equal(listed.status, 0, listed.err);
  assert.match(listed.out, /bob/);
  client.rules('[helper.cargo]\nstore_scope = "skill:cargo"\n');
  assert.equal((await run(owners, { env })).status, 101, "no token");
  const login = await run([program, "login", "--registry", "loc"], { stdin: `${SECRET}\n`, env });
  assert.equal(login.status, 0, login.err);
  assert.equal((await run(owners, { env })).status, 0, "what cargo has stored");
  assert.equal((await run([program, "logout", "--registry", "loc"], { env })).status, 0);
  assert.equal((await run(owners, { env })).status, 101);
});

const PIP = { offers: ["download", "--help", "--keyring-provider"] } as const; // since pip 23.1

testWithClient("pip", PIP, "", async (real) => {
  const { client, home, program, run } = real;
  await using server = startClientServer(BASIC);
  client.rules(map("keyring", `http://127.0.0.1:${server.port}/*`, BOB));
  await client.store("global/secret", SECRET);
  await real.install("keyring");
  const index = `http://bob@127.0.0.1:${server.port}/simple/`;
  const args = [
    "--no-deps",
    "--no-input",
    "--keyring-provider",
    "subprocess",
    "--index-url",
    index,
  ];
  const got = await run([program, "download", ...args, "nosuchpkg"], {
    env: { PIP_CONFIG_FILE: "/dev/null", PIP_DISABLE_PIP_VERSION_CHECK: "1", TMPDIR: home },
  });
  assert.equal(got.status, 1, "there is no such package");
  assert.equal(server.requests.at(-1)!.authorization, BASIC, got.err);
});

testWithClient("direnv", { version: ["version"] }, "", async (real) => {
  const { client, home, program, run } = real;
  await client.store("global/secret", SECRET);
  const wrapper = await real.install("token");
  client.rules('[helper.token]\nallow = ["global/secret"]\n');
  const project = `${home}/project`;
  Deno.mkdirSync(project);
  Deno.writeTextFileSync(`${project}/.envrc`, `export KEY="$(${wrapper} global/secret)"\n`);
  assert.equal((await run([program, "allow", project])).status, 0);
  const printed = await run([program, "exec", project, "/usr/bin/printenv", "KEY"]);
  assert.equal(printed.out, `${SECRET}\n`, printed.err);
});
