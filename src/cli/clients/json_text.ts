/** Edits of a JSON text in place: one member is set, and every other byte stays as it is. */

import { PalyraError } from "../../errors.ts";

/** A member where it stands: offsets in the text. */
interface Member {
  readonly key: string;
  readonly keyAt: number;
  /** Of the value: its first character, and the one after its last. */
  readonly from: number;
  readonly to: number;
}

/** The text of a member's value; `undefined` where there is none. The text must be JSON, an object. */
export function memberText(text: string, path: readonly string[]): string | undefined {
  let value: string | undefined = text.trim();
  for (const key of path) {
    if (!value?.startsWith("{")) return undefined;
    const member = named(membersOf(value, 0), key);
    value = member && value.slice(member.from, member.to);
  }
  return value;
}

/**
 * Sets a member to a text, and makes the objects around it where there are none. What is added looks
 * like what stands beside it. Throws `precondition` where something else than an object is in the way.
 */
export function setMember(text: string, path: readonly string[], value: string): string {
  let at = text.indexOf("{");
  for (const [depth, key] of path.entries()) {
    const members = membersOf(text, at);
    const member = named(members, key);
    const rest = path.slice(depth + 1);
    const place: Place = { text, at, members, depth };
    if (member === undefined) return added(place, key, nested(rest, value));
    const { from, to } = member;
    const before = text.slice(from, to);
    if (rest.length === 0) {
      return before.startsWith('"') && JSON.parse(before) === value
        ? text
        : text.slice(0, from) + JSON.stringify(value) + text.slice(to);
    }
    if (before === "null") {
      return text.slice(0, from) + formatted(place, nested(rest, value)) + text.slice(to);
    }
    if (text[from] !== "{") {
      throw new PalyraError("precondition", `Cannot edit the settings: ${key} is no object`);
    }
    at = from;
  }
  return text;
}

/** An object that a member is added to. */
interface Place {
  readonly text: string;
  /** Its opening brace. */
  readonly at: number;
  readonly members: readonly Member[];
  /** How many objects are around it. */
  readonly depth: number;
}

function added(place: Place, key: string, value: unknown): string {
  const { text, at, members } = place;
  const last = members.at(-1);
  if (last !== undefined) {
    const colon = text.slice(endOfString(text, last.keyAt), last.from);
    const lead = /\s*$/.exec(text.slice(0, last.keyAt))![0];
    const member = JSON.stringify(key) + colon + formatted(place, value);
    return `${text.slice(0, last.to)},${lead}${member}${text.slice(last.to)}`;
  }
  const [head, tail] = [text.slice(0, at + 1), text.slice(at + 1)];
  if (isCompact(text)) return head + JSON.stringify(key) + ":" + formatted(place, value) + tail;
  const [end, unit] = [lineEnd(text), unitOf(text)];
  const member = `${JSON.stringify(key)}: ${formatted(place, value)}`;
  const closing = /^\s*\n\s*\}/.test(tail) ? "" : end + unit.repeat(place.depth);
  return head + end + unit.repeat(place.depth + 1) + member + closing + tail;
}

function nested(path: readonly string[], value: string): unknown {
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
}

/** A value as the document has its values: on one line, or indented below where it stands. */
function formatted({ text, members, depth }: Place, value: unknown): string {
  if (isCompact(text)) return JSON.stringify(value);
  const last = members.at(-1);
  const own = last && /\n([ \t]*)$/.exec(text.slice(0, last.keyAt))?.[1];
  const indent = own ?? unitOf(text).repeat(depth + 1);
  return JSON.stringify(value, null, unitOf(text)).replaceAll("\n", lineEnd(text) + indent);
}

/** Whether a document that holds anything is all on one line. */
function isCompact(text: string): boolean {
  const all = text.trim();
  return !all.includes("\n") && !/^\{\s*\}$/.test(all);
}

function unitOf(text: string): string {
  return /\n([ \t]+)"/.exec(text)?.[1] ?? "  ";
}

function lineEnd(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}

/** Of members with the same key the last one counts, as for every reader of JSON that keeps one. */
function named(members: readonly Member[], key: string): Member | undefined {
  return members.findLast((member) => member.key === key);
}

/** The members of the object whose brace stands there. */
function membersOf(text: string, brace: number): Member[] {
  const members: Member[] = [];
  let at = afterSpace(text, brace + 1);
  while (text[at] !== "}") {
    const keyAt = at;
    const keyEnd = endOfString(text, keyAt);
    const from = afterSpace(text, afterSpace(text, keyEnd) + 1);
    const to = endOfValue(text, from);
    members.push({ key: JSON.parse(text.slice(keyAt, keyEnd)), keyAt, from, to });
    at = afterSpace(text, to);
    if (text[at] === ",") at = afterSpace(text, at + 1);
  }
  return members;
}

function endOfValue(text: string, from: number): number {
  let depth = 0;
  for (let at = from;;) {
    const char = text[at]!;
    if (char === '"') at = endOfString(text, at);
    else if (/[{}[\],\s]/.test(char)) {
      if ("{[".includes(char)) depth++;
      if ("}]".includes(char)) depth--;
      at++;
    } else at = endOfWord(text, at);
    if (depth === 0) return at;
  }
}

/** Of a number, `true`, `false`, `null`, or the colon between a key and its value. */
function endOfWord(text: string, from: number): number {
  const word = /[^{}[\],\s"]+/y;
  word.lastIndex = from;
  return from + word.exec(text)![0].length;
}

function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

function afterSpace(text: string, from: number): number {
  let at = from;
  while (/\s/.test(text[at] ?? "")) at++;
  return at;
}
