/**
 * Reads a dotenv file, strictly: what dotenv, dotenvx, `node --env-file` and `deno --env-file` read
 * differently is refused with the number of its line. What is refused is not repeated. Taken all the same
 * are lines of white space and indented comments, behind which Node 20 loses a variable; Node 22 does not.
 */

import { PalyraError } from "../errors.ts";

/** A line as it was read. */
export interface DotenvEntry {
  readonly name: string;
  readonly value: string;
  /** Counted from 1. */
  readonly line: number;
}

/** Some readers end a line, and so a comment, at a line or paragraph separator. */
const BLANK_OR_COMMENT = /[ \t]*(?:#[^\n\u2028\u2029]*)?(?:\n|$)/y;
const ASSIGNMENT = /[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]{0,255})=[ \t]*/y;
/** A reference may stand without quotes, though `#` begins a comment for other readers. */
const REFERENCE = /vault:\/\/[^\s'"`\\$]+/y;
const UNQUOTED = /[^\n]*/y;
const QUOTED = { "'": /'([^']*)'/y, "`": /`([^`]*)`/y, '"': /"((?:[^"\\]|\\[^])*)"/y } as const;

const TAB = / *\t/y;
/** Where no value follows, Deno takes `export` for a part of the name, and behind blanks the next line for the value. */
const ODD_IF_EMPTY = /(?: *export [^=\n]*= *(?:#[^\n]*)?|[^=\n]*= +)(?:\n|$)/y;
const ODD_SPACE = "readers differ on its white space, or on export without a value";

/** All entries in their order; names are distinct. Throws `usage`. */
export function readDotenv(text: string): DotenvEntry[] {
  const source = text.replaceAll("\r\n", "\n");
  const alone = source.indexOf("\r");
  if (alone !== -1) throw refused(lineAt(source, alone), "a carriage return stands alone in it");
  const entries: DotenvEntry[] = [];
  const names = new Set<string>();
  // Nobody means a byte order mark, though Node and Deno take it for a part of the first name.
  for (let at = source.startsWith("\ufeff") ? 1 : 0; at < source.length;) {
    const blank = matchAt(BLANK_OR_COMMENT, source, at);
    if (blank !== undefined) {
      at += blank[0].length;
      continue;
    }
    const line = lineAt(source, at);
    const assignment = matchAt(ASSIGNMENT, source, at);
    if (assignment === undefined) throw refused(line, "it is neither NAME=VALUE nor a comment");
    const [head] = assignment;
    const name = assignment[1]!;
    const isOdd = /\t|export {2}/.test(head) || matchAt(ODD_IF_EMPTY, source, at) !== undefined;
    if (isOdd) throw refused(line, ODD_SPACE);
    if (names.has(name)) throw refused(line, "its variable was set before");
    names.add(name);
    const { value, end } = readValue(source, at + head.length, line);
    entries.push({ name, value, line });
    at = end;
  }
  return entries;
}

function readValue(source: string, at: number, line: number): { value: string; end: number } {
  const quote = source[at] as keyof typeof QUOTED | undefined;
  if (quote !== undefined && quote in QUOTED) {
    const [whole, value] = matchAt(QUOTED[quote], source, at) ?? [];
    if (whole === undefined) throw refused(line, "its quotes are not closed");
    requireText(value!, line);
    if (value!.endsWith("\\")) {
      throw refused(line, "some readers go on behind a backslash at the end");
    }
    return {
      value: quote === '"' ? unescaped(value!, line) : value!,
      end: endOfLine(source, at + whole.length, line),
    };
  }
  const reference = matchAt(REFERENCE, source, at)?.[0];
  if (reference !== undefined) {
    const end = at + reference.length;
    if (matchAt(TAB, source, end) !== undefined) throw refused(line, ODD_SPACE);
    return { value: reference, end: endOfLine(source, end, line) };
  }
  const [rest] = matchAt(UNQUOTED, source, at)!;
  const value = rest.replace(/(?:^| +)#[^\u2028\u2029]*$/, "").replace(/ +$/, "");
  if (/^\s|\s$|\t#/.test(value)) throw refused(line, ODD_SPACE);
  requireText(value, line);
  const odd = /['"`#\\$]/.exec(value)?.[0];
  if (odd !== undefined) throw refused(line, `a value with ${odd} needs single quotes`);
  return { value, end: at + rest.length + 1 };
}

/** Within double quotes readers agree on `\n` alone. */
function unescaped(value: string, line: number): string {
  if (/\\[^n]/.test(value)) throw refused(line, "in double quotes only \\n is read by all alike");
  if (value.includes("$")) throw refused(line, "a value with $ needs single quotes");
  return value.replaceAll("\\n", "\n");
}

function requireText(value: string, line: number): void {
  if (value.includes("\0")) throw refused(line, "a zero byte stands in its value");
}

function endOfLine(source: string, at: number, line: number): number {
  const rest = matchAt(BLANK_OR_COMMENT, source, at);
  if (rest === undefined) throw refused(line, "something follows its value");
  return at + rest[0].length;
}

function lineAt(source: string, at: number): number {
  return source.slice(0, at).split("\n").length;
}

function matchAt(pattern: RegExp, source: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source) ?? undefined;
}

function refused(line: number, why: string): PalyraError {
  return new PalyraError("usage", `Cannot read line ${line} of the env file: ${why}`);
}
