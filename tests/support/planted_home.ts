/** A home directory with many files, in some of which values are planted, and near misses in others. */

import type { Dice } from "./dice.ts";

/** Where a value was planted. */
export interface Planted {
  readonly path: string;
  readonly line: number;
  /** The number of the value. */
  readonly owner: number;
}

/** What was made. */
export interface PlantedHome {
  readonly planted: readonly Planted[];
  readonly files: number;
  readonly bytes: number;
}

const WORDS =
  "export function return the a value const key token secret if password class import from"
    .split(" ");
const encoder = new TextEncoder();

/** Random values as services make them: 20 to 48 characters. */
export function randomValues(count: number): string[] {
  return Array.from({ length: count }, (_, at) => {
    const bytes = crypto.getRandomValues(new Uint8Array(16 + at % 20));
    if (at % 4 === 0) return bytes.toHex();
    return `sk-${bytes.toBase64(at % 2 === 0 ? { alphabet: "base64url", omitPadding: true } : {})}`;
  });
}

/** Ways to write a value into a line. */
const WRITERS: readonly ((value: string) => string)[] = [
  (value) => `API_KEY=${value}`,
  (value) => `  - curl -H "Authorization: Bearer ${value}" https://example.com`,
  (value) => `Authorization: Basic ${btoa(`user:${value}`)}`,
  (value) => `data: ${btoa(value)}`,
  (value) => `https://example.com/?key=${encodeURIComponent(value)}&x=1`,
  (value) => JSON.stringify({ key: `${value}"/<ü>` }),
  (value) => `x'${encoder.encode(value).toHex().toUpperCase()}'`,
];

/** Fills a directory; each value is planted once. Near misses: cut, changed at either end, reversed. */
export function plantHome(
  directory: string,
  values: readonly string[],
  { files, dice: { next } }: { readonly files: number; readonly dice: Dice },
): PlantedHome {
  const dice = (sides: number): number => Math.floor(next() * sides);
  const planted: Planted[] = [];
  let bytes = 0;
  for (let at = 0; at < files; at++) {
    const folder = `${directory}/d${at % 37}/e${at % 211}`;
    if (at < 37 * 211) Deno.mkdirSync(folder, { recursive: true });
    const lines = Array.from({ length: dice(at % 500 === 0 ? 3_000 : 40) }, () => sentence(dice));
    const owner = Math.floor(at * values.length / files);
    const isFirst = at === Math.ceil(owner * files / values.length);
    const value = values[owner]!;
    lines.push(...misses(value), "");
    const path = `${folder}/${
      ["notes.txt", ".env", ".bash_history", "x.json", "y.yaml"][at % 5]
    }.${at}`;
    if (isFirst) {
      const line = dice(lines.length);
      lines.splice(line, 0, WRITERS[owner % WRITERS.length]!(value));
      planted.push({ path, line: line + 1, owner });
    }
    const text = encoder.encode(lines.join("\n"));
    bytes += text.length;
    Deno.writeFileSync(path, text);
  }
  return { planted, files, bytes };
}

/** Texts that are almost the value, plain and in base64. */
export function misses(value: string): string[] {
  const other = (character: string): string => character === "a" ? "b" : "a";
  const almost = [
    value.slice(0, -1),
    value.slice(1),
    value.slice(0, -1) + other(value.at(-1)!),
    other(value[0]!) + value.slice(1),
    [...value].reverse().join(""),
  ].filter((one) => !one.includes(value));
  return almost.flatMap((one) => [one, btoa(one), btoa(`x${one}`), btoa(`xy${one}`)]);
}

function sentence(dice: (sides: number) => number): string {
  return Array.from({ length: dice(14) }, () => WORDS[dice(WORDS.length)]).join(" ");
}
