/**
 * Reads a dotenv file, strictly: what dotenv, dotenvx, `node --env-file` and `deno --env-file` read
 * differently is refused with the number of its line. What is refused is not repeated.
 */

import { PalyraError } from "../errors.ts";

/** A line as it was read. */
export interface DotenvEntry {
  readonly name: string;
  readonly value: string;
  /** Counted from 1. */
  readonly line: number;
}

const BLANK_OR_COMMENT = /[ \t]*(?:#[^\n]*)?(?:\n|$)/y;
const ASSIGNMENT = /[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]{0,255})=[ \t]*/y;
/** A reference may stand without quotes, though `#` begins a comment for other readers. */
const REFERENCE = /vault:\/\/[^\s'"`\\$]+/y;
const UNQUOTED = /[^\n]*/y;
const QUOTED = { "'": /'([^']*)'/y, "`": /`([^`]*)`/y, '"': /"((?:[^"\\]|\\[^])*)"/y } as const;

/** All entries in their order; names are distinct. Throws `usage`. */
export function readDotenv(text: string): DotenvEntry[] {
  const source = text.replaceAll("\r\n", "\n");
  const entries: DotenvEntry[] = [];
  const names = new Set<string>();
  // Nobody means a byte order mark, though Node and Deno take it for a part of the first name.
  for (let at = source.startsWith("\ufeff") ? 1 : 0; at < source.length;) {
    const blank = matchAt(BLANK_OR_COMMENT, source, at);
    if (blank !== undefined) {
      at += blank[0].length;
      continue;
    }
    const line = source.slice(0, at).split("\n").length;
    const assignment = matchAt(ASSIGNMENT, source, at);
    if (assignment === undefined) throw refused(line, "it is neither NAME=VALUE nor a comment");
    const name = assignment[1]!;
    if (names.has(name)) throw refused(line, "its variable was set before");
    names.add(name);
    const { value, end } = readValue(source, at + assignment[0].length, line);
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
    return {
      value: quote === '"' ? unescaped(value!, line) : value!,
      end: endOfLine(source, at + whole.length, line),
    };
  }
  const reference = matchAt(REFERENCE, source, at)?.[0];
  if (reference !== undefined) {
    return { value: reference, end: endOfLine(source, at + reference.length, line) };
  }
  const [rest] = matchAt(UNQUOTED, source, at)!;
  const value = rest.replace(/(?:^|[ \t]+)#.*$/, "").trimEnd();
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
  if (value.includes("\r")) throw refused(line, "a carriage return stands in its value");
  if (value.includes("\0")) throw refused(line, "a zero byte stands in its value");
}

function endOfLine(source: string, at: number, line: number): number {
  const rest = matchAt(BLANK_OR_COMMENT, source, at);
  if (rest === undefined) throw refused(line, "something follows its value");
  return at + rest[0].length;
}

function matchAt(pattern: RegExp, source: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source) ?? undefined;
}

function refused(line: number, why: string): PalyraError {
  return new PalyraError("usage", `Cannot read line ${line} of the env file: ${why}`);
}
