/** The TOML editor: documents before and after, and what it refuses. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { parseToml, type TomlValue } from "../../src/config/toml_document.ts";
import { editToml } from "../../src/config/toml_edit.ts";
import type { TomlEdit } from "../../src/config/toml_meaning.ts";
import { positionsOf } from "../../src/config/toml_positions.ts";
import { formatKey, formatValue } from "../../src/config/toml_text.ts";
import { assertFails } from "../support/failures.ts";
import { checkProperty } from "../support/properties.ts";

type Path = readonly (string | number)[];

function set(path: Path, value: TomlValue): TomlEdit {
  return { kind: "set", path, value };
}

function remove(...path: Path): TomlEdit {
  return { kind: "remove", path };
}

function replace(path: Path, name: string, value: TomlValue): TomlEdit {
  return { kind: "replace", path, name, value };
}

/** Name, text before, edits, text after. */
const EDITED: readonly (readonly [string, string, TomlEdit[], string])[] = [
  ["an empty document gets a table", "", [set(["a", "b"], 1n)], "[a]\nb = 1\n"],
  ["an empty document gets a key", "", [set(["a"], 1n)], "a = 1\n"],
  [
    "a first key of the root stands before the first header",
    "[t]\na = 1\n",
    [set(["x"], 1n), set(["y"], 2n)],
    "x = 1\ny = 2\n\n[t]\na = 1\n",
  ],
  [
    "and before the comment of that header",
    "# of the file\n\n# of the table\n[t]\n",
    [set(["x"], 1n)],
    "# of the file\n\nx = 1\n\n# of the table\n[t]\n",
  ],
  [
    "a key goes to the end of its table, above the blank lines",
    "[t] # t\n  a = 1 # a\n\n# next\n[u]\n",
    [set(["t", "b"], 2n), set(["t", "c"], 3n)],
    "[t] # t\n  a = 1 # a\n  b = 2\n  c = 3\n\n# next\n[u]\n",
  ],
  ["a table without keys too", "[t] # t\n[u]\n", [set(["t", "b"], 2n)], "[t] # t\nb = 2\n[u]\n"],
  [
    "a table that only longer headers name is added after them",
    "[a.b.c]\nx = 1\n\n[z]\n",
    [set(["a", "b", "y"], 2n)],
    "[a.b.c]\nx = 1\n\n[a.b]\ny = 2\n\n[z]\n",
  ],
  [
    "a table in an entry of a list stays in that entry",
    "[[l]]\nn = 0\n[l.s.t]\nx = 1\n[[l]]\nn = 1\n",
    [set(["l", 0, "s", "y"], 2n), set(["l", 1, "s", "y"], 3n)],
    "[[l]]\nn = 0\n[l.s.t]\nx = 1\n\n[l.s]\ny = 2\n[[l]]\nn = 1\ns.y = 3\n",
  ],
  [
    "dotted keys are continued where they are",
    'a.b.x = 1\na."c d".x = 1 # c\nz = 1\n[t]\n',
    [set(["a", "b", "y"], 2n), set(["a", "c d", "y"], 3n)],
    'a.b.x = 1\na.b.y = 2\na."c d".x = 1 # c\na."c d".y = 3\nz = 1\n[t]\n',
  ],
  [
    "several new tables, and several keys in one",
    "v = 1",
    [set(["a", "x"], 1n), set(["b", "x"], 1n), set(["a", "y"], 2n)],
    "v = 1\n\n[a]\nx = 1\ny = 2\n\n[b]\nx = 1",
  ],
  [
    "a key of the root and a table at one place",
    "# only this\n",
    [set(["m", "o"], 1n), set(["k"], 2n)],
    "# only this\nk = 2\n\n[m]\no = 1\n",
  ],
  [
    "inline tables grow and shrink",
    "t = { a = 1, b = 2 }\nu = {}\nv = {x=1}\n",
    [
      set(["t", "c"], 3n),
      remove("t", "a"),
      set(["u", "k"], 1n),
      set(["u", "l"], 2n),
      remove("v", "x"),
    ],
    "t = { b = 2, c = 3 }\nu = { k = 1, l = 2 }\nv = {}\n",
  ],
  [
    "entries of an inline list",
    "l = [ { a = 1 }, { b = { c = 2 } } ] # l\nm = [\n  1, # one\n  2,\n]\n",
    [set(["l", 1, "b", "d"], 3n), set(["l", 0, "a"], "x"), set(["m", 1], 9n)],
    'l = [ { a = "x" }, { b = { c = 2, d = 3 } } ] # l\nm = [\n  1, # one\n  9,\n]\n',
  ],
  [
    "an inline table over several lines",
    "t = {\n  a = 1, # one\n  b = 2, # two\n}\n",
    [set(["t", "c"], 3n), set(["t", "a"], 4n)],
    "t = {\n  a = 4, # one\n  b = 2, c = 3, # two\n}\n",
  ],
  [
    "quotes stay single where they can",
    "a = 'x'\nb = 'y'\nc = '''z'''\n",
    [set(["a"], "new"), set(["b"], "it's"), set(["c"], "one line")],
    "a = 'new'\nb = \"it's\"\nc = 'one line'\n",
  ],
  [
    "a table is removed, and comments of their own are not",
    "a = 1\n\n[t] # gone\n# kept\nx = 1 # gone\n\n[t.u]\ny = 1\n# kept too\n[z]\n",
    [remove("t")],
    "a = 1\n\n# kept\n\n# kept too\n[z]\n",
  ],
  [
    "a table in parts, with dotted keys and lines of several",
    "t.a = 1\nt.b = '''\nx\n'''\nz = 1\n[t.u]\nc = 1\n",
    [remove("t")],
    "z = 1\n",
  ],
  [
    "dotted keys in an inline table go together",
    "x = { t.a = 1, t.b = 2, c = 3 }\n",
    [remove("x", "t")],
    "x = { c = 3 }\n",
  ],
  ["a list of tables is removed whole", "[[l]]\na = 1\n[[l]]\na = 2\n", [remove("l")], ""],
  [
    "a table gives way to a value",
    "[a]\nx = 1\n[a.s]\nkind = 'env'\n[b]\n",
    [replace(["a", "s"], "r", "v"), set(["b"], 5n)],
    'b = 5\n\n[a]\nx = 1\nr = "v"\n',
  ],
  [
    "a key is renamed in an inline table",
    "t = { a = 'x', 'b'  =  1 }\n",
    [replace(["t", "b"], "new key", "y")],
    't = { a = \'x\', "new key"  =  "y" }\n',
  ],
  [
    "removed and written again",
    "a = 1\nb = 2",
    [remove("b"), set(["b"], 3n), set(["c"], 4n)],
    "a = 1\nb = 3\nc = 4\n",
  ],
  [
    "a dotted key that is gone already, and a first root key after it", // found by chance
    "dot.k = true\n#[no.header]\nk1 = 1\n",
    [remove("dot", "k"), remove("k1"), set(["m", "o"], 1n), remove("dot", "k"), set(["k1"], 2n)],
    "#[no.header]\nk1 = 2\n\n[m]\no = 1\n",
  ],
  [
    "a value that is written into later", // found by chance
    "",
    [set(["a", "m"], { k: 1n }), set(["a", "m", "o"], 2n)],
    "[a]\nm = { k = 1, o = 2 }\n",
  ],
];

for (const [name, before, edits, after] of EDITED) {
  Deno.test(`editing: ${name}`, () => {
    assert.equal(editToml(before, edits), after);
    const crlf = editToml(before.replaceAll("\n", "\r\n"), edits);
    if (before.includes("\n")) assert.equal(crlf, after.replaceAll("\n", "\r\n"));
    assert.equal(editToml("\ufeff" + before, edits), "\ufeff" + after);
  });
}

Deno.test("an edit that changes no value changes no byte", () => {
  const text = "\ufeff a . 'b' = 0x10 # sixteen\r\nd=[ 1,2 ]\n";
  const edits = [set(["a", "b"], 16n), set(["d"], [1n, 2n]), remove("none"), remove("a", "c", "d")];
  assert.equal(editToml(text, edits), text);
  assert.equal(editToml(text, []), text);
});

Deno.test("the values of the edits stay as they are", () => {
  const value = { k: 1n, l: [{}] };
  const after = editToml("", [set(["a"], value), set(["a", "o"], 2n), set(["a", "l", 0, "p"], 3n)]);
  assert.equal(after, "a = { k = 1, l = [{ p = 3 }], o = 2 }\n");
  assert.deepEqual(value, { k: 1n, l: [{}] });
});

Deno.test("what cannot be edited is refused, and the document is not quoted", async () => {
  const text = "s = 'hidden'\nl = [1, {}]\n[[t]]\nx = 1\n[u]\ny = { a = 1, # hidden\n b = 2 }\n";
  const refused: [TomlEdit, RegExp][] = [
    [set(["s", "x"], 1n), /^Cannot edit s: it is no table$/],
    [set(["s", "x", "y"], 1n), /^Cannot edit s: it is no table$/],
    [set(["l", 2], 1n), /^Cannot edit l\[2\]: there is no such entry$/],
    [set(["l", 1, "x", 0], 1n), /no list/],
    [set(["l", "x"], 1n), /no such entry/],
    [set(["t", 1, "x"], 1n), /^Cannot edit t\[1\]: there is no such entry$/],
    [set(["t", 0], 1n), /^Cannot edit t\[0\]: it is an entry of a list$/],
    [set(["n", 0], 1n), /its parent is no list/],
    [remove("l", 0), /it is an entry of a list/],
    [remove("u", "y", "b"), /a comment would be lost/],
    [replace(["none"], "x", 1n), /it is not there/],
    [replace(["s"], "l", 1n), /its new name is taken/],
    [replace(["s"], "__proto__", 1n), /not supported/],
    [set(["__proto__", "x"], 1n), /not supported/],
    [set(["u", "constructor"], 1n), /not supported/],
    [set([], 1n), /the whole document/],
    [set(["lone"], "\ud800"), /it would not be TOML any more|read back/],
  ];
  for (const [edit, message] of refused) {
    const error = await assertFails("usage", message, () => editToml(text, [edit]));
    assert.ok(
      !JSON.stringify([error.message, error.hint, error.details, error.stack]).includes("hidden"),
    );
  }
  await assertFails(
    "usage",
    /invalid TOML at line 1/,
    () => editToml("a = 'hidden", [set(["a"], 1n)]),
  );
});

Deno.test("values too deep in each other are refused, however they are written", async () => {
  const nested = [
    `a${".b".repeat(500_000)} = 1\n`,
    `[a${".b".repeat(100)}]\n`,
    `a = ${"[".repeat(65)}${"]".repeat(65)}\n`,
    `a = ${"[".repeat(100_000)}${"]".repeat(100_000)}\n`,
    `a = ${"{b=".repeat(65)}1${"}".repeat(65)}\n`,
  ];
  for (const text of nested) {
    await assertFails("usage", /within each other|invalid TOML/, () => parseToml(text));
  }
  assert.ok(
    editToml(`a = ${"[".repeat(63)}${"]".repeat(63)}\n`, [set(["b"], 1n)]).endsWith("b = 1\n"),
  );
});

Deno.test("a control character beyond ASCII is written as its number", () => { // found by chance
  assert.equal(
    editToml("", [set(["\x85"], "\x80\x9f\x7f")]),
    '"\\u0085" = "\\u0080\\u009f\\u007f"\n',
  );
});

Deno.test("every text and every key is written so that it reads back", async () => {
  const text = fc.string({ unit: "binary" }).filter((one) => one.isWellFormed() && one !== "n");
  const property = fc.property(
    text,
    text,
    fc.boolean(),
    fc.double(),
    (key, value, literal, number) => {
      const line = `${formatKey([key])} = ${formatValue(value, literal)}\nn = ${
        formatValue(number)
      }`;
      assert.ok(!/[\p{Cc}--\n]/v.test(line));
      const table = parseToml(`[t]\n${line}\n`)["t"] as Record<string, TomlValue>;
      assert.equal(table[key], value);
      assert.ok(Object.is(table["n"], number));
    },
  );
  await checkProperty("TOML texts", property);
});

Deno.test("positions are those of keys, in headers too", () => {
  const text = "\ufeffa.b = [1, { c = 2 }]\r\n [[ x.'y z' ]]\n\tk = '''\n\n'''\n[x.'y z'.w]\n";
  const positions = positionsOf(text);
  const found = (...path: Path): string => {
    const { line, column } = positions.get(JSON.stringify(path))!;
    return `${line}:${column}`;
  };
  assert.equal(found("a"), "1:1");
  assert.equal(found("a", "b"), "1:3");
  assert.equal(found("a", "b", 0), "1:8");
  assert.equal(found("a", "b", 1, "c"), "1:13");
  assert.equal(found("x"), "2:5");
  assert.equal(found("x", "y z"), "2:7");
  assert.equal(found("x", "y z", 0, "k"), "3:2");
  assert.equal(found("x", "y z", 0, "w"), "6:10");
});
