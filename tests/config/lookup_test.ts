/** What `config:` references and `--all` stand for, and what is refused. */

import assert from "node:assert/strict";
import type { Config } from "../../src/config/config.ts";
import { allReferences, referenceAt } from "../../src/config/lookup.ts";
import { fieldsThatName } from "../../src/config/references.ts";
import { parseToml } from "../../src/config/toml_document.ts";
import { formatVaultRef, parseSecretId } from "../../src/vault/vault_ref.ts";
import { assertFails } from "../support/failures.ts";

function configOf(text: string): Config {
  const location = { origin: "flag", path: "/c/palyra.toml", realPath: undefined } as const;
  return { location, text, digest: undefined, table: parseToml(text) };
}

function sourceOf({ source }: ReturnType<typeof referenceAt>): string {
  if (source.kind === "vault") return formatVaultRef(source.ref);
  return source.kind === "env" ? `env:${source.variable}` : JSON.stringify(source);
}

const CONFIG = configOf(`
[palyra]
allow_env = ["ALLOWED"]
[model_provider]
openai_api_key_vault_ref = "global/openai"
anthropic_api_key_vault_ref = ""
[[model_provider.providers]]
provider_id = "eu"
api_key_secret_ref = { kind = "vault", vault_ref = "vault://eu/key#2", required = false, max_bytes = 9 }
[[model_provider.providers]]
api_key_vault_ref = "global/openai"
[admin]
auth_token_secret_ref = { kind = "env", variable = "ALLOWED" }
connector_token = "inline"
[deep.er."odd key"]
list = [[{ x_vault_ref = "skill:s/x" }]]
[[helper.git.map]]
match = "https://example.com"
ref = "global/openai"
`);

Deno.test("a field is named with or without its suffix", () => {
  for (
    const [field, source] of [
      ["model_provider.openai_api_key", "global/openai"],
      ["model_provider.openai_api_key_vault_ref", "global/openai"],
      ["model_provider.providers[provider_id=eu].api_key", "global/eu/key#2"],
      ["model_provider.providers[1].api_key_vault_ref", "global/openai"],
      ["admin.auth_token_secret_ref", "env:ALLOWED"],
      ['deep.er."odd key".list[0][0].x', "skill:s/x"],
    ] as const
  ) {
    assert.equal(sourceOf(referenceAt(CONFIG, field)), source, field);
  }
});

Deno.test("all references are found, in the order of the document", () => {
  assert.deepEqual(
    allReferences(CONFIG).map((
      found,
    ) => [found.field, sourceOf(found), found.required, found.maxBytes]),
    [
      ["model_provider.openai_api_key", "global/openai", true, undefined],
      ["model_provider.providers[provider_id=eu].api_key", "global/eu/key#2", false, 9],
      ["model_provider.providers[1].api_key", "global/openai", true, undefined],
      ["admin.auth_token", "env:ALLOWED", true, undefined],
      ['deep.er."odd key".list[0][0].x', "skill:s/x", true, undefined],
    ],
  );
  assert.deepEqual(fieldsThatName(CONFIG.table, parseSecretId("global/openai")), [
    "model_provider.openai_api_key",
    "model_provider.providers[1].api_key",
    "helper.git.map[0]",
  ]);
});

Deno.test("what a field cannot give is said, and no value with it", async () => {
  const at = (text: string, field: string) => () => referenceAt(configOf(text), field);
  await assertFails("not_found", /holds no reference/, at("", "admin.auth_token"));
  await assertFails(
    "not_found",
    /holds no reference/,
    at("[admin]\nauth_token_vault_ref = ''", "admin.auth_token"),
  );
  await assertFails(
    "usage",
    /^(?!.*hidden).*holds no reference there, but a value/,
    at("[admin]\nauth_token = 'hidden'", "admin.auth_token"),
  );
  await assertFails(
    "usage",
    /two forms/,
    at(
      "[a]\nb_vault_ref = 'global/x'\nb_secret_ref = { kind = 'vault', vault_ref = 'global/x' }",
      "a.b",
    ),
  );
  await assertFails(
    "usage",
    /^(?!.*hid).*a\.b_vault_ref: it is no reference/,
    at("[a]\nb_vault_ref = 'hid den'", "a.b"),
  );
  await assertFails(
    "usage",
    /b_secret_ref\.typo: there is no such key/,
    at("[a]\nb_secret_ref = { kind = 'vault', vault_ref = 'global/x', typo = 1 }", "a.b"),
  );
  await assertFails(
    "denied",
    /the variable OTHER is not allowed/,
    at("[a]\nb_secret_ref = { kind = 'env', variable = 'OTHER' }", "a.b"),
  );
  for (const path of ["../x", "/a/../x", "a/./x", ".."]) {
    await assertFails(
      "usage",
      /a path has a part \. or \.\./,
      at(`[a]\nb_secret_ref = { kind = 'file', path = '${path}', trusted_dirs = ['/'] }`, "a.b"),
    );
  }
  const exec = (rest: string) => at(`[a]\nb_secret_ref = { kind = 'exec', ${rest} }`, "a.b");
  for (
    const [rest, why] of [
      ["command = []", /command: it is empty/],
      ["command = ['x']", /command: its program is no absolute path/],
      ["command = ['/a/../x']", /command: its program is no absolute path/],
      ["command = ['/x'], inherited_env = ['PALYRA_CONFIG']", /never passed on/],
      ["command = ['/x'], inherited_env = ['LD_PRELOAD']", /never passed on/],
      ["command = ['/x'], cwd = 'here'", /cwd: it is no absolute path/],
      ["command = ['/x'], exec_timeout_ms = 300001", /more than 300000/],
      ["command = ['/x'], protocol = 'openclaw'", /protocol and id belong together/],
      ["command = ['/x'], id = 'a'", /protocol and id belong together/],
      ["command = ['/x'], protocol = 'openclaw', id = 'a/../b'", /no id of the exec protocol/],
      ["command = ['/x'], protocol = 'openclaw', id = '_a'", /no id of the exec protocol/],
    ] as const
  ) await assertFails("usage", why, exec(rest));
  await assertFails(
    "usage",
    /two forms/,
    () => allReferences(configOf("[a]\nb = 'x'\nb_vault_ref = 'global/x'")),
  );
});

Deno.test("a table that is wrong elsewhere still names its secret", () => {
  const { table } = configOf(
    "[a]\nb_secret_ref = { kind = 'vault', vault_ref = 'global/x', typo = 1 }",
  );
  assert.deepEqual(fieldsThatName(table, parseSecretId("global/x")), ["a.b"]);
});

Deno.test("files and programs come as the config means them, from the place where it really is", () => {
  const config = (text: string): Config => ({
    ...configOf(text),
    location: { origin: "flag", path: "/links/palyra.toml", realPath: "/real/place/palyra.toml" },
  });
  const file = "kind = 'file', path = './s/key', trusted_dirs = ['s', '.', '/run/secrets']";
  assert.deepEqual(referenceAt(config(`[a]\nb_secret_ref = { ${file} }`), "a.b").source, {
    kind: "file",
    path: "/real/place/s/key",
    trustedDirs: ["/real/place/s", "/real/place", "/run/secrets"],
    allowSymlinks: false,
    raw: false,
  });
  const exec =
    "kind = 'exec', command = ['/bin/op', '', 'x'], inherited_env = ['A'], exec_timeout_ms = 9, raw = true";
  assert.deepEqual(referenceAt(config(`[a]\nb_secret_ref = { ${exec} }`), "a.b").source, {
    kind: "exec",
    command: ["/bin/op", "", "x"],
    inheritedEnv: ["A"],
    cwd: undefined,
    timeoutMs: 9,
    raw: true,
    id: undefined,
  });
});
