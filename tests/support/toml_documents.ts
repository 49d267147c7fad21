/** Random TOML documents of which the test knows, line by line, what stands where. */

import fc from "fast-check";

/** A pair of a document: where its value leads, and the lines that it stands on. */
export interface KnownPair {
  readonly path: readonly (string | number)[];
  /** Line of its key, from 0. */
  readonly line: number;
  readonly lines: number;
  /** Indentation; key with `=` and blanks; what follows the value. */
  readonly indent: string;
  readonly key: string;
  readonly lastKey: string;
  readonly tail: string;
  /** Text of the value. */
  readonly value: string;
}

/** A document, and the tables that have a header, the root first. */
export interface KnownDocument {
  readonly text: string;
  readonly eol: string;
  readonly pairs: readonly KnownPair[];
  readonly tables: readonly (readonly (string | number)[])[];
}

/** Values as they are written; a line end is `\n` here. */
export const VALUES = [
  '"text"',
  "'literal'",
  '"# no comment = [x]"',
  '""',
  '"\\"quoted\\" \\u00e9"',
  "42",
  "0xff",
  "1.5",
  "1e3",
  "inf",
  "true",
  "1979-05-27T07:32:00Z",
  "07:32:00",
  "[]",
  '[ 1, "two" ]',
  "[\n  1, # one\n  2,\n]",
  '"""\nseveral\n  lines # no comment\n"""',
  "'''\n[no.header]\nkey = 1'''",
  "{}",
  '{ a = 1, "b c" = "x" }',
  "{a.b = 1, a.c = { d = [1] }}",
  "[ { p = 1 }, { q = 'x' } ]",
] as const;

const BETWEEN = ["", "# a comment\n", "\n", "\n\n", "  # indented\n\n", "#[no.header]\n"] as const;
const TAILS = ["", " # why", "   ", "\t#", " # a = 'b' ]"] as const;
const EQUALS = [" = ", "=", "  =\t"] as const;
const KEYS = ["bare", "quoted", "literal", "dotted"] as const;
const HEADERS = ["plain", "deep", "list", "inList"] as const;

const pair = fc.record({
  style: fc.constantFrom(...KEYS),
  equals: fc.constantFrom(...EQUALS),
  value: fc.constantFrom(...VALUES),
  tail: fc.constantFrom(...TAILS),
  before: fc.constantFrom(...BETWEEN),
});

const section = fc.record({
  header: fc.constantFrom(...HEADERS),
  indent: fc.constantFrom("", "  ", "\t"),
  before: fc.constantFrom(...BETWEEN),
  tail: fc.constantFrom(...TAILS),
  pairs: fc.array(pair, { maxLength: 4 }),
});

/** A document with dotted and quoted keys, lists of tables, comments and either line end. */
export const knownDocument: fc.Arbitrary<KnownDocument> = fc.record({
  root: fc.array(pair, { maxLength: 3 }),
  sections: fc.array(section, { maxLength: 5 }),
  eol: fc.constantFrom("\n", "\r\n"),
  end: fc.constantFrom("", "\n", "# the end\n", "\n\n"),
  isEnded: fc.boolean(),
}).map(({ root, sections, eol, end, isEnded }) => {
  const writer = new Writer();
  root.forEach((one, at) => writer.pair([], "", one, `k${at}`));
  sections.forEach(({ header, indent, before, tail, pairs }, number) => {
    const path = writer.header(header, indent, before, tail, number);
    pairs.forEach((one, at) => writer.pair(path, indent, one, `k${at}`));
  });
  writer.add(end);
  const lines = isEnded ? writer.text : writer.text.replace(/\n$/, "");
  const text = lines.replaceAll("\n", eol);
  return { text, eol: text.includes(eol) ? eol : "\n", pairs: writer.pairs, tables: writer.tables };
});

type PairSpec = typeof pair extends fc.Arbitrary<infer T> ? T : never;

class Writer {
  text = "";
  readonly pairs: KnownPair[] = [];
  readonly tables: (string | number)[][] = [[]];
  readonly #entries = new Map<string, number>();

  add(text: string): void {
    this.text += text;
  }

  header(
    kind: typeof HEADERS[number],
    indent: string,
    before: string,
    tail: string,
    number: number,
  ): (string | number)[] {
    const list = this.#entries.size > 0 ? "list" : undefined;
    const path: (string | number)[] = kind === "plain"
      ? [`s${number}`]
      : kind === "deep"
      ? [`d${number % 2}`, "in between", `s${number}`]
      : kind === "inList" && list !== undefined
      ? [list, this.#entries.get(list)! - 1, `s${number}`]
      : ["list", this.#entries.get("list") ?? 0];
    const isEntry = typeof path.at(-1) === "number";
    if (isEntry) this.#entries.set("list", (path.at(-1) as number) + 1);
    const key = path.filter((step) => typeof step === "string")
      .map((step) => /\s/.test(step) ? `"${step}"` : step).join(".");
    this.add(`${before}${indent}${isEntry ? `[[${key}]]` : `[ ${key} ]`}${tail}\n`);
    this.tables.push(path);
    return path;
  }

  pair(base: (string | number)[], indent: string, spec: PairSpec, name: string): void {
    this.add(spec.before);
    const names = spec.style === "dotted" ? ["dot", name] : [name];
    const lastKey = spec.style === "quoted"
      ? JSON.stringify(name)
      : spec.style === "literal"
      ? `'${name}'`
      : name;
    const key = (spec.style === "dotted" ? `dot.${lastKey}` : lastKey) + spec.equals;
    const line = this.text.split("\n").length - 1;
    this.pairs.push({
      path: [...base, ...names],
      line,
      lines: spec.value.split("\n").length,
      indent,
      key,
      lastKey,
      tail: spec.tail,
      value: spec.value,
    });
    this.add(`${indent}${key}${spec.value}${spec.tail}\n`);
  }
}
