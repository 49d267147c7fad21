/** Binding a field: which text becomes which, for every form that was there before. */

import assert from "node:assert/strict";
import { planBinding } from "../../src/config/bind.ts";
import { parseField } from "../../src/config/field.ts";
import { parseToml } from "../../src/config/toml_document.ts";
import { editToml } from "../../src/config/toml_edit.ts";
import { parseSecretId } from "../../src/vault/vault_ref.ts";
import { assertFails } from "../support/failures.ts";

const KEY = "model_provider.openai_api_key";
const TOKEN = "admin.auth_token";
const ID = "global/new";

function bind(text: string, field: string): string {
  const edits = planBinding(parseToml(text), parseField(field), parseSecretId(ID));
  return edits.length === 0 ? text : editToml(text, edits);
}

/** Field, text before, text after. */
const BOUND: readonly (readonly [string, string, string, string])[] = [
  [
    "no config",
    KEY,
    "",
    '[model_provider]\nopenai_api_key_vault_ref = "global/new"\n',
  ],
  [
    "the inline value is replaced where it stands",
    KEY,
    '[model_provider]\nkind = "x"\n  openai_api_key = "sk-old" # mine\nend = 1\n',
    '[model_provider]\nkind = "x"\n  openai_api_key_vault_ref = "global/new" # mine\nend = 1\n',
  ],
  [
    "a blank inline value as well",
    KEY,
    '[model_provider]\nopenai_api_key = ""\n',
    '[model_provider]\nopenai_api_key_vault_ref = "global/new"\n',
  ],
  [
    "another reference is exchanged",
    KEY,
    '[model_provider]\nopenai_api_key_vault_ref = "global/old" # why\n',
    '[model_provider]\nopenai_api_key_vault_ref = "global/new" # why\n',
  ],
  [
    "a reference with vault:// is written as consumers know it",
    KEY,
    '[model_provider]\nopenai_api_key_vault_ref = "vault://global/new"\n',
    '[model_provider]\nopenai_api_key_vault_ref = "global/new"\n',
  ],
  [
    "the form with a table gives way to the shorter one",
    KEY,
    '[model_provider]\nopenai_api_key_secret_ref = { kind = "env", variable = "K" }\nz = 1\n',
    '[model_provider]\nopenai_api_key_vault_ref = "global/new"\nz = 1\n',
  ],
  [
    "every other form goes",
    KEY,
    '[model_provider]\nopenai_api_key = "sk"\nopenai_api_key_vault_ref = "global/old"\n# kept\n' +
    'openai_api_key_secret_ref = { kind = "vault", vault_ref = "global/o" }\n',
    '[model_provider]\nopenai_api_key_vault_ref = "global/new"\n# kept\n',
  ],
  [
    "a field without the short form gets a table",
    TOKEN,
    '[admin]\nauth_token = "secret"\n',
    '[admin]\nauth_token_secret_ref = { kind = "vault", vault_ref = "global/new" }\n',
  ],
  [
    "a table that reads from the vault keeps its other keys",
    TOKEN,
    '[admin]\nauth_token_secret_ref = { kind = "vault", vault_ref = "global/old", required = false }\n',
    '[admin]\nauth_token_secret_ref = { kind = "vault", vault_ref = "global/new", required = false }\n',
  ],
  [
    "also where the table has a header",
    TOKEN,
    '[admin.auth_token_secret_ref] # here\nkind = "vault"\nvault_ref = "global/old" # old\nrequired = false\n',
    '[admin.auth_token_secret_ref] # here\nkind = "vault"\nvault_ref = "global/new" # old\nrequired = false\n',
  ],
  [
    "an entry of a list is bound in place",
    "model_provider.providers[provider_id=b].api_key",
    '[[model_provider.providers]]\nprovider_id = "a"\n\n[[model_provider.providers]]\nprovider_id = "b"\n' +
    'api_key = "sk"\n\n[other]\n',
    '[[model_provider.providers]]\nprovider_id = "a"\n\n[[model_provider.providers]]\nprovider_id = "b"\n' +
    'api_key_vault_ref = "global/new"\n\n[other]\n',
  ],
  [
    "a field that nobody knows keeps the form that it has",
    "hooks.signing_vault_ref",
    '[hooks]\nsigning_vault_ref_vault_ref = "global/old"\n',
    '[hooks]\nsigning_vault_ref_vault_ref = "global/new"\n',
  ],
  [
    "line ends stay",
    KEY,
    '[model_provider]\r\nopenai_api_key = "sk"\r\n',
    '[model_provider]\r\nopenai_api_key_vault_ref = "global/new"\r\n',
  ],
];

for (const [name, field, before, after] of BOUND) {
  Deno.test(`binding: ${name}`, () => {
    assert.equal(bind(before, field), after);
    assert.equal(bind(after, field), after); // once more changes nothing
  });
}

Deno.test("what is bound already is not edited", () => {
  for (
    const [field, text] of [
      [KEY, '[model_provider]\nopenai_api_key_vault_ref = "global/new"\nopenai_api_key = " "\n'],
      [TOKEN, '[admin.auth_token_secret_ref]\nvault_ref = "global/new"\nkind = "vault"\n'],
    ] as const
  ) {
    assert.deepEqual(planBinding(parseToml(text), parseField(field), parseSecretId(ID)), []);
  }
});

Deno.test("an entry that is not there is not invented", async () => {
  const field = "model_provider.providers[provider_id=none].api_key";
  const texts = ["", "[model_provider]\n", '[[model_provider.providers]]\nprovider_id = "a"\n'];
  for (const text of texts) {
    await assertFails("not_found", /no such entry/, () => bind(text, field));
  }
  await assertFails("not_found", /no such entry/, () => bind("a = [1]\n", "a[0].b"));
  await assertFails("usage", /no field of a table/, () => bind("a = [{}]\n", "a[0]"));
  await assertFails("usage", /^Cannot edit/, () => bind('admin = "text"\n', TOKEN));
});
