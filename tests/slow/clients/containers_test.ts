/** The real podman, buildah and skopeo: palyra through credHelpers, and podman's secrets of any bytes. */

import assert from "node:assert/strict";
import { type ClientServer, startClientServer } from "../../support/client_server.ts";
import { type RealClient, testWithClient } from "../../support/real_client.ts";

const SECRET = "s3cr3t";
const BASIC = `Basic ${btoa(`bob:${SECRET}`)}`;
const NOBODY = `Basic ${btoa(":")}`;
const STORES = '[helper.docker]\nstore_scope = "skill:docker"\n';
const map = (host: string): string =>
  `[[helper.docker.map]]\nmatch = "${host}"\nref = "global/secret"\nusername = "bob"\n`;

/** Writes what podman and buildah read, and the file that podman writes its logins to. */
function tell({ home }: RealClient, host: string): string {
  const text = JSON.stringify({ credHelpers: { [host]: "palyra" } });
  Deno.mkdirSync(`${home}/.docker`);
  Deno.writeTextFileSync(`${home}/.docker/config.json`, text);
  Deno.writeTextFileSync(`${home}/auth.json`, text);
  return `${home}/auth.json`;
}

const hostOf = ({ port }: ClientServer): string => `127.0.0.1:${port}`;

for (const name of ["podman", "buildah"]) {
  testWithClient(`${name} through credHelpers`, { program: name }, STORES, async (real) => {
    const { client, home, program, run } = real;
    await using server = startClientServer(BASIC);
    const host = hostOf(server);
    const env = { XDG_RUNTIME_DIR: home };
    const authfile = ["--authfile", tell(real, host)];
    await real.install("docker");
    const who = [program, "login", "--get-login", host];
    assert.notEqual((await run(who, { env })).status, 0, "nothing is stored yet");
    const login = [program, "login", ...authfile, "-u", "bob", "--password-stdin"];
    const done = await run([...login, "--tls-verify=false", host], { stdin: SECRET, env });
    assert.equal(done.status, 0, done.err);
    assert.match(done.out, /Login Succeeded/);
    assert.equal(server.requests.at(-1)!.authorization, BASIC);
    assert.doesNotMatch(Deno.readTextFileSync(`${home}/auth.json`), /"auth"|s3cr3t|czNjcjN0/);
    assert.equal((await run(who, { env })).out.trim(), "bob");
    const out = await run([program, "logout", ...authfile, host], { env });
    assert.equal(out.status, 0, out.err);
    assert.equal((await client.ask("docker", ["list"])).stdout, "{}\n");
    client.rules(map(host));
    await client.store("global/secret", SECRET);
    assert.equal((await run(who, { env })).out.trim(), "bob", "what the config maps");
  });
}

testWithClient("skopeo at another port", { program: "skopeo" }, "", async (real) => {
  const { client, home, program, run } = real;
  await using server = startClientServer(BASIC);
  await using other = startClientServer(BASIC);
  tell(real, hostOf(other));
  Deno.writeTextFileSync(
    `${home}/.docker/config.json`,
    JSON.stringify({ credHelpers: { [hostOf(server)]: "palyra", [hostOf(other)]: "palyra" } }),
  );
  client.rules(map(hostOf(server)));
  await client.store("global/secret", SECRET);
  await real.install("docker");
  const inspect = async (host: string): Promise<number> => {
    const image = `docker://${host}/a/b:c`;
    return (await run([program, "inspect", "--raw", "--tls-verify=false", image])).status;
  };
  assert.equal(await inspect(hostOf(server)), 0);
  assert.notEqual(await inspect(hostOf(other)), 0);
  assert.ok(other.requests.length > 0, "it was asked");
  // It says "nobody, without a password" where it has nothing.
  const said = [...new Set(other.requests.map(({ authorization }) => authorization))];
  assert.deepEqual(said.filter((one) => one !== "" && one !== NOBODY), []);
});

const DRIVER = '[helper.podman]\nstore_scope = "skill:podman"\n';

testWithClient("podman's secrets", { program: "podman" }, DRIVER, async (real) => {
  const { client, home, program, run } = real;
  const env = { XDG_RUNTIME_DIR: home };
  const wrapper = await real.install("podman");
  const options = ["list", "lookup", "store", "delete"].flatMap((one) => [
    ...["--driver-opts", `${one}=${wrapper} ${one}`],
  ]);
  // All that it keeps is kept in here, and not where the machine's own podman keeps it.
  const podman = [
    ...[program, "--root", `${home}/root`, "--runroot", `${home}/run`, "--tmpdir", `${home}/tmp`],
    ...["--storage-driver", "vfs", "--events-backend", "none"],
  ];
  const create = [...podman, "secret", "create", "--driver", "shell", ...options, "s1"];
  // A key store, as programs in containers have them: bytes that are no text, and a NUL among them.
  const bytes = Uint8Array.from({ length: 4_096 }, (_, at) => (at * 131 + 255) % 256);
  Deno.writeFileSync(`${home}/store.p12`, bytes);
  const made = await run([...create, `${home}/store.p12`], { env });
  assert.equal(made.status, 0, made.err);
  const id = made.out.trim();
  Deno.mkdirSync(`${home}/rootfs`);
  const container = [...podman, "create", "--name", "c1", "--secret", "s1", "--rootfs"];
  const created = await run([...container, `${home}/rootfs`, "true"], { env });
  assert.equal(created.status, 0, created.err);
  const given = await run(["/usr/bin/find", `${home}/root`, "-path", "*/secrets/s1"]);
  assert.deepEqual(Deno.readFileSync(given.out.trim()), bytes, "what the container will find");
  assert.equal((await run([...podman, "rm", "c1"], { env })).status, 0);
  const listed = await client.ask("podman", ["list"]);
  assert.equal(listed.stdout, `${id}\n`);
  const { stdout } = await client.machine.succeed(["secrets", "list", "skill:podman", "--json"]);
  assert.equal(JSON.parse(stdout).secrets.length, 1);
  assert.equal((await run([...podman, "secret", "rm", "s1"], { env })).status, 0);
  assert.equal((await client.ask("podman", ["list"])).stdout, "");
  client.rules("");
  const refused = await run([...create, `${home}/store.p12`], { env });
  assert.notEqual(refused.status, 0, "without a place to store it podman says that it failed");
});
