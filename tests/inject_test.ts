/** `palyra inject`: references in any text become values; whatever is wrong, nothing is written. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { fillTemplate, placeholdersOf } from "../src/cli/template.ts";
import { assertRefused, eachOf, type Machine, makeMachine } from "./support/cli_run.ts";
import { checkProperty } from "./support/properties.ts";

async function stocked(): Promise<Machine> {
  const machine = makeMachine();
  await machine.succeed(["secrets", "set", "global/one"], { stdin: "value-one" });
  await machine.succeed(["secrets", "set", "global/binary", "--raw"], {
    stdin: new Uint8Array([0, 255, 10, 123, 123]),
  });
  return machine;
}

const FILLED: readonly (readonly [string, string])[] = [
  ["a {{ vault://global/one }} b", "a value-one b"],
  ["{{vault://global/one}}{{\tvault://one#1\t}}", "value-onevalue-one"],
  ["{{ env:HOME_OF }}", "/home/of"],
  ["no references", "no references"],
  ["", ""],
  [
    "{{ .Values.key }} {{#if x}} {{ global/one }} ${vault://x}",
    "{{ .Values.key }} {{#if x}} {{ global/one }} ${vault://x}",
  ],
  ["\\{{ vault://global/one }}", "{{ vault://global/one }}"],
  ["\\\\{{ vault://global/one }}", "\\value-one"],
  ["\\\\\\{{ vault://none such }}", "\\{{ vault://none such }}"],
  ["C:\\x\\{{ .y }}", "C:\\x\\{{ .y }}"],
  ["{{{ vault://global/one }}}", "{value-one}"],
  ["vault://global/one", "vault://global/one"],
  ["ä€ {{ vault://global/one }}\r\n\0", "ä€ value-one\r\n\0"],
];

Deno.test("inject fills references in, and leaves everything else as it is", async () => {
  using machine = await stocked();
  const env = { HOME_OF: "/home/of" };
  await eachOf(FILLED, async ([template, wanted]) => {
    const { stdout } = await machine.succeed(["inject"], { stdin: template, env });
    assert.equal(stdout, wanted, template);
  });
  const { bytes } = await machine.succeed(["inject", "-i", "-", "-o", "-"], {
    stdin: new Uint8Array([255, ...new TextEncoder().encode("{{vault://global/binary}}"), 254]),
  });
  assert.deepEqual([...bytes], [255, 0, 255, 10, 123, 123, 254], "a value is not filled in again");
});

Deno.test("inject writes a file of mode 0600 in one step", async () => {
  using machine = await stocked();
  const [from, to] = [`${machine.home}/template`, `${machine.home}/result`];
  Deno.writeTextFileSync(from, "key={{ vault://global/one }}\n");
  Deno.writeTextFileSync(to, "old", { mode: 0o644 });
  const { stdout, stderr } = await machine.succeed(["inject", "-i", from, "--out", to]);
  assert.equal(stdout + stderr, "");
  assert.equal(Deno.readTextFileSync(to), "key=value-one\n");
  assert.equal(Deno.statSync(to).mode! & 0o777, 0o600);
});

Deno.test("inject: config: references as resolve takes them", async () => {
  using machine = await stocked();
  const config = `${machine.home}/palyra.toml`;
  Deno.writeTextFileSync(config, '[admin]\nauth_token_vault_ref = "global/one"\n');
  const stdin = "{{ config:admin.auth_token }}";
  const { stdout } = await machine.succeed(["inject", "--config", config], { stdin });
  assert.equal(stdout, "value-one");
  assertRefused(await machine.run(["inject"], { stdin }), 6, "not trusted");
});

Deno.test("inject: whatever is wrong, nothing is written", async () => {
  using machine = await stocked();
  const out = `${machine.home}/out`;
  const rows: readonly (readonly [string, number])[] = [
    ["{{ vault://global/none }}", 8],
    ["{{ vault://global/one }} {{ vault://global/none }}", 8],
    ["a\nb {{ vault://Global/one }}", 2],
    ["a\nb {{ vault://global/one", 2],
    ["a\nb {{ vault://global/one\n}}", 2],
    ["a\nb {{ vault://global/one } }", 2],
    ["a\nb {{ vault: }}", 2],
    ["a\nb {{ exec:ls }}", 2],
    ["{{ env:NOT_SET }}", 8],
  ];
  await eachOf(rows, async ([template, status]) => {
    const result = await machine.run(["inject", "-o", out], { stdin: template });
    assertRefused(result, status, template);
    if (template.startsWith("a\n")) assert.match(result.stderr, /line 2\b/, template);
    assert.throws(() => Deno.statSync(out), Deno.errors.NotFound);
  });
  Deno.writeTextFileSync(out, "{{ vault://global/one }}");
  assertRefused(await machine.run(["inject", "-i", out, "-o", out]), 2, "onto itself");
  assertRefused(await machine.run(["inject", "-i", `${out}.none`]), 2, "no template");
  assertRefused(
    await machine.run(["inject", "-o", "/nonexistent/x"], { stdin: "x" }),
    2,
    "no place",
  );
});

Deno.test("inject: bytes that are no reference come out as they went in", async () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 8 }).map((bytes) => String.fromCharCode(...bytes)),
    fc.constantFrom("{{", "}}", "{", "}", "\\", " ", "vault", "{{ vault://a }}", "\n"),
  );
  await checkProperty(
    "templates",
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join("");
      const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
      let found;
      try {
        found = placeholdersOf(text);
      } catch {
        return;
      }
      const filled = fillTemplate(bytes, found, () => new Uint8Array([86]));
      const wanted = text.replaceAll(
        /(\\*)\{\{[ \t]*vault:([^{}\r\n]*)\}\}/g,
        (whole, slashes: string) => {
          const half = "\\".repeat(Math.floor(slashes.length / 2));
          return slashes.length % 2 === 0 ? `${half}V` : half + whole.slice(slashes.length);
        },
      );
      assert.equal(String.fromCharCode(...filled), wanted);
    }),
  );
});
