/** Random edits of random documents: exactly the bytes that must change do, and the values agree. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { parse, type TomlTable, type TomlValue } from "smol-toml";
import { editToml } from "../../src/config/toml_edit.ts";
import type { TomlEdit } from "../../src/config/toml_meaning.ts";
import { say } from "../support/dice.ts";
import { checkProperty } from "../support/properties.ts";
import { type KnownDocument, knownDocument, type KnownPair } from "../support/toml_documents.ts";

/** Values to write: their text, and what they mean. */
const NEW_VALUES: readonly (readonly [string, TomlValue])[] = [
  ['"new"', "new"],
  ['"it\'s \\"new\\"\\n\\u0007\\u007f"', 'it\'s "new"\n\x07\x7f'],
  ["7", 7n],
  ["7.0", 7],
  ["false", false],
  ['[1, "two"]', [1n, "two"]],
  ['{ kind = "vault", "a b" = [] }', { kind: "vault", "a b": [] }],
];
const DOCUMENTS = 5_000;

function read(text: string): TomlTable {
  return parse(text, { integersAsBigInt: true });
}

/** The same text for the same values, whatever the order of keys. */
function canonical(value: TomlValue): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== "object" || value instanceof Date) return `${typeof value} ${String(value)}`;
  const pairs = Object.entries(value).map(([key, inner]) => `${key}: ${canonical(inner)}`);
  return `{${pairs.sort().join()}}`;
}

function assertSame(text: string, meant: TomlTable): void {
  assert.equal(canonical(read(text)), canonical(meant));
}

function parentIn(table: TomlTable, path: readonly (string | number)[]): TomlTable {
  let at: TomlValue = table;
  for (const step of path.slice(0, -1)) {
    const holder = at as TomlTable;
    at = holder[step] ??= {};
  }
  return at as TomlTable;
}

/** Paths of everything in a value, and of a key that each table in it lacks. */
function innerPaths(value: TomlValue, at: (string | number)[]): (string | number)[][] {
  if (Array.isArray(value)) {
    return value.flatMap((entry, index) => [[...at, index], ...innerPaths(entry, [...at, index])]);
  }
  if (typeof value !== "object" || value instanceof Date) return [];
  const inner = Object.entries(value).flatMap(([key, entry]) => [
    [...at, key],
    ...innerPaths(entry, [...at, key]),
  ]);
  return [...inner, [...at, "added"]];
}

/** Checks what an edit made of a document, and that a second time changes nothing. */
function check(document: KnownDocument, edit: TomlEdit, expected: string): void {
  const after = editToml(document.text, [edit]);
  assert.equal(after, expected);
  if (edit.kind !== "replace") assert.equal(editToml(after, [edit]), after);
}

/** The lines of a document with some of them replaced. */
function withLines(document: KnownDocument, from: number, count: number, added: string[]): string {
  const lines = document.text.split(document.eol);
  lines.splice(from, count, ...added);
  return lines.join(document.eol);
}

function lineWith(pair: KnownPair, key: string, [text]: readonly [string, TomlValue]): string {
  const literal = pair.value.startsWith("'") && /^"[\w ]*"$/.test(text);
  return `${pair.indent}${key}${literal ? `'${text.slice(1, -1)}'` : text}${pair.tail}`;
}

const documentWithPair = knownDocument.filter(({ pairs }) => pairs.length > 0)
  .chain((document) =>
    fc.record({
      document: fc.constant(document),
      pair: fc.constantFrom(...document.pairs),
      value: fc.constantFrom(...NEW_VALUES),
    })
  );

Deno.test("a value that is set changes, and no byte beside it", async () => {
  const property = fc.property(documentWithPair, ({ document, pair, value }) => {
    const isThere = canonical(read(`x = ${pair.value}`)["x"]!) === canonical(value[1]);
    const expected = isThere
      ? document.text // however it is written
      : withLines(document, pair.line, pair.lines, [lineWith(pair, pair.key, value)]);
    check(document, { kind: "set", path: pair.path, value: value[1] }, expected);
    const meant = read(document.text);
    parentIn(meant, pair.path)[pair.path.at(-1)!] = value[1];
    assertSame(expected, meant);
  });
  await checkProperty("set", property, DOCUMENTS);
});

Deno.test("a pair that is replaced keeps its place, blanks and comment", async () => {
  const property = fc.property(documentWithPair, ({ document, pair, value }) => {
    const key = pair.key.replace(pair.lastKey, "renamed");
    const expected = withLines(document, pair.line, pair.lines, [lineWith(pair, key, value)]);
    const { path } = pair;
    check(document, { kind: "replace", path, name: "renamed", value: value[1] }, expected);
    const meant = read(document.text);
    const parent = parentIn(meant, path);
    delete parent[path.at(-1)!];
    parent["renamed"] = value[1];
    assertSame(expected, meant);
  });
  await checkProperty("replace", property, DOCUMENTS);
});

Deno.test("a pair that is removed takes its own lines with it, and no other", async () => {
  const property = fc.property(documentWithPair, ({ document, pair }) => {
    const lines = document.text.split(document.eol);
    const isLast = pair.line + pair.lines === lines.length;
    const shorter = withLines(document, pair.line, pair.lines, []);
    const expected = isLast && pair.line > 0 ? shorter + document.eol : shorter;
    check(document, { kind: "remove", path: pair.path }, expected);
  });
  await checkProperty("remove", property, DOCUMENTS);
});

Deno.test("a key that is added is one line, or one table at the end", async () => {
  const seen = { line: 0, table: 0 };
  const added = knownDocument.chain((document) =>
    fc.record({
      document: fc.constant(document),
      table: fc.constantFrom(...document.tables),
      rest: fc.constantFrom(["new"], ["new key", "inner"], ["dot", "new"], ["a", "b", "c"]),
      value: fc.constantFrom(...NEW_VALUES),
    })
  );
  const property = fc.property(added, ({ document, table, rest, value }) => {
    const path = [...table, ...rest];
    const edit: TomlEdit = { kind: "set", path, value: value[1] };
    const after = editToml(document.text, [edit]);
    assert.equal(editToml(after, [edit]), after);
    const meant = read(document.text);
    parentIn(meant, path)[path.at(-1)!] = value[1];
    assertSame(after, meant);
    const [before, lines] = [document.text, after].map((text) => text.split(document.eol));
    const count = lines!.length - before!.length +
      (before!.length === 1 && before![0] === "" ? 0 : 0);
    const from = lines!.findIndex((line, at) => line !== before![at]);
    const candidates = Array.from({ length: count + 1 }, (_, back) => from - back);
    const start = candidates.find((at) =>
      at >= 0 && lines!.toSpliced(at, count).join("\n") === before!.join("\n")
    );
    assert.notEqual(start, undefined, "more than whole new lines");
    const fresh = lines!.slice(start, start! + count).filter((line) => line.trim() !== "");
    assert.ok(
      fresh.length === 1 || (fresh.length === 2 && /^\[.*\]$/.test(fresh[0]!)),
      fresh.join(),
    );
    assert.ok(fresh.at(-1)!.endsWith(` = ${value[0]}`));
    seen[fresh.length === 1 ? "line" : "table"]++;
  });
  await checkProperty("add", property, DOCUMENTS);
  say(`added lines: ${seen.line}, added tables: ${seen.table}`);
  assert.ok(seen.line > DOCUMENTS / 4 && seen.table > DOCUMENTS / 20);
});

Deno.test("what stands in a value is edited within its own lines", async () => {
  const seen = { set: 0, added: 0, removed: 0 };
  const inner = documentWithPair.map(({ document, pair, value }) => ({
    document,
    pair,
    value: value[1],
    paths: innerPaths(read(`x = ${pair.value}`)["x"]!, [...pair.path]),
  })).filter(({ paths }) => paths.length > 0).chain(({ document, pair, value, paths }) =>
    fc.record({
      document: fc.constant(document),
      pair: fc.constant(pair),
      value: fc.constant(value),
      path: fc.constantFrom(...paths),
      isRemoval: fc.boolean(),
    })
  );
  const property = fc.property(inner, ({ document, pair, value, path, isRemoval }) => {
    const meant = read(document.text);
    const parent = parentIn(meant, path);
    const last = path.at(-1)!;
    if (isRemoval && typeof last === "number") return;
    const op = isRemoval ? "removed" : parent[last] === undefined ? "added" : "set";
    if (isRemoval) delete parent[last];
    else parent[last] = value;
    const edit: TomlEdit = isRemoval ? { kind: "remove", path } : { kind: "set", path, value };
    const after = editToml(document.text, [edit]);
    const lines = [document.text, after].map((text) => text.split(document.eol));
    const rest = lines[0]!.slice(pair.line + pair.lines);
    assert.deepEqual(lines[1]!.slice(0, pair.line), lines[0]!.slice(0, pair.line));
    assert.deepEqual(lines[1]!.slice(lines[1]!.length - rest.length), rest);
    assert.ok(lines[1]![pair.line]!.startsWith(pair.indent + pair.key));
    assert.ok(lines[1]![lines[1]!.length - rest.length - 1]!.endsWith(pair.tail));
    const pruned = (text: string): string => text.replaceAll(/\w+: \{\},?/g, "");
    assert.equal(pruned(canonical(read(after))), pruned(canonical(meant)));
    seen[op]++;
  });
  await checkProperty("inside", property, DOCUMENTS);
  say(`inside of values: ${seen.set} set, ${seen.added} added, ${seen.removed} removed`);
  assert.ok(Math.min(...Object.values(seen)) > DOCUMENTS / 20);
});

Deno.test("many edits at once do what they do one after the other", async () => {
  const several = knownDocument.filter(({ pairs }) => pairs.length > 1).chain((document) => {
    const path = fc.oneof(
      fc.constantFrom(...document.pairs).map((pair) => pair.path),
      fc.tuple(
        fc.constantFrom(...document.tables),
        fc.constantFrom(["n"], ["m", "o"], ["m", "p"], ["dot", "q"], ["m"]),
      ).map(([table, rest]) => [...table, ...rest]),
    );
    const edit: fc.Arbitrary<TomlEdit> = fc.oneof(
      fc.record({
        kind: fc.constant("set" as const),
        path,
        value: fc.constantFrom(...NEW_VALUES).map(([, value]) => value),
      }),
      fc.record({ kind: fc.constant("remove" as const), path }),
    );
    return fc.record({
      document: fc.constant(document),
      edits: fc.array(edit, { minLength: 2, maxLength: 6 }),
    });
  });
  const seen = { same: 0, refused: 0 };
  const property = fc.property(several, ({ document, edits }) => {
    let single: string;
    try {
      single = edits.reduce((text, edit) => editToml(text, [edit]), document.text);
    } catch {
      seen.refused++; // a value where a table is needed
      assert.throws(() => editToml(document.text, edits));
      return;
    }
    const [together, alone] = [editToml(document.text, edits), single].map((text) =>
      canonical(read(text)).replaceAll(/"?[\w ]+"?: \{\},?/g, "") // a table may be kept without a key
    );
    assert.equal(together, alone);
    seen.same++;
  });
  await checkProperty("several", property, DOCUMENTS);
  say(`batches that agree: ${seen.same}, refused both ways: ${seen.refused}`);
  assert.ok(seen.same > DOCUMENTS / 2);
});
