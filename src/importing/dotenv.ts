/**
 * Reading dotenv files as their readers do. They agree on simple lines and differ on quotes, escapes,
 * dollars and white space; where nobody says who reads the file, a value that they read differently is refused.
 */

import { PalyraError } from "../errors.ts";
import { type Assignment, countLines, indentation, requireDistinct } from "./assignment.ts";
import { parseDocker } from "./docker_env.ts";

/** Who reads the file. */
export const DIALECTS = ["dotenv", "dotenvx", "node", "deno", "docker"] as const;

/** One of them. */
export type Dialect = typeof DIALECTS[number];

const HEAD = /([ \t]*)(?:export([ \t]+))?([A-Za-z_][\w.-]*)[ \t]*=([ \t]*)/y;
/** One that ends with a backslash is closed for some of the readers only. */
const QUOTED = /'(?:[^']*[^'\\])?'|"(?:[^"]*[^"\\])?"|`(?:[^`]*[^`\\])?`/y;
const PLAIN = /[^\s'"`#](?:[^'"`#\n]*[^\s'"`#])?/y;
/** What may follow a value: nothing, or a comment in which no reader finds a quote, or an end of the line. */
const TAIL = /([ \t]*)(#[^'"`\n\u2028\u2029]*)?(?:\n|$)/y;
const NOTHING = /[ \t]*(?:#[^\n\u2028\u2029]*)?(?:\n|$)/y;
/** dotenv ends a line at a carriage return alone, others drop it; at a zero byte some end the value. */
const NEVER_CLEAR = /\r(?!\n)|\0/;

const SHAPE = "A line is NAME=VALUE, a comment, or empty";
const QUOTES = "A value with a quote in it stands in quotes of another kind";
const SPACE =
  "Readers differ on white space there, and on export without a value: NAME='VALUE' is read alike";
const BYTES = "Readers differ on a carriage return without a line feed, and on a zero byte";

/** The variables of a text in one dialect, in their order. Throws `usage` for one that is set twice. */
export function parseDotenv(text: string, dialect: Dialect): Assignment[] {
  const all = dialect === "docker" ? parseDocker(text) : parseLines(text, dialect);
  requireDistinct(all);
  return all;
}

/**
 * The variables of a text that nobody says the dialect of. Throws `usage` for one that dotenv, dotenvx,
 * Node and Deno do not read alike.
 */
export function parseAgreed(text: string): Assignment[] {
  const [first, ...others] = DIALECTS.filter((dialect) => dialect !== "docker")
    .map((dialect) => parseDotenv(text, dialect));
  const odd = first!.find(({ value }, at) =>
    value === undefined || others.some((list) => list[at]!.value !== value)
  );
  if (odd === undefined) return first!;
  throw new PalyraError(
    "usage",
    `Cannot import ${odd.key}: readers of such files do not agree on line ${odd.line}`,
    {
      hint: `Say who reads it: --dialect ${DIALECTS.join(", ")}`,
      details: { line: odd.line },
    },
  );
}

/**
 * The part of the syntax in which it is clear where a value ends. The readers go on where this stops,
 * each in its own way (a quote within a quoted value, an unclosed quote, text behind one): that is refused.
 */
function parseLines(text: string, dialect: Dialect): Assignment[] {
  const odd = NEVER_CLEAR.exec(text);
  if (odd !== null) throw unclear(text, odd.index, BYTES);
  const { plain, originOf } = withoutCarriageReturns(text);
  const found: Assignment[] = [];
  let line = 1;
  for (let at = plain.startsWith("\ufeff") ? 1 : 0; at < plain.length;) {
    const blank = match(NOTHING, plain, at);
    if (blank !== undefined) {
      at += blank[0].length;
      line++;
      continue;
    }
    const head = match(HEAD, plain, at);
    if (head === undefined) throw unclear(plain, at, SHAPE);
    const [whole, space, exported, key] = head;
    const start = at + whole.length;
    const raw = (match(QUOTED, plain, start) ?? match(PLAIN, plain, start))?.[0] ?? "";
    const tail = match(TAIL, plain, start + raw.length);
    if (tail === undefined) {
      const [statement] = plain.slice(at).split("\n", 1);
      throw unclear(plain, at, /['"`]/.test(statement!) ? QUOTES : SPACE);
    }
    const [rest, gap, comment] = tail;
    const quote = /^['"`]/.exec(raw)?.[0] ?? "";
    if (readsSpacing(dialect, { head, raw, tail })) throw unclear(plain, at, SPACE);
    const bare = quote === "" ? raw : raw.slice(1, -1);
    // A tab beside quotes is nothing to anybody, but beside a bare reference it is a part of it.
    const end = start + raw.length + (gap!.includes("\t") ? gap!.length : 0);
    const isApart = comment === undefined || plain[end] === " ";
    found.push({
      key: key!,
      value: meaningOf(bare, quote, dialect),
      line,
      place: {
        range: [originOf(at), originOf(end - 1) + 1],
        around: [
          `${indentation(space!)}${exported === undefined ? "" : "export "}${key}=`,
          isApart ? "" : " ",
        ],
      },
    });
    at = start + raw.length + rest.length;
    line += countLines(raw) + 1;
  }
  return found;
}

/** Whether a reader takes white space or `export` for more than that, in this version or another. */
function readsSpacing(
  dialect: Dialect,
  { head: [whole, , exported, , padding], raw, tail: [, gap, comment] }: {
    readonly head: RegExpExecArray;
    readonly raw: string;
    readonly tail: RegExpExecArray;
  },
): boolean {
  const takesNextLine = raw === "" && padding !== "" && comment === undefined;
  if (dialect === "deno") {
    const isNamed = exported !== undefined && (exported.includes("\t") || raw === "");
    return takesNextLine || isNamed;
  }
  if (dialect !== "node") return false;
  const isInValue = gap!.includes("\t") && !/^['"`]/.test(raw);
  const isNamed = exported !== undefined && exported !== " ";
  return takesNextLine || isNamed || isInValue || whole.includes("\t");
}

/** What a reader makes of the characters of a value; `undefined` where it would ask something else. */
function meaningOf(bare: string, quote: string, dialect: Dialect): string | undefined {
  const isWide = dialect === "dotenv" || dialect === "dotenvx";
  let value = bare;
  if (quote === '"') {
    value = value.replaceAll("\\n", "\n");
    if (isWide) value = value.replaceAll("\\r", "\r");
  }
  const expands = (dialect === "dotenvx" && quote !== "'") ||
    (dialect === "deno" && quote !== "'" && quote !== "`");
  if (!expands) return value;
  return /(?<!\\)\$/.test(value) ? undefined : value.replaceAll("\\$", "$");
}

/** They read CRLF as LF; places are those of the text as it is. */
function withoutCarriageReturns(text: string): {
  plain: string;
  originOf: (at: number) => number;
} {
  if (!text.includes("\r")) return { plain: text, originOf: (at) => at };
  const origins: number[] = [];
  let plain = "";
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\r" && text[at + 1] === "\n") continue;
    origins.push(at);
    plain += text[at];
  }
  return { plain, originOf: (at) => origins[at]! };
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

function unclear(text: string, at: number, hint: string): PalyraError {
  const line = countLines(text.slice(0, at)) + 1;
  return new PalyraError("usage", `Cannot import: how line ${line} is read is not clear`, {
    hint,
    details: { line },
  });
}
