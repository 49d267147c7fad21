/** How the stand-in for `security` reads lines and words: every rule by itself, and all of them together. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeWord, splitLines, splitWords } from "./fake_security_words.ts";
import { checkProperty } from "./properties.ts";

const MAX_LINE = 4095;

/** Bytes as a string of one character each, and back. */
const latin1 = (bytes: Uint8Array): string =>
  Array.from(bytes, (b) => String.fromCharCode(b)).join("");
const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

const linesOf = (text: string): string[] => splitLines(bytesOf(text)).map(latin1);
const wordsOf = (text: string): string[] =>
  splitWords(bytesOf(text)).map((word) => latin1(encodeWord(word)));

/** A line is as much as stands before a newline, or 4,095 bytes without one. */
function expectedLines(text: string): string[] {
  return (text.match(/[^\n]{0,4094}\n|[^\n]{4095}/gy) ?? []).map((line) => line.replace("\n", ""));
}

/** The three kinds of words as patterns; whatever stands behind a backslash is a letter. */
function expectedWords(line: string): string[] {
  const pattern =
    /[\t-\r ]*(?:"((?:\\[^]|[^\\"])*)(?:"|\\?$)|'((?:\\[^]|[^\\'])*)(?:'|\\?$)|((?:\\[^]|[^\\\t-\r ])+\\?|\\))/gy;
  const text = line.split("\0")[0]!;
  const found = [...text.matchAll(pattern)].slice(0, 32);
  return found.map(([, double, single, bare]) =>
    (double ?? single ?? bare!).replaceAll(/\\([^]?)/g, "$1")
  );
}

Deno.test("lines: cut at 4,095 bytes, and the last one only with its newline", () => {
  const x = (count: number): string => "x".repeat(count);
  const table: readonly (readonly [string, readonly string[]])[] = [
    ["", []],
    ["\n", [""]],
    ["a", []],
    ["a\nb", ["a"]],
    ["a\n\nb\n", ["a", "", "b"]],
    ["a\r\n", ["a\r"]],
    [`${x(4094)}\n`, [x(4094)]],
    [x(4094), []],
    [x(4095), [x(4095)]],
    [`${x(4095)}\n`, [x(4095), ""]],
    [`${x(4096)}\n`, [x(4095), "x"]],
    [x(4096), [x(4095)]],
    [`${x(8190)}\n`, [x(4095), x(4095), ""]],
    [`${x(8191)}\na\n`, [x(4095), x(4095), "x", "a"]],
  ];
  for (const [text, lines] of table) assert.deepEqual(linesOf(text), lines, `${text.length} bytes`);
});

/** What a line is, and its words. */
const WORDS: readonly (readonly [string, readonly string[]])[] = [
  ["", []],
  ["  \t ", []],
  ["a b", ["a", "b"]],
  ["  a  b  ", ["a", "b"]],
  ["a\tb\vc\fd\re", ["a", "b", "c", "d", "e"]],
  [`"a b"`, ["a b"]],
  [`'a b'`, ["a b"]],
  [`"it's" 'a "b"'`, ["it's", `a "b"`]],
  [`""`, [""]],
  [`'' x`, ["", "x"]],
  [`"a"b`, ["a", "b"]],
  [`"a""b"`, ["a", "b"]],
  [`'it'"'"'s'`, ["it", "'", "s"]],
  [`a"b c"`, [`a"b`, `c"`]],
  [`-w"x y"`, [`-w"x`, `y"`]],
  [`"not closed `, ["not closed "]],
  [`"`, [""]],
  [`a\\ b`, ["a b"]],
  [`\\"a b`, [`"a`, "b"]],
  [`"a\\"b"`, [`a"b`]],
  [`'a\\'b'`, ["a'b"]],
  [`"a\\\\"`, ["a\\"]],
  [`\\n\\t`, ["nt"]],
  [`a\\`, ["a"]],
  [`\\`, [""]],
  [`"a\\`, ["a"]],
  ["a\0b c", ["a"]],
  ["\0a", []],
  [`"a\0b"`, ["a"]],
  ["a\\\0b", ["a"]],
  ["$HOME `x` #y ;z", ["$HOME", "`x`", "#y", ";z"]],
  ["w ".repeat(32), Array(32).fill("w")],
  ["w ".repeat(33), Array(32).fill("w")],
  [`${"w ".repeat(31)}"a" b c`, [...Array(31).fill("w"), "a"]],
  ["\x7f\x01", ["\x7f\x01"]],
  ["\xa0\x85", ["\xa0\x85"]],
];

Deno.test("words: quotes, backslashes, separators, NUL, and 32 of them", () => {
  for (const [line, words] of WORDS) assert.deepEqual(wordsOf(line), words, JSON.stringify(line));
});

Deno.test("words keep their bytes, whether they are UTF-8 or not", () => {
  assert.deepEqual(splitWords(new TextEncoder().encode("ключ \ufeffб")), ["ключ", "\ufeffб"]);
  for (const bytes of [[0xe9], [0x61, 0xff, 0xc3], [0xed, 0xb2, 0x80], [0xef, 0xbf, 0xbd]]) {
    assert.deepEqual([...encodeWord(splitWords(Uint8Array.from(bytes))[0]!)], bytes);
  }
});

Deno.test("lines are those of the pattern, for random input around the cut", async () => {
  const run = fc.tuple(
    fc.constantFrom("a", "\\", '"', " ", "\0", "\xff"),
    fc.oneof(fc.nat(4), fc.integer({ min: MAX_LINE - 3, max: MAX_LINE + 3 }), fc.nat(3 * MAX_LINE)),
  ).map(([letter, count]) => letter.repeat(count));
  const input = fc.array(fc.oneof(run, fc.constant("\n")), { maxLength: 8 })
    .map((parts) => parts.join(""));
  await checkProperty(
    "lines of security -i",
    fc.property(input, (text) => assert.deepEqual(linesOf(text), expectedLines(text))),
  );
});

Deno.test("words are those of the pattern, for random lines", async () => {
  const letter = fc.constantFrom(...`ab"'\\ \t\v\f\r`, '"', "'", "\\", "\\", "\xe9");
  const rare = fc.constantFrom("\0", "\xc3\xa9", "\xff", "-w", "\x01");
  const line = fc.array(
    fc.oneof({ weight: 30, arbitrary: letter }, { weight: 1, arbitrary: rare }),
    {
      maxLength: 250,
      size: "max",
    },
  ).map((parts) => parts.join(""));
  await checkProperty(
    "words of security -i",
    fc.property(line, (text) => assert.deepEqual(wordsOf(text), expectedWords(text))),
    20_000,
  );
});
