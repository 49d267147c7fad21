/** The searcher against a naive search: any bytes, any chunks, every form, and nothing else. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { formsOf } from "../../src/scan/forms.ts";
import { hitsOf } from "../../src/scan/hits.ts";
import { type ReadAt, type StreamMatch, StreamSearch } from "../../src/scan/search_stream.ts";
import { SearchTable } from "../../src/scan/search_table.ts";
import { misses } from "../support/planted_home.ts";
import { checkProperty } from "../support/properties.ts";

const encoder = new TextEncoder();

function tableOf(values: readonly Uint8Array<ArrayBuffer>[]): SearchTable {
  return new SearchTable(
    values.flatMap((value, owner) => formsOf(value).map((form) => ({ ...form, owner }))),
  );
}

/** Reads a few bytes at a time, as a pipe would give them. */
function readerOf(bytes: Uint8Array, most: number): ReadAt {
  return (buffer, position) => {
    const piece = bytes.subarray(position, position + Math.min(most, buffer.length));
    buffer.set(piece);
    return piece.length;
  };
}

function searchIn(
  values: readonly Uint8Array<ArrayBuffer>[],
  text: Uint8Array,
  { piece = 64, most = 17 } = {},
): StreamMatch[] {
  using table = tableOf(values);
  const found: StreamMatch[] = [];
  const length = new StreamSearch(table, piece).search(readerOf(text, most), (match) => {
    found.push(match);
    return true;
  });
  assert.equal(length, text.length);
  return found;
}

function owners(value: string, text: string): string[] {
  return searchIn([encoder.encode(value)], encoder.encode(text)).map(({ form }) => form);
}

/** Every place of a string of bytes, found the slow way. */
function placesOf(part: Uint8Array, text: Uint8Array): number[] {
  const places = [];
  for (let at = 0; at + part.length <= text.length; at++) {
    if (part.every((byte, offset) => byte === text[at + offset])) places.push(at);
  }
  return places;
}

Deno.test("Whatever the chunks: every place of every value is found once, and no other", async () => {
  const few = fc.uint8Array({ minLength: 8, maxLength: 24 }).map((bytes) =>
    bytes.map((byte) => byte % 5) // so that values overlap themselves and each other
  ).filter((bytes) => new Set(bytes).size >= 4);
  const pieces = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => bytes.map((byte) => byte % 5)),
      fc.nat({ max: 2 }),
    ),
    { maxLength: 12 },
  );
  let hits = 0;
  await checkProperty(
    "search in chunks",
    fc.property(
      fc.array(few, { minLength: 1, maxLength: 3 }),
      pieces,
      fc.integer({ min: 1, max: 90 }),
      fc.integer({ min: 1, max: 50 }),
      (values, parts, piece, most) => {
        const copies = values.map((value) => new Uint8Array(value));
        const text = new Uint8Array(
          parts.flatMap((part) =>
            typeof part === "number" ? [...copies[part % copies.length]!] : [...part]
          ),
        );
        const found = searchIn(copies, text, { piece, most });
        copies.forEach((value, owner) => {
          const wanted = placesOf(value, text);
          const got = found.filter((one) => one.owner === owner && one.form === "whole")
            .map(({ offset }) => offset);
          assert.deepEqual(got, wanted);
          hits += wanted.length;
        });
      },
    ),
  );
  assert.ok(hits > 1_000, `only ${hits} places were found`);
});

Deno.test("Base64 of a value is found within anything, at each alignment, and never a near miss", async () => {
  let hits = 0;
  await checkProperty(
    "base64 within something larger",
    fc.property(
      fc.uint8Array({ minLength: 8, maxLength: 40 }).filter((one) => new Set(one).size >= 4),
      fc.uint8Array({ maxLength: 7 }),
      fc.uint8Array({ maxLength: 7 }),
      fc.boolean(),
      fc.nat({ max: 7 }),
      fc.nat({ max: 400 }), // so that it lies across the edge of two pieces, too
      (bytes, before, after, url, bit, filler) => {
        const value = new Uint8Array(bytes);
        const encode = (middle: Uint8Array): Uint8Array => {
          const all = new Uint8Array([...before, ...middle, ...after]);
          return encoder.encode(
            " ".repeat(filler) +
              all.toBase64(url ? { alphabet: "base64url", omitPadding: true } : {}),
          );
        };
        const found = searchIn([value], encode(value), { piece: 8 }).filter(({ form }) =>
          form === "base64"
        );
        assert.equal(found.length, 1);
        hits++;
        for (const at of [0, value.length - 1]) {
          const other = value.slice();
          other[at]! ^= 1 << bit;
          const wrong = searchIn([value], encode(other)).filter(({ form }) => form === "base64");
          assert.deepEqual(wrong, [], `bit ${bit} of byte ${at}`);
        }
      },
    ),
  );
  assert.ok(hits >= 1_000);
});

Deno.test("Each form is found, and called what it is", () => {
  const value = 'pass/word "ü" + <1>&\\';
  assert.deepEqual(owners(value, `x${value}y`), ["whole"]);
  assert.deepEqual(owners(` ${value}\n`, `x${value}y`), ["trimmed"]);
  for (const text of [JSON.stringify(value), JSON.stringify(value).replaceAll("/", "\\/")]) {
    assert.deepEqual(owners(value, text), ["json"]);
  }
  assert.deepEqual(owners(value, '"pass/word \\"\\u00fc\\" + <1>&\\\\"'), ["json"]);
  assert.deepEqual(owners(value, '"pass/word \\"ü\\" + \\u003c1\\u003e\\u0026\\\\"'), ["json"]);
  const url = encodeURIComponent(value);
  for (const text of [url, url.toLowerCase(), new URLSearchParams({ q: value }).toString()]) {
    assert.deepEqual(owners(value, text), ["url"], text);
  }
  assert.deepEqual(owners(value, encoder.encode(value).toHex().toUpperCase()), ["hex"]);
});

Deno.test("Of a key file its lines are found, but not its armour; nor what is short or monotonous", () => {
  const body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7";
  const key = `-----BEGIN PRIVATE KEY-----\n${body}\nkurz\n-----END PRIVATE KEY-----\n`;
  assert.deepEqual(owners(key, `"${body}"`), ["line"]);
  assert.deepEqual(owners(key, "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"), []);
  for (const value of ["1234567", "00000000", "ababababababab"]) {
    assert.deepEqual(formsOf(encoder.encode(value)), []);
  }
});

Deno.test("Of a large value the begin is found, as it is and in base64", () => {
  const value = new Uint8Array(500_000).map(() => Math.random() * 256);
  assert.deepEqual(
    searchIn([value], new Uint8Array([1, ...value]), { piece: 65_536, most: 9_999 }).map((
      { form, offset },
    ) => [form, offset]),
    [["head", 1]],
  );
  const text = encoder.encode(value.toBase64());
  const found = searchIn([value], text, { piece: 65_536, most: 9_999 });
  assert.deepEqual(found.map(({ form }) => form), ["base64"]);
});

Deno.test("A near miss is none", () => {
  const value = "sk-4e1bQ0xTn2Zq7LwYpR9s";
  for (const miss of misses(value)) assert.deepEqual(owners(value, `x ${miss} y`), [], miss);
  assert.ok(misses(value).length >= 20);
});

Deno.test("A line is told once, by its number, and a whole value not again by its parts", () => {
  const key = "first-line-of-the-value-0123\nsecond-line-of-the-value-4567";
  const text = encoder.encode(`\n\n${key} ${key}\nx\n${key.split("\n")[1]}\n`);
  const matches = searchIn([encoder.encode(key)], text);
  assert.deepEqual(hitsOf(matches, readerOf(text, 5)), [
    { owner: 0, form: "whole", line: 3 },
    { owner: 0, form: "whole", line: 4 },
    { owner: 0, form: "line", line: 7 },
  ]);
});
