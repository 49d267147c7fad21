/** The real terraform: the token that palyra gives goes to the host it is for, and `logout` forgets it. */

import assert from "node:assert/strict";
import { testWithClient } from "../../support/real_client.ts";

const SECRET = "s3cr3t";
const STORES = '[helper.terraform]\nstore_scope = "skill:terraform"\n';
const HOST = "app.example.org";

testWithClient("terraform", { version: ["version"] }, STORES, async (real) => {
  const { client, home, program, run } = real;
  const seen: string[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      seen.push(request.headers.get("authorization") ?? "");
      return Response.json({ modules: [{ versions: [] }] });
    },
  );
  const modules = `http://127.0.0.1:${(server.addr as Deno.NetAddr).port}/v1/modules/`;
  await real.install("terraform");
  const host = (name: string): string =>
    `host "${name}" { services = { "modules.v1" = "${modules}" } }\n`;
  Deno.writeTextFileSync(
    `${home}/tf.rc`,
    `credentials_helper "palyra" { args = [] }\n${host(HOST)}${host("other.example.org")}`,
  );
  const env = { TF_CLI_CONFIG_FILE: `${home}/tf.rc`, CHECKPOINT_DISABLE: "1" };
  const init = async (name: string): Promise<string | undefined> => {
    const directory = `${home}/${crypto.randomUUID()}`;
    Deno.mkdirSync(directory);
    Deno.writeTextFileSync(`${directory}/main.tf`, `module "m" { source = "${name}/a/b/c" }\n`);
    const ended = await run([program, `-chdir=${directory}`, "init", "-no-color"], { env });
    assert.equal(ended.status, 1, "there is no such module");
    assert.match(ended.err, /Module has no versions/);
    assert.doesNotMatch(ended.out + ended.err, new RegExp(SECRET));
    return seen.at(-1);
  };
  assert.equal(await init(HOST), "", "nothing is stored yet");
  const token = JSON.stringify({ token: SECRET });
  assert.equal((await client.ask("terraform", ["store", HOST], token)).status, 0);
  assert.equal(await init(HOST), `Bearer ${SECRET}`);
  assert.equal(await init("other.example.org"), "", "another host gets nothing");
  const logout = await run([program, "logout", HOST], { env });
  assert.equal(logout.status, 0, logout.err);
  assert.equal(await init(HOST), "", "it is forgotten");
  client.rules(`[[helper.terraform.map]]\nmatch = "${HOST}"\nref = "global/secret"\n`);
  await client.store("global/secret", SECRET);
  assert.equal(await init(HOST), `Bearer ${SECRET}`, "what the config maps");
});
