/** Masking: no form of a value survives however the output is cut, and nothing else is changed. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { formsOf } from "../../src/masking/forms.ts";
import { type Mask, maskFor } from "../../src/masking/mask.ts";
import { checkProperty } from "../support/properties.ts";
import { say } from "../support/dice.ts";

const encoder = new TextEncoder();
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text);
/** One character for each byte, so that positions are positions of bytes. */
const textOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");

function maskOf(...values: readonly Uint8Array[]): Mask {
  return maskFor(values.map((bytes, at) => ({ name: `value ${at}`, bytes })));
}

/** What comes out when the pieces go in. */
function masked(mask: Mask, pieces: readonly Uint8Array[]): string {
  const stream = mask.stream();
  let out = "";
  for (const piece of pieces) out += textOf(stream.push(piece));
  return out + textOf(stream.end());
}

/** The same by brute force: every byte of every occurrence is marked, each run of them replaced. */
function expected(forms: readonly string[], output: string): string {
  const hidden = new Uint8Array(output.length);
  for (const form of forms) {
    for (let at = output.indexOf(form); at !== -1; at = output.indexOf(form, at + 1)) {
      hidden.fill(1, at, at + form.length);
    }
  }
  let out = "";
  for (let at = 0; at < output.length; at++) {
    if (hidden[at] === 0) out += output[at];
    else if (hidden[at - 1] !== 1) out += "<redacted>";
  }
  return out;
}

function cut(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const pieces = [];
  let at = 0;
  for (const length of lengths) {
    pieces.push(bytes.slice(at, at + length));
    at += length;
  }
  return [...pieces, bytes.slice(at)];
}

/** Few letters, so that values overlap themselves and each other. */
const narrow = fc.array(fc.constantFrom(0x61, 0x62, 0x0a), { minLength: 6, maxLength: 20 })
  .map((bytes) => Uint8Array.from(bytes));
const wide = fc.oneof(
  fc.uint8Array({ minLength: 6, maxLength: 80 }),
  fc.string({ unit: "binary", minLength: 6, maxLength: 60 }).map(bytesOf),
  fc.array(fc.string({ unit: "grapheme", maxLength: 12 }), { minLength: 2, maxLength: 5 })
    .map((lines) => bytesOf(`${lines.join("\n")}\nlong enough`)),
);

interface Case {
  readonly values: readonly Uint8Array[];
  /** Which form comes next, where it is cut off, and what stands before it. */
  readonly parts: readonly (readonly [number, number, Uint8Array])[];
  readonly cuts: readonly number[];
}

function caseOf(value: fc.Arbitrary<Uint8Array>, filler: fc.Arbitrary<number>): fc.Arbitrary<Case> {
  return fc.record({
    values: fc.array(value, { minLength: 1, maxLength: 3 }),
    parts: fc.array(
      fc.tuple(
        fc.nat(10_000),
        fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 9 })),
        fc.array(filler, { maxLength: 12 }).map((bytes) => Uint8Array.from(bytes)),
      ),
      { maxLength: 8 },
    ),
    cuts: fc.array(fc.nat(25), { maxLength: 30 }),
  });
}

for (
  const [name, arbitrary] of [
    ["values of few letters", caseOf(narrow, fc.constantFrom(0x61, 0x62, 0x0a))],
    ["values of any bytes", caseOf(wide, fc.nat(255))],
  ] as const
) {
  Deno.test(`masking: ${name}: no form survives any cut, and the rest is unchanged`, async () => {
    let hits = 0;
    await checkProperty(
      name,
      fc.property(arbitrary, ({ values, parts, cuts }) => {
        const forms = values.flatMap(formsOf);
        const texts = forms.map(textOf);
        fc.pre(!texts.some((form) => "<redacted>".includes(form)));
        const output = bytesOfText(
          parts.map(([which, missing, before]) => {
            const form = texts[which % texts.length]!;
            return textOf(before) + form.slice(0, Math.max(0, form.length - missing));
          }).join(""),
        );
        using mask = maskOf(...values);
        const out = masked(mask, cut(output, cuts));
        const wanted = expected(texts, textOf(output));
        if (wanted !== textOf(output)) hits++;
        assert.equal(out, wanted);
      }),
      1_000,
    );
    say(`${name}: ${hits} outputs held a form`);
    assert.ok(hits > 400, `only ${hits} outputs held a form`);
  });
}

function bytesOfText(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

Deno.test("masking: every listed form of a value is recognised", () => {
  const value = 'pa/ss "wörd"\nsecond line <&>';
  const bytes = bytesOf(value);
  using mask = maskOf(bytes);
  const url = bytes.toBase64({ alphabet: "base64url" });
  const rows: readonly (readonly [string, string])[] = [
    ["itself", value],
    ["a line", "second line <&>"],
    ["terminal", value.replaceAll("\n", "\r\n")],
    ["base64", bytes.toBase64()],
    ["base64url", url.replaceAll("=", "")],
    ["hex", bytes.toHex()],
    ["HEX", bytes.toHex().toUpperCase()],
    ["JavaScript", encodeURIComponent(value)],
    ["lower case", encodeURIComponent(value).replaceAll(/%../g, (one) => one.toLowerCase())],
    ["a form", new URLSearchParams({ a: value }).toString().slice(2)],
    ["JSON", JSON.stringify(value).slice(1, -1)],
    ["PHP", 'pa\\/ss \\"w\\u00f6rd\\"\\nsecond line <&>'],
    ["Python", 'pa/ss \\"w\\u00f6rd\\"\\nsecond line <&>'],
    ["Go", 'pa/ss \\"wörd\\"\\nsecond line \\u003c\\u0026\\u003e'],
  ];
  for (const [what, form] of rows) {
    const out = masked(mask, [bytesOf(`before ${form} after`)]);
    assert.equal(out, "before <redacted> after", what);
  }
});

Deno.test("masking: base64 is recognised wherever the value stands in what is encoded", () => {
  using mask = maskOf(bytesOf("hunter2hunter2"));
  for (let before = 0; before < 9; before++) {
    for (let after = 0; after < 4; after++) {
      const whole = bytesOf(`${"x".repeat(before)}hunter2hunter2${"y".repeat(after)}`);
      for (const alphabet of ["base64", "base64url"] as const) {
        const text = whole.toBase64({ alphabet });
        const out = masked(mask, [bytesOf(text)]);
        assert.match(out, /^[\w+/-]*<redacted>[\w+/=-]*$/, `${before} ${after} ${text}`);
        const kept = out.replace("<redacted>", "").length;
        assert.ok(kept <= Math.ceil((before + after) * 4 / 3) + 4, `${out} shows ${kept}`);
      }
    }
  }
});

Deno.test("masking: base64 that is broken into lines is recognised line by line", () => {
  const key = crypto.getRandomValues(new Uint8Array(1_190)); // 25 whole lines, or 21 and a rest
  using mask = maskOf(key);
  for (const columns of [64, 76]) {
    const lines = key.toBase64().match(new RegExp(`.{1,${columns}}`, "g"))!;
    const out = masked(mask, [bytesOf(lines.join("\r\n"))]);
    assert.match(out, /^(?:<redacted>\r\n)+<redacted>$/);
  }
});

Deno.test("masking: what is short is let go after a moment, what is long is held to the end", () => {
  using mask = maskOf(bytesOf("password: secret"));
  const stream = mask.stream();
  assert.equal(textOf(stream.push(bytesOf("type it: pas"))), "type it: ");
  assert.ok(stream.holdsBriefly);
  assert.equal(textOf(stream.release()), "pas");
  assert.ok(!stream.holdsBriefly);
  assert.equal(textOf(stream.push(bytesOf("sword: "))), "");
  assert.ok(!stream.holdsBriefly, "four bytes or more are held");
  assert.equal(textOf(stream.push(bytesOf("secret!"))), "<redacted>!", "the rest of it goes");
  assert.equal(textOf(stream.push(bytesOf("password: "))), "");
  assert.equal(textOf(stream.end()), "password: ");
});

Deno.test("masking: a value that the marker would show is masked by another one", () => {
  using mask = maskOf(bytesOf("redacted"));
  assert.equal(masked(mask, [bytesOf("a redacted b")]), "a *** b");
});

Deno.test("masking: what is shorter than six bytes is refused, and named", () => {
  assert.throws(() => maskOf(bytesOf("long enough"), bytesOf("short")), {
    code: "usage",
    message: "Cannot mask value 1: its value has less than 6 bytes",
  });
});

Deno.test("masking: lines that could be anybody's, and short ones, are left alone", () => {
  using mask = maskOf(bytesOf("------\n{\n  token=1 \n-------"));
  assert.equal(
    masked(mask, [bytesOf("------ { -------- token=1")]),
    "------ { -------- <redacted>",
  );
});

Deno.test("masking: memory stays the same however long the output is", () => {
  using mask = maskOf(bytesOf("a".repeat(1_000)), bytesOf("some-token-of-a-program"));
  const stream = mask.stream();
  const piece = bytesOf(`${"a".repeat(999)} ${"a".repeat(65_000)} some-token-of-a-progra`);
  let passed = 0;
  let taken = 0;
  for (let round = 0; round < 300; round++) {
    passed += stream.push(piece).length;
    taken += piece.length;
  }
  const rest = stream.end().length;
  say(`masking: ${taken} bytes in, ${passed} out, ${rest} held at the end`);
  assert.equal(rest, "some-token-of-a-progra".length);
});

Deno.test("masking: a large value is masked, more than 256 KiB are refused", () => {
  const large = crypto.getRandomValues(new Uint8Array(49_152)).toBase64();
  using mask = maskOf(bytesOf(large));
  assert.equal(masked(mask, [bytesOf(`<${bytesOf(large).toHex()}>`)]), "<<redacted>>");
  assert.throws(() => maskOf(new Uint8Array(262_139), bytesOf("six by")), {
    code: "usage",
    message: "Cannot mask the values: they have more than 262144 bytes",
  });
});

Deno.test("masking: large output passes at tens of megabytes a second", () => {
  const pem = Array.from({ length: 25 }, () => randomText(48)).join("\n");
  using mask = maskOf(bytesOf(pem), bytesOf(randomText(30)), bytesOf(randomText(12)));
  const sizes = { words: textPiece(), random: randomPiece() };
  for (const [name, piece] of Object.entries(sizes)) {
    const stream = mask.stream();
    let speed = 0;
    // The best of many short spans: in the others somebody else may have had the processor.
    for (let span = 0; span < 16; span++) {
      const begin = performance.now();
      for (let round = 0; round < 16; round++) stream.push(piece);
      const seconds = (performance.now() - begin) / 1_000;
      speed = Math.max(speed, 16 * piece.length / seconds / 1e6);
    }
    say(`masking: ${name}: ${Math.round(speed)} MB/s`);
    assert.ok(speed > 10, `${name}: ${speed} MB/s`);
  }
});

function randomText(bytes: number): string {
  return crypto.getRandomValues(new Uint8Array(bytes)).toBase64();
}

function randomPiece(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(65_536));
}

function textPiece(): Uint8Array {
  const line = "2026-11-02T10:11:12Z INFO request served status=200 path=/v1/items bytes=1234\n";
  return bytesOf(line.repeat(Math.ceil(65_536 / line.length)).slice(0, 65_536));
}
