/** Edits of a JSON text: one member is set as if the text were parsed, and every other byte stays. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { memberText, setMember } from "../../src/cli/clients/json_text.ts";
import { checkProperty } from "../support/properties.ts";

const PATH = ["a", "b"];

Deno.test("what is added looks like what stands beside it", () => {
  const cases: readonly (readonly [before: string, path: readonly string[], after: string])[] = [
    ["{}\n", ["k"], '{\n  "k": "v"\n}\n'],
    ["{}\n", PATH, '{\n  "a": {\n    "b": "v"\n  }\n}\n'],
    ["{\n}\n", ["k"], '{\n  "k": "v"\n}\n'],
    ['{"x":1}', ["k"], '{"x":1,"k":"v"}'],
    ['{"x": 1, "y": 2}', ["k"], '{"x": 1, "y": 2, "k": "v"}'],
    ['{"a":{}}', PATH, '{"a":{"b":"v"}}'],
    ['{"a":null}', PATH, '{"a":{"b":"v"}}'],
    [
      '{\r\n\t"x": [\r\n\t]\r\n}',
      PATH,
      '{\r\n\t"x": [\r\n\t],\r\n\t"a": {\r\n\t\t"b": "v"\r\n\t}\r\n}',
    ],
    ['{\n  "a": {}\n}', PATH, '{\n  "a": {\n    "b": "v"\n  }\n}'],
    ['{"k": "old", "k" : "last"}', ["k"], '{"k": "old", "k" : "v"}'],
    ['{"k": {"v": "}\\""} }', ["k"], '{"k": "v" }'],
    ['{"\\u006b": 1.0}', ["k"], '{"\\u006b": "v"}'],
    ['{"k":"\\u0076"}', ["k"], '{"k":"\\u0076"}'],
  ];
  for (const [before, path, after] of cases) {
    assert.equal(setMember(before, path, "v"), after);
    assert.equal(setMember(after, path, "v"), after, "a second time");
  }
  for (const text of ['{"a":1}', '{"a":[]}', '{"a":"{}"}']) {
    assert.throws(() => setMember(text, PATH, "v"), /a is no object/);
  }
});

// No key is a lone backslash: once it has read one, V8 15.0 takes the key of a lone quote for it.
const KEY = fc.constantFrom("a", "b", "c", '"', "{", "é", "");
const OBJECT = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<unknown>(null, true, 1.5, -0, 1e21),
    fc.string(),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("object"),
  ),
  object: fc.dictionary(KEY, tie("value"), { maxKeys: 4 }),
})).object as fc.Arbitrary<Record<string, unknown>>;

Deno.test("of any text the member is set, and what others read in it stays", async () => {
  await checkProperty(
    "json text",
    fc.property(OBJECT, fc.array(KEY, { minLength: 1, maxLength: 3 }), fc.string(), SPACES, check),
  );
});

const SPACES = fc.constantFrom<string | undefined>(undefined, "  ", "\t");

function check(
  object: Record<string, unknown>,
  path: readonly string[],
  value: string,
  indent: string | undefined,
): void {
  const text = JSON.stringify(object, null, indent);
  const expected = JSON.parse(text);
  let at = expected;
  for (const key of path.slice(0, -1)) {
    at[key] ??= {};
    at = at[key];
    if (typeof at === "object" && !Array.isArray(at)) continue;
    assert.throws(() => setMember(text, path, value), /is no object/);
    return;
  }
  at[path.at(-1)!] = value;
  const after = setMember(text, path, value);
  assert.equal(JSON.stringify(JSON.parse(after)), JSON.stringify(expected)); // the order too
  assert.equal(memberText(after, path), JSON.stringify(value));
  // What was printed by the same rules is printed by them again, where the objects were not empty.
  if (indent !== undefined && !/\{\}/.test(text)) {
    assert.equal(after, JSON.stringify(expected, null, indent));
  }
}
