/** Validation: every mistake and every unknown key, where it stands. */

import assert from "node:assert/strict";
import { validateConfig } from "../../src/config/validate.ts";
import { parseToml } from "../../src/config/toml_document.ts";

function problems(text: string): string[] {
  const location = { origin: "flag", path: "/c/palyra.toml", realPath: undefined } as const;
  return validateConfig({ location, text, digest: undefined, table: parseToml(text) })
    .map(({ severity, field, line, column, message }) =>
      `${line}:${column} ${severity} ${field}: ${message}`
    );
}

Deno.test("a config with all that is known is valid", () => {
  assert.deepEqual(
    problems(`version = 1
[palyra]
keep_versions = 5
[model_provider]
kind = "anthropic"
anthropic_api_key_vault_ref = "global/a"
[[model_provider.providers]]
provider_id = "x"
api_key = "inline"
[tool_call.browser_service]
enabled = true
state_key_vault_ref = "global/s"
[tool_call.browser_service.auth_token_secret_ref]
kind = "env"
variable = "X"
[gateway]
vault_get_approval_required_refs = ["global/a"]
[[helper.git.map]]
match = "https://x"
ref = "global/g"
[helper.docker]
store_scope = "skill:docker"
[anything]
deep_vault_ref = "global/z"
`),
    [],
  );
});

Deno.test("each mistake is told with line and column, and without a value", () => {
  const text = `version = 2
unknown_top = "hidden"
[palyra]
typo = "hidden"
[model_provider]
openai_api_key = "hidden"
openai_api_key_vault_ref = "global/a"
anthropic_api_key_vault_ref = "not a ref hidden"
  nonsense.deep = 1
[[model_provider.providers]]
provider_id = "x"
colour = "hidden"
[admin]
auth_token = 5
connector_token_secret_ref = { kind = "vault", vault_ref = "global/x", colour = "hidden" }
[extra.table]
a = 1
b = 2
`;
  const found = problems(text);
  assert.deepEqual(found, [
    "1:1 error version: it is not 1",
    "2:1 unknown unknown_top: palyra does not know this key",
    "4:1 error palyra.typo: Cannot use palyra.typo: there is no such key",
    "6:1 error model_provider.openai_api_key: it is held in 2 forms; leave one",
    "8:1 error model_provider.anthropic_api_key_vault_ref: Cannot use model_provider.anthropic_api_key_vault_ref: it is no reference to the vault",
    "9:3 unknown model_provider.nonsense: palyra does not know this key",
    "12:1 unknown model_provider.providers[0].colour: palyra does not know this key",
    "14:1 error admin.auth_token: it is no text",
    "15:1 error admin.connector_token_secret_ref: Cannot use admin.connector_token_secret_ref.colour: there is no such key",
    "16:2 unknown extra: palyra does not know this key",
  ]);
  assert.ok(!found.join().includes("hidden"));
});

Deno.test("of the tables with settings each mistake is told as well, one for each key", () => {
  const text = `[palyra]
keep_versions = 0
typo = "hidden"
allow_env = ["A B", "1"]
[auth.network]
proxy = "http://hidden:hidden@x"
allow = ["hidden", "10.0.0.0/8", "hidden too"]
bogus = "hidden"
`;
  const told = problems(text);
  assert.deepEqual(told.map((line) => line.replace(/: .*/, "")), [
    "2:1 error palyra.keep_versions",
    "3:1 error palyra.typo",
    "4:14 error palyra.allow_env[0]",
    "4:21 error palyra.allow_env[1]",
    "6:1 error auth.network.proxy",
    "7:10 error auth.network.allow[0]",
    "7:34 error auth.network.allow[2]",
    "8:1 error auth.network.bogus",
  ]);
  assert.ok(!told.join("\n").includes("hidden"));
  assert.match(problems('[palyra]\nbackend = "hidden"\n').join("\n"), /^1:2 error palyra: /);
  assert.equal(problems("palyra = 1\nauth = 2\n").length, 2);
});
