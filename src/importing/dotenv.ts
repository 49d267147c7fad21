/**
 * Reading dotenv files as their readers do. They agree on simple lines and differ on quotes, escapes
 * and dollars; where nobody says who reads the file, a value that they read differently is refused.
 */

import { PalyraError } from "../errors.ts";

/** Who reads the file. */
export const DIALECTS = ["dotenv", "dotenvx", "node", "deno", "docker"] as const;

/** One of them. */
export type Dialect = typeof DIALECTS[number];

/** A variable of a file. */
export interface Assignment {
  readonly key: string;
  /** `undefined`: what it is depends on other variables, or on a command. */
  readonly value: string | undefined;
  /** Of what stands after `=`, quotes included, in characters of the text. */
  readonly range: readonly [number, number];
}

const HEAD = /[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*/y;
/** One that ends with a backslash is closed for some of the readers only. */
const QUOTED = /'(?:[^']*[^'\\])?'|"(?:[^"]*[^"\\])?"|`(?:[^`]*[^`\\])?`/y;
const PLAIN = /[^\s'"`#](?:[^'"`#\n]*[^\s'"`#])?/y;
/** What may follow a value: nothing, or a comment in which no reader finds a quote. */
const TAIL = /[ \t]*(?:#[^'"`\n]*)?(?:\n|$)/y;
const NOTHING = /[ \t]*(?:#[^\n]*)?(?:\n|$)/y;

/** The variables of a text in one dialect, in their order; of two with one name only the last. */
export function parseDotenv(text: string, dialect: Dialect): Assignment[] {
  const all = dialect === "docker" ? parseDocker(text) : parseLines(text, dialect);
  return all.filter(({ key }, at) => !all.slice(at + 1).some((later) => later.key === key));
}

/**
 * The variables of a text that nobody says the dialect of. Throws `usage` for one that dotenv, dotenvx,
 * Node and Deno do not read alike.
 */
export function parseAgreed(text: string): Assignment[] {
  const [first, ...others] = DIALECTS.filter((dialect) => dialect !== "docker")
    .map((dialect) => parseDotenv(text, dialect));
  const differs = (list: readonly Assignment[], { key, value }: Assignment): boolean =>
    value === undefined || list.find((one) => one.key === key)?.value !== value;
  const all = [...first!, ...others.flat()];
  const odd = all.find((one) => [first!, ...others].some((list) => differs(list, one)));
  if (odd === undefined) return first!;
  throw new PalyraError(
    "usage",
    `Cannot import ${odd.key}: readers of such files do not agree on it`,
    {
      hint: `Say who reads it: --dialect ${DIALECTS.join(", ")}`,
    },
  );
}

/**
 * The part of the syntax in which it is clear where a value ends. The readers go on where this stops,
 * each in its own way (a quote within a quoted value, an unclosed quote, text behind one): that is refused.
 */
function parseLines(text: string, dialect: Dialect): Assignment[] {
  const { plain, originOf } = withoutCarriageReturns(text);
  const found: Assignment[] = [];
  for (let at = plain.startsWith("\ufeff") ? 1 : 0; at < plain.length;) {
    const blank = match(NOTHING, plain, at);
    if (blank !== undefined) {
      at += blank[0].length;
      continue;
    }
    const head = match(HEAD, plain, at);
    if (head === undefined) throw unclear(plain, at);
    const start = at + head[0].length;
    const raw = (match(QUOTED, plain, start) ?? match(PLAIN, plain, start))?.[0] ?? "";
    const tail = match(TAIL, plain, start + raw.length);
    if (tail === undefined) throw unclear(plain, at);
    const quote = /^['"`]/.exec(raw)?.[0] ?? "";
    const bare = quote === "" ? raw : raw.slice(1, -1);
    found.push({
      key: head[1]!,
      value: meaningOf(bare, quote, dialect),
      range: [originOf(start), originOf(start + raw.length)],
    });
    at = start + raw.length + tail[0].length;
  }
  return found;
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

/** They read CR and CRLF as LF; places are those of the text as it is. */
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
    plain += text[at] === "\r" ? "\n" : text[at];
  }
  origins.push(text.length);
  return { plain, originOf: (at) => origins[at]! };
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

function unclear(text: string, at: number): PalyraError {
  const line = text.slice(0, at).split("\n").length;
  return new PalyraError("usage", `Cannot import: how line ${line} is read is not clear`, {
    hint: "A value with a quote in it stands in quotes of another kind",
    details: { line },
  });
}

/** `docker run --env-file`, podman: the bytes after `=`, no quotes, no comments within a line. */
function parseDocker(text: string): Assignment[] {
  const found: Assignment[] = [];
  for (const match of text.matchAll(/^[^\S\n]*([^#\s=][^\s=]*)=([^\n]*)$/dgm)) {
    const [start, end] = match.indices![2]!;
    const value = match[2]!.replace(/\r$/, "");
    found.push({
      key: match[1]!,
      value,
      range: [start, end - (match[2]!.length - value.length)],
    });
  }
  return found;
}
