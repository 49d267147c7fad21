/** The grammar of scopes, names and references. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { PalyraError } from "../../src/errors.ts";
import { SCOPE_WORDS, scopeOf } from "../../src/vault/scope.ts";
import { formatVaultRef, parseVaultRef } from "../../src/vault/vault_ref.ts";
import { checkProperty } from "../support/properties.ts";

const ID_CHARACTERS = [..."ABCXYZabcxyz0189._-"];
const id = fc.string({ unit: fc.constantFrom(...ID_CHARACTERS), minLength: 1, maxLength: 30 });
const idWithColons = fc.string({
  unit: fc.constantFrom(...ID_CHARACTERS, ":"),
  minLength: 1,
  maxLength: 30,
});
const scope = fc.oneof(
  fc.constant("global"),
  fc.tuple(fc.constantFrom("principal", "agent"), idWithColons).map(([word, rest]) =>
    `${word}:${rest}`
  ),
  fc.tuple(fc.constantFrom("skill", "session"), id).map(([word, rest]) => `${word}:${rest}`),
  fc.tuple(id, id).map(([name, account]) => `channel:${name}:${account}`),
);
const segment = fc.string({
  unit: fc.constantFrom(..."abcxyz0189._-"),
  minLength: 1,
  maxLength: 12,
})
  .filter((text) => text !== "." && text !== "..");
const name = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"))
  .filter((text) => /^[a-z0-9]/.test(text) && !SCOPE_WORDS.includes(text.split("/")[0]!));

/** What OpenClaw accepts as an id of its exec provider. */
const OPENCLAW_ID = /^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,255}$/;

Deno.test("a well-formed reference parses in both spellings and prints back", async () => {
  const version = fc.option(fc.integer({ min: 1, max: 999_999_999 }), { nil: undefined });
  const property = fc.property(scope, name, version, (scope, name, version) => {
    const text = `${scope}/${name}` + (version === undefined ? "" : `#${version}`);
    const ref = parseVaultRef(text);
    assert.equal(ref.scope, scope);
    assert.equal(ref.name, name);
    assert.equal(ref.version, version);
    assert.equal(formatVaultRef(ref), text);
    assert.deepEqual(parseVaultRef(`vault://${text}`), ref);
    assert.match(text, OPENCLAW_ID);
  });
  await checkProperty("references", property);
});

Deno.test("vault:// without a scope means global", async () => {
  const property = fc.property(name, (name) => {
    assert.equal(formatVaultRef(parseVaultRef(`vault://${name}`)), `global/${name}`);
  });
  await checkProperty("short form", property);
});

Deno.test("any text is a reference that prints back, or a usage error without the text", async () => {
  const character = fc.constantFrom(..."abAB01._-:/# \n\0äglobal");
  const text = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.string({ unit: character, maxLength: 40 }),
    fc.tuple(scope, fc.string({ unit: character, maxLength: 20 })).map(([s, rest]) =>
      `${s}/${rest}`
    ),
  );
  const counts = { good: 0, bad: 0 };
  const property = fc.property(text, (text) => {
    try {
      const ref = parseVaultRef(text);
      counts.good++;
      assert.equal(parseVaultRef(formatVaultRef(ref)).name, ref.name);
      assert.ok(text.endsWith(formatVaultRef(ref)) || text.startsWith("vault://"));
      assert.match(formatVaultRef(ref), OPENCLAW_ID);
    } catch (error) {
      counts.bad++;
      assert.ok(error instanceof PalyraError && error.code === "usage");
      if (text.length > 6) assert.ok(!error.message.includes(text));
    }
  });
  await checkProperty("any text", property, 10_000);
  assert.ok(counts.good > 100 && counts.bad > 100, JSON.stringify(counts));
});

Deno.test("scopes are as the grammar says", () => {
  const good = [
    "global",
    "principal:user:ops",
    "agent:a:b:",
    "channel:slack:acct-1",
    "skill:x",
    "session:1",
  ];
  for (const text of good) assert.equal(scopeOf(text), text);
  const bad = [
    "",
    "Global",
    "global:",
    "global:x",
    "principal",
    "principal:",
    "channel:a",
    "channel:a:",
    "channel::b",
    "channel:a:b:c",
    "skill:a:b",
    "session:a:b",
    "skill:a b",
    "skill:a/b",
    " global",
    "global ",
    "team:x",
    `skill:${"x".repeat(129)}`,
    "skill:ä",
    "skill:a\n",
  ];
  for (const text of bad) assert.equal(scopeOf(text), undefined, text);
  assert.ok(scopeOf(`skill:${"x".repeat(128)}`));
});

Deno.test("limits of names and references are exact", () => {
  assert.ok(parseVaultRef(`global/${"n".repeat(128)}`));
  assert.throws(() => parseVaultRef(`global/${"n".repeat(129)}`), { code: "usage" });
  const scope = `principal:${"p".repeat(112 - 11)}`;
  assert.equal(`${scope}/${"n".repeat(128)}`.length, 240);
  assert.ok(parseVaultRef(`${scope}/${"n".repeat(128)}`));
  assert.throws(() => parseVaultRef(`${scope}p/${"n".repeat(128)}`), { code: "usage" });
});
