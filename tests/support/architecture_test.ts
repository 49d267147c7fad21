/** The reading of the sources' structure: each kind of violation must be seen. */

import assert from "node:assert/strict";
import {
  computedImports,
  exportedTypes,
  findCycle,
  importsOf,
  loadedWith,
  roomOf,
  snakeCase,
} from "./architecture.ts";

function sources(files: Record<string, string>): Map<string, string> {
  return new Map(Object.entries(files));
}

Deno.test("importsOf() sees static, type, side-effect, re-export and dynamic imports", () => {
  const found = importsOf(sources({
    "src/a/x.ts":
      'import { b } from "../b/y.ts";\nimport type { T } from "./t.ts";\nimport "lib";\n' +
      'export { q } from "./q.ts";\nimport {\n  many,\n} from "./many.ts";\n' +
      '/* import "commented"; */ const z = await import("../b/z.ts");\n',
  }));
  assert.deepEqual(
    found.map(({ specifier, dynamic, typeOnly }) => [specifier, dynamic, typeOnly]),
    [
      ["src/b/y.ts", false, false],
      ["src/a/t.ts", false, true],
      ["lib", false, false],
      ["src/a/q.ts", false, false],
      ["src/a/many.ts", false, false],
      ["src/b/z.ts", true, false],
    ],
  );
});

Deno.test("findCycle() finds a cycle, also through a dynamic import, but not through types", () => {
  const cycle = { "a.ts": 'import "./b.ts";', "b.ts": 'import("./a.ts")' };
  assert.deepEqual(findCycle(importsOf(sources(cycle))), ["a.ts", "b.ts", "a.ts"]);
  const types = { "a.ts": 'import "./b.ts";', "b.ts": 'import type { A } from "./a.ts";' };
  assert.equal(findCycle(importsOf(sources(types))), undefined);
});

Deno.test("loadedWith() follows static imports only", () => {
  const files = {
    "a.ts": 'import "./b.ts"; import("./c.ts")',
    "b.ts": 'import type { D } from "./d.ts";',
  };
  assert.deepEqual([...loadedWith("a.ts", importsOf(sources(files)))], ["a.ts", "b.ts"]);
});

Deno.test("importsOf() is not misled by comments and strings", () => {
  const text = 'const glob = "src/**/*.ts";\nimport("./b.ts"); // import("./c.ts")\n';
  const found = importsOf(sources({ "a.ts": text }));
  assert.deepEqual(found.map(({ specifier }) => specifier), ["b.ts"]);
});

Deno.test("computedImports() sees targets that are not literal", () => {
  const text = 'import("./a.ts"); import(\n  "./b.ts"\n); import(name); import(`./${name}.ts`);';
  assert.deepEqual(computedImports(text), ["import(name", "import(`./${name}.ts`"]);
});

Deno.test("exportedTypes() and snakeCase() give the words of a name", () => {
  const text = "export interface TLSData {}\nexport abstract class B {}\ntype Local = 1;\n";
  assert.deepEqual(exportedTypes(text), ["TLSData", "B"]);
  assert.deepEqual(["TLSData", "VaultRef", "Base64Text"].map(snakeCase), [
    "tls_data",
    "vault_ref",
    "base64_text",
  ]);
});

Deno.test("roomOf() tells adapters from ports", () => {
  assert.deepEqual(
    [
      "main.ts",
      "src/errors.ts",
      "src/platform/platform.ts",
      "src/platform/deno/x.ts",
      "src/cli/commands/y.ts",
    ]
      .map(roomOf),
    ["main", "errors", "platform", "platform/deno", "cli"],
  );
});
