/** Addresses and rules: what covers what, and that nobody else reads an address in another way. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { covers, formatAddress, parseLabel, parseServer } from "../../src/protocols/address.ts";
import { decide, type RuleTable } from "../../src/protocols/rules.ts";
import { openclaw } from "../../src/protocols/openclaw.ts";
import { checkProperty } from "../support/properties.ts";

/** What could be taken for something else, and what is plain. */
const PIECES = [
  ...[
    "https",
    "http",
    "HTTPS",
    "://",
    ":/",
    "//",
    "/",
    "\\",
    "@",
    ":",
    "?",
    "#",
    "%",
    "%2f",
    "%2E",
    "..",
  ],
  ...[
    ".",
    "example.org",
    "EXAMPLE.org",
    "evil.org",
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "[::1]",
    "[",
    "]",
  ],
  ...[
    "443",
    "80",
    "0443",
    "8443",
    "99999",
    "a",
    "b/c",
    "*",
    " ",
    "\t",
    "\n",
    "\0",
    "é",
    "ｅ",
    "ⓔ",
    "。",
  ],
];
const text = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 9 }).map((pieces) => pieces.join("")),
  fc.tuple(
    fc.constantFrom("https://", "http://"),
    fc.array(fc.constantFrom(...PIECES), { maxLength: 6 }),
  )
    .map(([scheme, pieces]) => scheme + pieces.join("")),
  fc.webUrl(),
);

Deno.test("where palyra reads a server, the URL standard reads the same server and path", async () => {
  let read = 0;
  await checkProperty(
    "addresses",
    fc.property(text, (given) => {
      const address = parseServer(given);
      if (address === undefined || !/^https?$/.test(address.scheme)) return;
      const url = new URL(given);
      read++;
      assert.equal(url.protocol, `${address.scheme}:`);
      assert.equal(url.hostname, address.host);
      const usual = address.scheme === "https" ? 443 : 80;
      assert.equal(url.port === "" ? usual : Number(url.port), address.port);
      assert.deepEqual([url.username, url.password, url.search, url.hash], ["", "", "", ""]);
      const segments = (path: string): number => path.split("/").length;
      assert.equal(segments(url.pathname), segments(address.path || "/"), "nothing climbs");
    }),
    20_000,
  );
  assert.ok(read > 1_000, `only ${read} addresses were read`);
});

Deno.test("a canonical text is read back to the same address, and different ones differ", async () => {
  await checkProperty(
    "canonical",
    fc.property(text, text, (first, second) => {
      const [a, b] = [parseServer(first), parseServer(second)];
      if (a === undefined) return;
      assert.deepEqual(parseServer(formatAddress(a)), a);
      if (b !== undefined) {
        assert.equal(
          formatAddress(a) === formatAddress(b),
          JSON.stringify(a) === JSON.stringify(b),
        );
      }
    }),
  );
});

Deno.test("a rule covers its own server and nothing else", async () => {
  const rules = [
    "https://example.org/*",
    "https://example.org",
    "https://example.org/a/*",
    "https://example.org:8443/b",
  ];
  await checkProperty(
    "covers",
    fc.property(fc.constantFrom(...rules), text, (match, asked) => {
      const [rule, address] = [parseServer(match)!, parseServer(asked)];
      if (address === undefined || !covers(rule, address)) return;
      assert.equal(address.scheme, "https");
      assert.equal(address.host, "example.org");
      assert.equal(address.port, match.includes("8443") ? 8_443 : 443);
      const prefix = rule.path.endsWith("*") ? rule.path.slice(0, -1) : rule.path;
      assert.ok(address.path.startsWith(prefix) || (prefix === "/" && address.path === ""));
    }),
    20_000,
  );
  const pairs: readonly (readonly [string, string, boolean])[] = [
    ["https://example.org/*", "https://example.org", true],
    ["https://example.org/*", "https://example.org/", true],
    ["https://example.org/*", "https://EXAMPLE.org:443/x", true],
    ["https://example.org", "https://example.org/x", false],
    ["https://example.org/a/*", "https://example.org/a", false],
    ["https://example.org/a/*", "https://example.org/a/", true],
    ["https://example.org/a/*", "https://example.org/A/x", false],
    ["https://example.org/a*", "https://example.org/ab", true],
    ["https://example.org/*", "http://example.org/", false],
    ["https://example.org/*", "https://example.org:444/", false],
    ["https://example.org/*", "https://a.example.org/", false],
    ["https://example.org/*", "https://example.org.evil.org/", false],
  ];
  for (const [match, asked, expected] of pairs) {
    assert.equal(covers(parseServer(match)!, parseServer(asked)!), expected, `${match} ${asked}`);
  }
});

Deno.test("a reference is allowed by its canonical spelling, and by nothing that looks like it", () => {
  const table = (...allow: string[]): RuleTable => ({ maps: [], allow, storeScope: undefined });
  const given = (allow: string, label: string): boolean =>
    decide(openclaw, table(allow), parseLabel(label)!).kind === "reference";
  for (
    const [allow, label, expected] of [
      ["global/openai_*", "global/openai_key", true],
      ["global/openai_*", "vault://global/openai_key", true],
      ["global/openai_*", "vault://openai_key", true],
      ["global/openai_*", "global/openai_key#3", true],
      ["global/openai_*", "global/openai", false],
      ["global/openai_*", "global/Openai_key", false],
      ["global/openai_*", "skill:x/openai_key", false],
      ["global/*", "global/a/b", true],
      ["global/*", "skill:x/a", false],
      ["skill:x/*", "skill:xy/a", false],
      ["global/a", "global/ab", false],
      ["global/a", "global/a", true],
      ["vault://a", "global/a", true],
      ["global/a", "env:HOME", false],
      ["global/a", "file:/etc/passwd", false],
      ["global/*", "config:a.b", false],
    ] as const
  ) assert.equal(given(allow, label), expected, `${allow} ${label}`);
});
