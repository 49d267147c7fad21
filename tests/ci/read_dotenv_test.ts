/** The reader of env files: what all readers read alike is read, the rest is refused with its line. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { formatDotenv } from "../../src/ci/dotenv.ts";
import { readDotenv } from "../../src/ci/read_dotenv.ts";
import { isPalyraError } from "../../src/errors.ts";
import { checkProperty } from "../support/properties.ts";

const read = (text: string): (readonly [string, string, number])[] =>
  readDotenv(text).map(({ name, value, line }) => [name, value, line]);

const READ: readonly (readonly [string, string])[] = [
  ["A=", ""],
  ["A=x", "x"],
  ["export A=x", "x"],
  ["  A=x y  ", "x y"],
  ["A= x # comment", "x"],
  ["A=# comment", ""],
  ["A='x # y $z \\n \" `' # comment", 'x # y $z \\n " `'],
  ["A='one\ntwo'", "one\ntwo"],
  ["A='one\r\ntwo'\r", "one\ntwo"],
  ['A="one\\ntwo"', "one\ntwo"],
  ['A="it\'s"', "it's"],
  ['A=`it\'s "x"`', 'it\'s "x"'],
  ["A=a=b?c&d:/", "a=b?c&d:/"],
  ["A=vault://global/a#2", "vault://global/a#2"],
  ["A='x'\t# comment", "x"],
  ["  export A=x\ty", "x\ty"],
  ["A= # comment", ""],
  ["A=vault://global/a # comment", "vault://global/a"],
  ["A=ä€😀", "ä€😀"],
];

Deno.test("env files are read as all readers read them", () => {
  for (const [text, value] of READ) {
    const source = text.endsWith("\r") ? `${text}\n` : text;
    assert.deepEqual(read(source), [["A", value, 1]], text);
    assert.deepEqual(
      read(`# x\n\n${source.trimEnd()}\nB=2\n`).at(0)!.slice(0, 2),
      ["A", value],
      text,
    );
  }
  assert.deepEqual(read(""), []);
  assert.deepEqual(read("\ufeffA.B=x\nA-B=y"), [["A.B", "x", 1], ["A-B", "y", 2]]);
  assert.deepEqual(read("\n# only\n\t# comments"), []);
  assert.deepEqual(read("A='1\n2\n3'\nB=x"), [["A", "1\n2\n3", 1], ["B", "x", 4]]);
  // Node 20 loses what follows such lines; later versions, and all others, do not.
  assert.deepEqual(read("export A= ':'\n # c'#c\r\n  \n  B=`=b1 :`  \r\n"), [
    ["A", ":", 1],
    ["B", "=b1 :", 4],
  ]);
});

const REFUSED: readonly string[] = [
  "A",
  "A x",
  "A =x",
  "A: x",
  "1A=x",
  "A+B=x",
  ".A=x",
  "=x",
  "A=x#y",
  "A=it's",
  'A=x"y"',
  "A=$HOME",
  "A=a$b",
  "A=a\\b",
  "A='open",
  'A="open',
  'A="open\\"',
  "A='x'y",
  'A="a\\tb"',
  'A="a\\"b"',
  'A="a\\\\b"',
  'A="a$b"',
  "A='a\rb'",
  "A=a\rb",
  "A='a\0b'",
  "A=\tx",
  "A=x\t",
  "A=x\t# c",
  "A=\t'x'",
  "\tA=x",
  "export  A=x",
  "export\tA=x",
  "export A=",
  "  export A= # c",
  "A= ",
  "A= \nB=2",
  "A=\u00a0x",
  "A=x\u00a0",
  "A=x\v",
  "A=x\u2003 # c",
  "# c\rA=x",
  "# c\u2028A=x",
  "A='x' # c\u2029B=y",
  "A='x\\'",
  'A="x\\"',
  "A=vault://global/a\t",
  "A=vault://global/a \t# c",
  "A=vault://global/a\u00a0",
  "A=vault://global/a$b",
  "A=vault://global/a b",
  "\ufeffA=x",
  "Z=again",
];

Deno.test("what readers read differently is refused with its line, and not repeated", () => {
  for (const text of REFUSED) {
    const source = `# one\nZ='two\nthree'\n${text}`;
    assert.throws(() => readDotenv(source), (error) => {
      assert.ok(isPalyraError(error, "usage"), text);
      assert.match(error.message, /^Cannot read line 4 of the env file: [^\n]+$/, text);
      return true;
    }, text);
  }
});

Deno.test("what the dotenv format writes is read back", async () => {
  await checkProperty(
    "dotenv is read back",
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const value = text.replaceAll("\0", "");
      let written: string;
      try {
        written = formatDotenv([{ name: "A", text: value }]);
      } catch {
        return; // the format cannot hold it
      }
      assert.deepEqual(read(`${written}B=1\n`).map(([, one]) => one), [value, "1"]);
    }),
  );
});
