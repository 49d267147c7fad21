/** Standard input, output and error of the process. */

import { OutputClosed, type Streams } from "../platform.ts";
import { pause } from "./environment.ts";
import { readWithin } from "./bounded_read.ts";
import { fileFailure } from "./failures.ts";

export const streams: Streams = {
  readInput,
  writeOutput,
  writeError,
};

const RETRY_MS = 5;

async function readInput(maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readWithin(Deno.stdin, maxBytes, "standard input");
  } catch (error) {
    throw fileFailure("read standard input", error);
  }
}

async function writeOutput(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    try {
      at += Deno.stdout.writeSync(bytes.subarray(at)); // may take less than all
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosed();
      // A pipe that its other owner made non-blocking is full for now.
      if (!(error instanceof Deno.errors.WouldBlock)) {
        throw fileFailure("write to standard output", error);
      }
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
