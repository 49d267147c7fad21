/** Telling code from comments and strings: what the architecture test looks at. */

import assert from "node:assert/strict";
import { codeOf, withoutComments } from "./source_text.ts";

Deno.test("codeOf() leaves out comments and what strings say, and nothing else", () => {
  const rows: [source: string, code: string][] = [
    ["a; // Deno.exit\nb; /* fetch(\n */ c", "a;  \nb; \n c"],
    ['f("Deno.env"); Deno.args', 'f(""); Deno.args'],
    ['f("a//b"); Deno.exit(1)', 'f(""); Deno.exit(1)'],
    ['f("src/**/*.ts"); Deno.exit(1); /* x */ g', 'f(""); Deno.exit(1);   g'],
    ["`a ${Deno.pid} b`; c", '""Deno.pid""; c'],
    ["`a ${f({ x: `${Deno.pid}` })} // b`; c", '""f({ x: ""Deno.pid"" })""; c'],
    ["`a \\${Deno.pid} \\` $ {`; c", '""; c'],
    ["'it\\'s // '; c", '""; c'],
    ['x.replace(/["/*]/g, y); Deno.pid // z', "x.replace(/./, y); Deno.pid  "],
    ["a / b; // c / d", "a / b;  "],
    ['return /"/.test(x) ? Deno : "y"', 'return /./.test(x) ? Deno : ""'],
  ];
  for (const [source, code] of rows) assert.equal(codeOf(source), code, source);
});

Deno.test("withoutComments() keeps strings", () => {
  const source = 'import "a"; // import "b"\nimport("//c"); /* import "d" */';
  assert.equal(withoutComments(source), 'import "a";  \nimport("//c");  ');
});

Deno.test("every source of this project is read to its end", () => {
  for (const path of ["../architecture_test.ts", "source_text.ts", "source_text_test.ts"]) {
    const text = Deno.readTextFileSync(`${import.meta.dirname}/${path}`);
    const code = codeOf(`${text}\nEND_OF_CODE`);
    assert.ok(code.endsWith("\nEND_OF_CODE"), path);
    assert.equal(code.match(/\{/g)?.length, code.match(/\}/g)?.length, path);
  }
});
