/** Fields as text: read, written, found in a document. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Field, fieldValue, formatField, parseField, pathOf } from "../../src/config/field.ts";
import { parseToml } from "../../src/config/toml_document.ts";
import { assertFails } from "../support/failures.ts";
import { checkProperty } from "../support/properties.ts";

const DOCUMENT = parseToml(`
[model_provider]
kind = "x"
[[model_provider.providers]]
provider_id = "a"
api_key = "key a"
[[model_provider.providers]]
provider_id = "b.c [d"
[[model_provider.providers]]
provider_id = "twice"
[[model_provider.providers]]
provider_id = "twice"
["odd key"]
"a.b" = [1, [2, 3]]
`);

const FOUND: readonly (readonly [string, readonly (string | number)[] | undefined])[] = [
  ["model_provider.kind", ["model_provider", "kind"]],
  ["model_provider.absent.deep", ["model_provider", "absent", "deep"]],
  ["model_provider.providers[provider_id=a].api_key", [
    "model_provider",
    "providers",
    0,
    "api_key",
  ]],
  ["model_provider.providers[provider_id=b.c [d].x", ["model_provider", "providers", 1, "x"]],
  ["model_provider.providers[provider_id=none].x", undefined],
  ["model_provider.providers[3].x", ["model_provider", "providers", 3, "x"]],
  ["model_provider.kind[provider_id=a]", undefined],
  ['"odd key"."a.b"[1][0]', ["odd key", "a.b", 1, 0]],
];

Deno.test("a field is found where it is, and entries are chosen by their keys", () => {
  for (const [text, path] of FOUND) {
    const field = parseField(text);
    assert.equal(formatField(field), text);
    assert.deepEqual(pathOf(DOCUMENT, field), path, text);
  }
  assert.equal(fieldValue(DOCUMENT, parseField('"odd key"."a.b"[1][0]')), 2n);
  assert.equal(fieldValue(DOCUMENT, parseField("model_provider.constructo")), undefined);
});

Deno.test("an entry that is not the only one of its key is chosen by nobody", async () => {
  const field = parseField("model_provider.providers[provider_id=twice].x");
  await assertFails("usage", /several entries/, () => pathOf(DOCUMENT, field));
});

Deno.test("what is no field is refused, and not repeated", async () => {
  const texts = [
    "",
    ".",
    "a.",
    ".a",
    "a..b",
    "a b",
    "a[b]",
    "a[=b]",
    "a[b=]",
    "a[b=c",
    "[0]",
    '"a',
    '"\\x"',
    "a.__proto__",
    "constructor.a",
    '"prototype"',
    "ä",
    "a\n",
    "a".repeat(513),
    "a[0]b",
  ];
  for (const text of texts) {
    await assertFails("usage", /^Cannot read the field: [a-z ]/, () => parseField(text));
  }
});

Deno.test("every field reads back as it was written", async () => {
  const key = fc.string({ minLength: 1, maxLength: 12, unit: "binary" }).filter((text) =>
    text.isWellFormed() && !/\p{Cc}/u.test(text) &&
    !["__proto__", "prototype", "constructor"].includes(text)
  );
  const choice = fc.oneof(
    fc.nat(999_999),
    fc.record({
      key: fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/),
      equals: fc.stringMatching(/^[^\]\p{Cc}]{1,8}$/u),
    }, { noNullPrototype: true }),
  );
  const field = fc.tuple(key, fc.array(fc.oneof(key, choice), { maxLength: 6 }))
    .map(([first, rest]): Field => [first, ...rest]);
  await checkProperty(
    "fields read back",
    fc.property(field, (given) => assert.deepEqual(parseField(formatField(given)), given)),
  );
});
