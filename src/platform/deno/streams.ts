/** Standard input, output and error of the process. */

import type { ByteFilter } from "../byte_filter.ts";
import { OutputClosed, type Streams } from "../platform.ts";
import { pause } from "./environment.ts";
import { readWithin } from "./bounded_read.ts";
import { fileFailure } from "./failures.ts";

export const streams: Streams = {
  readInput,
  readSome,
  writeOutput,
  writeError,
  filterInput,
};

const RETRY_MS = 5;
const CHUNK = 65_536;

async function readInput(maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readWithin(Deno.stdin, maxBytes, "standard input");
  } catch (error) {
    throw fileFailure("read standard input", error);
  }
}

async function readSome(): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const buffer = new Uint8Array(CHUNK);
  try {
    const count = await Deno.stdin.read(buffer);
    return count === null ? undefined : buffer.subarray(0, count);
  } catch (error) {
    throw fileFailure("read standard input", error);
  }
}

async function filterInput(filter: ByteFilter): Promise<void> {
  const { passThrough } = await import("./pass_through.ts");
  const buffer = new Uint8Array(CHUNK);
  const read = async (): Promise<Uint8Array | undefined> => {
    try {
      const count = await Deno.stdin.read(buffer);
      return count === null ? undefined : buffer.subarray(0, count);
    } catch (error) {
      throw fileFailure("read standard input", error);
    }
  };
  await passThrough(filter, read, writeOutput);
}

async function writeOutput(bytes: Uint8Array): Promise<void> {
  await writeAll(Deno.stdout, bytes, "standard output");
}

/** Writes all bytes, however few are taken at a time. Throws {@link OutputClosed}. */
export async function writeAll(
  stream: { writeSync(bytes: Uint8Array): number },
  bytes: Uint8Array,
  name: string,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    try {
      at += stream.writeSync(bytes.subarray(at)); // may take less than all
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosed();
      // A pipe that its other owner made non-blocking is full for now.
      if (!(error instanceof Deno.errors.WouldBlock)) throw fileFailure(`write to ${name}`, error);
      await pause(RETRY_MS);
    }
  }
}

function writeError(text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
  } catch { /* nobody is there to be told */ }
}
