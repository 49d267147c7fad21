/** Values that can be found again wherever they leak, in any of their usual forms. */

import assert from "node:assert/strict";
import { pathsBelow } from "./file_trees.ts";

/** A value and the byte strings that would give it away. */
export interface Canary {
  readonly name: string;
  readonly value: Uint8Array;
  readonly traces: readonly Trace[];
}

interface Trace {
  readonly form: string;
  /** Bytes as characters 0 to 255, to be searched as text. */
  readonly text: string;
}

/** Shortest piece of a value that is looked for: random enough not to be met by chance. */
const PIECE = 12;

/** A random value of printable text. */
export function textCanary(name: string): Canary {
  return canary(name, new TextEncoder().encode(`canary-${randomBytes(24).toHex()}`));
}

/** Random bytes that are no text. */
export function binaryCanary(name: string): Canary {
  return canary(name, new Uint8Array([0xff, 0x00, ...randomBytes(61)]));
}

/** Several lines of random text, as a PEM file has. */
export function linesCanary(name: string): Canary {
  const lines = Array.from({ length: 4 }, () => randomBytes(30).toBase64());
  return canary(name, new TextEncoder().encode(`-----BEGIN-----\n${lines.join("\n")}\nend`));
}

/** As many random bytes as fill many pages of a database. */
export function largeCanary(name: string, length: number): Canary {
  return canary(name, randomBytes(length));
}

/** A value that was not made for this: a key that palyra has made itself. At least 16 random bytes. */
export function keyCanary(name: string, value: Uint8Array): Canary {
  return canary(name, value);
}

/** Fails when a trace of a canary is in the bytes. */
export function assertNoTrace(
  canaries: readonly Canary[],
  bytes: Uint8Array | string,
  where: string,
): void {
  const text = typeof bytes === "string" ? latin(new TextEncoder().encode(bytes)) : latin(bytes);
  for (const { name, traces } of canaries) {
    const found = traces.find((trace) => text.includes(trace.text));
    assert.equal(found, undefined, `${where} holds ${name} as ${found?.form}`);
  }
}

/** Fails when a trace of a canary is in a file, or in the name of one, below a directory. */
export function assertNoTraceBelow(canaries: readonly Canary[], directory: string): void {
  for (const path of pathsBelow(directory)) {
    assertNoTrace(canaries, path, `the name of ${path}`);
    try {
      assertNoTrace(canaries, Deno.readFileSync(`${directory}/${path}`), path);
    } catch (error) {
      const passing = error instanceof Deno.errors.NotFound;
      if (!passing && !(error instanceof Deno.errors.IsADirectory)) throw error;
    }
  }
}

function canary(name: string, value: Uint8Array): Canary {
  const middle = Math.floor(value.length / 2);
  const pieces = [...new Set([8, middle, value.length - PIECE - 4])]
    .map((at) => value.slice(at, at + PIECE));
  return { name, value, traces: pieces.flatMap(tracesOf) };
}

function tracesOf(piece: Uint8Array): Trace[] {
  const traces = [
    { form: "raw bytes", text: latin(piece) },
    { form: "UTF-16", text: latin(new Uint8Array([...piece].flatMap((byte) => [byte, 0]))) },
    { form: "hex", text: piece.toHex() },
    { form: "upper-case hex", text: piece.toHex().toUpperCase() },
    { form: "a list of numbers", text: piece.join(",") },
  ];
  // Where the piece stands in what was encoded decides which 6 bits meet: all three alignments.
  for (const skip of [0, 1, 2]) {
    const whole = piece.subarray(skip, skip + 9);
    traces.push({ form: "base64", text: whole.toBase64() });
    traces.push({ form: "base64url", text: whole.toBase64({ alphabet: "base64url" }) });
  }
  return traces;
}

function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65_536, length)));
  }
  return bytes;
}

function latin(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
